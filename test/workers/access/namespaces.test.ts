import { describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { newTenant, sorted } from "../../support/nouns";

const newName = () => `museum ${crypto.randomUUID()}`;

describe("namespaces-create", () => {
  it("answers 201 with the namespace", async () => {
    const name = newName();
    const { status, body } = await call("PUT", "/v1/namespaces", { body: { name } });
    expect(status).toBe(201);
    expect(body).toEqual({
      namespace_id: expect.stringMatching(/^namespace_[0-9a-f]{32}$/),
      name,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
  });

  it("refuses a taken name, and names the namespace that has it", async () => {
    const name = newName();
    const first = await call("PUT", "/v1/namespaces", { body: { name } });
    const second = await call("PUT", "/v1/namespaces", { body: { name } });
    expect(second.status).toBe(409);
    expect(second.body).toMatchObject({ code: "namespace-name-taken", namespace_id: first.body.namespace_id });
  });

  it("makes one namespace of ten calls at once with one name", async () => {
    const name = newName();
    const calls = Array.from({ length: 10 }, () => call("PUT", "/v1/namespaces", { body: { name } }));
    const statuses = sorted((await Promise.all(calls)).map((answer) => answer.status));
    expect(statuses).toEqual([201, ...Array.from({ length: 9 }, () => 409)]);
  });

  it("is for the admin key alone", async () => {
    const { key } = await newTenant();
    const { status, body } = await call("PUT", "/v1/namespaces", { key, body: { name: newName() } });
    expect(status).toBe(403);
    expect(body.code).toBe("admin-key-required");
  });

  it("points to each field that is missing or unknown", async () => {
    const { status, body } = await call("PUT", "/v1/namespaces", { body: { nom: "x" } });
    expect(status).toBe(422);
    expect(sorted(body.errors.map((fault: { pointer: string }) => fault.pointer))).toEqual(["/name", "/nom"]);
  });
});

describe("namespaces-list", () => {
  it("shows every namespace once, newest first, over pages", async () => {
    const made = [await newTenant(), await newTenant(), await newTenant()].map((tenant) => tenant.namespaceId);
    const seen: { namespace_id: string; created_at: string }[] = [];
    for (let path: string | null = "/v1/namespaces?limit=2"; path !== null;) {
      const { status, headers, body } = await call("GET", path);
      expect(status).toBe(200);
      seen.push(...body.items);
      path = /<(.*)>; rel="next"/.exec(headers.get("link") ?? "")?.[1] ?? null;
      expect(path === null).toBe(body.next_cursor === null);
    }
    const ids = seen.map((namespace) => namespace.namespace_id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(made));
    const times = seen.map((namespace) => namespace.created_at);
    expect(times).toEqual(sorted(times).toReversed());
  });

  it("is for the admin key alone", async () => {
    const { key } = await newTenant();
    expect((await call("GET", "/v1/namespaces", { key })).status).toBe(403);
  });
});
