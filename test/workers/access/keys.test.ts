import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { newAgent, newTenant, problemOf, unknownIds } from "../../support/nouns";

const DAY_MS = 86_400_000;
const soon = () => new Date(Date.now() + DAY_MS).toISOString();

describe("keys-create", () => {
  it("shows the whole bearer key in the answer", async () => {
    const { namespaceId } = await newTenant();
    const body = { name: "nightly import", namespace_id: namespaceId, expires_at: soon() };
    const answer = await call("PUT", "/v1/keys", { body });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject(body);
    const digits = answer.body.key_id.slice("key_".length);
    expect(answer.body.key).toMatch(new RegExp(`^rfr_${digits}_[0-9a-f]{64}$`));
    expect(answer.body.key.startsWith(answer.body.prefix)).toBe(true);
  });

  it("stores a hash, and the secret nowhere", async () => {
    const { body } = await call("PUT", "/v1/keys", { body: { name: "hashed" } });
    const row = await env.DB.prepare("SELECT * FROM api_keys WHERE id = ?").bind(body.key_id).first();
    expect(row?.secret_hash).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(row)).not.toContain(body.key.split("_")[2]);
  });

  it("makes a key that acts in its namespace, and in no other", async () => {
    const [one, other] = [await newTenant(), await newTenant()];
    const agent = await newAgent(one.key);
    expect((await call("GET", `/v1/agents/${agent.agent_id}`, { key: one.key })).status).toBe(200);
    expect((await call("GET", `/v1/agents/${agent.agent_id}`, { key: other.key })).status).toBe(404);
    expect((await call("GET", `/v1/agents/${agent.agent_id}`)).status).toBe(404);
  });

  it("takes the namespace `default` where none is given: the one of the admin key", async () => {
    const { body } = await call("PUT", "/v1/keys", { body: { name: "default" } });
    const agent = await newAgent(body.key);
    expect((await call("GET", `/v1/agents/${agent.agent_id}`)).status).toBe(200);
  });

  it("refuses an end that is past", async () => {
    const { status, body } = await call("PUT", "/v1/keys", {
      body: { name: "late", expires_at: "2020-01-01T00:00:00Z" },
    });
    expect(status).toBe(422);
    expect(body.errors[0].pointer).toBe("/expires_at");
  });

  it("answers the same 404 for an unknown namespace and an id of a wrong form", async () => {
    const answers = await Promise.all(
      unknownIds("namespace").map((id) => call("PUT", "/v1/keys", { body: { name: "x", namespace_id: id } })),
    );
    expect(answers[0]?.status).toBe(404);
    expect(answers[0]?.body.code).toBe("namespace-not-found");
    expect(new Set(answers.map((answer) => JSON.stringify(problemOf(answer)))).size).toBe(1);
  });

  it("is for the admin key alone", async () => {
    const { key } = await newTenant();
    expect((await call("PUT", "/v1/keys", { key, body: { name: "more" } })).status).toBe(403);
  });
});

describe("keys-list", () => {
  it("shows the keys of one namespace, without secrets", async () => {
    const [one, other] = [await newTenant(), await newTenant()];
    const { status, body } = await call("GET", `/v1/keys?namespace_id=${one.namespaceId}`);
    expect(status).toBe(200);
    expect(body.items).toHaveLength(1);
    expect(body.items[0]).toMatchObject({ namespace_id: one.namespaceId, expires_at: null });
    expect(JSON.stringify(body)).not.toContain(one.key);
    expect(JSON.stringify(body)).not.toContain(other.namespaceId);
  });

  it("is for the admin key alone", async () => {
    const { key } = await newTenant();
    expect((await call("GET", "/v1/keys", { key })).status).toBe(403);
  });
});

describe("key-delete", () => {
  it("ends the key at once, and leaves its neighbours", async () => {
    const { namespaceId, key } = await newTenant();
    const { body } = await call("PUT", "/v1/keys", { body: { name: "short", namespace_id: namespaceId } });
    expect((await call("DELETE", `/v1/keys/${body.key_id}`)).status).toBe(204);
    expect((await call("GET", "/v1/agents", { key: body.key })).status).toBe(401);
    expect((await call("GET", "/v1/agents", { key })).status).toBe(200);
    expect((await call("DELETE", `/v1/keys/${body.key_id}`)).status).toBe(404);
  });

  it("is for the admin key alone", async () => {
    const { key } = await newTenant();
    const { body } = await call("PUT", "/v1/keys", { body: { name: "stays" } });
    expect((await call("DELETE", `/v1/keys/${body.key_id}`, { key })).status).toBe(403);
    expect((await call("GET", "/v1/agents", { key: body.key })).status).toBe(200);
  });

  it("does not know the admin key by an id", async () => {
    expect((await call("DELETE", "/v1/keys/key_admin")).status).toBe(404);
  });
});

describe("a bearer key", () => {
  it("is refused when it is missing, malformed, unknown, or has another's secret", async () => {
    const [one, other] = [await newTenant(), await newTenant()];
    const crossed = [...one.key.split("_").slice(0, 2), other.key.split("_")[2]].join("_");
    const keys = [null, "x", "test-admin-ke", "test-admin-key2", `${one.key}0`, one.key.slice(0, -1), crossed];
    for (const key of [...keys, `rfr_${"0".repeat(32)}_${"0".repeat(64)}`]) {
      const { status, headers, body } = await call("GET", "/v1/agents", { key });
      expect([key, status, body.code]).toEqual([key, 401, "key-invalid"]);
      expect(headers.get("www-authenticate")).toContain("Bearer");
    }
  });

  it("is refused from its end on", async () => {
    const { body } = await call("PUT", "/v1/keys", { body: { name: "ends", expires_at: soon() } });
    expect((await call("GET", "/v1/agents", { key: body.key })).status).toBe(200);
    await env.DB.prepare("UPDATE api_keys SET expires_at_ms = ? WHERE id = ?").bind(Date.now(), body.key_id).run();
    expect((await call("GET", "/v1/agents", { key: body.key })).status).toBe(401);
  });
});
