import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it } from "vitest";
import { openDatabase } from "../../../src/data/database/database";
import { authenticate, removeKey } from "../../../src/services/access/keys";
import { call } from "../../support/api";
import { callerIn } from "../../support/caller";
import { travelBack, travelMs } from "../../support/clock";
import { arm, databaseCalls, resetFaults } from "../../support/faults";
import { newAgent, newTenant, problemOf, unknownIds } from "../../support/nouns";

const DAY_MS = 86_400_000;

afterEach(travelBack);
afterEach(resetFaults);

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
    const crossed = withSecretOf(one.key, other.key);
    const keys = [null, "x", "test-admin-ke", "test-admin-key2", `${one.key}0`, one.key.slice(0, -1), crossed];
    for (const key of [...keys, `rfr_${"0".repeat(32)}_${"0".repeat(64)}`]) {
      const { status, headers, body } = await call("GET", "/v1/agents", { key });
      expect([key, status, body.code]).toEqual([key, 401, "key-invalid"]);
      expect(headers.get("www-authenticate")).toContain("Bearer");
    }
  });

  it("is refused from its end on", async () => {
    const { body } = await call("PUT", "/v1/keys", { body: { name: "ends", expires_at: soon() } });
    travelMs(DAY_MS);
    expect(await statusFor(body.key)).toBe(401);
  });

  it("is read each time while it is refused", async () => {
    const unknown = `rfr_${"0".repeat(32)}_${"0".repeat(64)}`;
    const { key } = await newTenant();
    const wrong = withSecretOf(key, unknown);
    resetFaults();
    expect([await statusFor(unknown), await statusFor(unknown)]).toEqual([401, 401]);
    expect([await statusFor(wrong), await statusFor(wrong)]).toEqual([401, 401]);
    expect(databaseCalls("api_keys")).toBe(4);
  });
});

describe("a bearer key that was accepted", () => {
  it("is not read from D1 by the next calls", async () => {
    const { key } = await newTenant();
    resetFaults();
    expect([await statusFor(key), await statusFor(key), await statusFor(key)]).toEqual([200, 200, 200]);
    expect(databaseCalls("api_keys")).toBe(1);
  });

  it("is read again after ten seconds", async () => {
    const { key } = await newTenant();
    await statusFor(key);
    travelMs(10_000);
    resetFaults();
    expect([await statusFor(key), await statusFor(key)]).toEqual([200, 200]);
    expect(databaseCalls("api_keys")).toBe(1);
  });

  it("is refused with another's secret all the same, and goes on being known", async () => {
    const [one, other] = [await newTenant(), await newTenant()];
    await statusFor(one.key);
    resetFaults();
    expect(await statusFor(withSecretOf(one.key, other.key))).toBe(401);
    expect(await statusFor(one.key)).toBe(200);
    expect(databaseCalls("api_keys")).toBe(0);
  });

  it("is refused from its end on, within the ten seconds too", async () => {
    const expires_at = new Date(Date.now() + 8_000).toISOString();
    const { body } = await call("PUT", "/v1/keys", { body: { name: "ends", expires_at } });
    expect(await statusFor(body.key)).toBe(200);
    travelMs(8_000);
    expect(await statusFor(body.key)).toBe(401);
  });

  it("is refused at once where it was deleted", async () => {
    const { keyId, key } = await newKey();
    expect(await statusFor(key)).toBe(200);
    await call("DELETE", `/v1/keys/${keyId}`);
    expect(await statusFor(key)).toBe(401);
  });

  it("is refused at once when the answer to its deletion was lost", async () => {
    const { keyId, key } = await newKey();
    expect(await statusFor(key)).toBe(200);
    arm("fails-after", 'delete from "api_keys"');
    expect((await call("DELETE", `/v1/keys/${keyId}`)).status).toBe(503);
    expect(await statusFor(key)).toBe(401);
  });

  it("is refused within ten seconds where another isolate deleted it", async () => {
    const { keyId, key } = await newKey();
    expect(await statusFor(key)).toBe(200);
    await env.DB.prepare("DELETE FROM api_keys WHERE id = ?").bind(keyId).run();
    expect(await statusFor(key)).toBe(200);
    travelMs(10_000);
    expect(await statusFor(key)).toBe(401);
  });

  it("is not known again by a call that was reading it while it was deleted", async () => {
    const { keyId, key } = await newKey();
    const { db, wasRead, goOn } = heldReads();
    const ctx = callerIn("", { db, admin: true });
    const slow = authenticate(ctx, "another admin key", key);
    await wasRead;
    await removeKey(ctx, keyId);
    goOn();
    expect(await slow).toMatchObject({ keyId });
    await expect(authenticate(ctx, "another admin key", key)).rejects.toMatchObject({ value: { code: "key-invalid" } });
  });
});

async function statusFor(key: string): Promise<number> {
  return (await call("GET", "/v1/agents", { key })).status;
}

async function newKey(): Promise<{ readonly keyId: string; readonly key: string }> {
  const { body } = await call("PUT", "/v1/keys", { body: { name: "short" } });
  return { keyId: body.key_id, key: body.key };
}

/** The id of one bearer key with the secret of another. */
function withSecretOf(key: string, other: string): string {
  return [...key.split("_").slice(0, 2), other.split("_")[2]].join("_");
}

/** A database that has read keys, and does not say so until it may. */
function heldReads() {
  const [read, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const hold = (statement: D1PreparedStatement): unknown => ({
    bind: (...values: unknown[]) => hold(statement.bind(...values)),
    raw: async () => {
      const found = await statement.raw();
      read.resolve();
      await held.promise;
      return found;
    },
  });
  const prepare = (sql: string) => {
    const statement = env.DB.prepare(sql);
    return sql.startsWith("select") ? hold(statement) : statement;
  };
  const db = openDatabase({ prepare } as unknown as D1Database);
  return { db, wasRead: read.promise, goOn: () => held.resolve() };
}
