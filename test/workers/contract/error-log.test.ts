import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { call } from "../../support/api";
import { arm, resetFaults } from "../../support/faults";

beforeEach(() => resetFaults());
afterEach(() => vi.restoreAllMocks());

describe("the log", () => {
  it("says what failed and under which trace id, and never the texts of users", async () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => undefined);
    arm("fails-before", 'insert into "agents"');
    const refused = await call("PUT", "/v1/agents", { body: { name: "Mara", persona: "an unmistakable secret" } });
    expect(refused.status).toBe(503);
    const lines = error.mock.calls.map(([line]) => String(line)).join("\n");
    expect(lines).toContain(refused.body.trace_id);
    expect(lines).toContain("Injected");
    expect(lines).not.toContain("unmistakable secret");
    expect(JSON.stringify(refused.body)).not.toContain("Injected");
  });
});

describe("an answer", () => {
  it("lists a hundred faults at most, however many there are", async () => {
    const body = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`field${i}`, i]));
    const refused = await call("PUT", "/v1/agents", { body });
    expect(refused.status).toBe(422);
    expect(refused.body.errors).toHaveLength(100);
    const memories = Array.from({ length: 100 }, () =>
      Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f${i}`, i])),
    );
    const collection = await call("PUT", "/v1/collections", { body: { name: "c" } });
    const path = `/v1/collections/${collection.body.collection_id}/memories`;
    expect((await call("PUT", path, { body: { memories } })).body.errors).toHaveLength(100);
  });
});

describe("a body", () => {
  it.each([["a key that would be lost in a copy", '{ "name": "m", "metadata": { "__proto__": 1 } }', "json-invalid"]])(
    "with %s is refused",
    async (_, body, code) => {
      expect((await call("PUT", "/v1/agents", { body })).body.code).toBe(code);
    },
  );

  it.each(["9999-12-31T23:59:59-05:00", "0000-01-01T00:00:00+01:00"])("with the time %s is refused", async (time) => {
    const collection = await call("PUT", "/v1/collections", { body: { name: "c" } });
    const path = `/v1/collections/${collection.body.collection_id}/memories`;
    const refused = await call("PUT", path, { body: { memories: [{ text: "x", occurred_at: time }] } });
    expect(refused.body.errors).toMatchObject([{ pointer: "/memories/0/occurred_at" }]);
  });
});
