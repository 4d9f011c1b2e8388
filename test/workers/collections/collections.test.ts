import { describe, expect, it } from "vitest";
import { type Answer, call } from "../../support/api";
import { addMemories, markDeleted, newCollection, newTenant, problemOf, sorted, unknownIds } from "../../support/nouns";

const ids = ({ body }: Answer) => body.items.map((item: { collection_id: string }) => item.collection_id);

describe("collections-create", () => {
  it("answers 201 with the collection, and where it is", async () => {
    const { key } = await newTenant();
    const given = { name: "Summers", description: "What Marta told.", metadata: { tape: 3 } };
    const { status, headers, body } = await call("PUT", "/v1/collections", { key, body: given });
    expect(status).toBe(201);
    expect(body).toEqual({
      ...given,
      collection_id: expect.stringMatching(/^collection_[0-9a-f]{32}$/),
      agent_id: null,
      memory_count: 0,
      embedder: { id: "embedded-glove-100d-20k", dimensions: 100, needs_rebuild: false },
      deleted: false,
      created_at: expect.any(String),
      updated_at: body.created_at,
    });
    expect(headers.get("location")).toBe(`/v1/collections/${body.collection_id}`);
    expect((await call("GET", `/v1/collections/${body.collection_id}`, { key })).body).toEqual(body);
  });

  it("lets two collections have one name", async () => {
    const { key } = await newTenant();
    const [one, other] = [await newCollection(key), await newCollection(key)];
    expect(one.name).toBe(other.name);
    expect(one.collection_id).not.toBe(other.collection_id);
  });

  it("points to each fault: an owner, for one, is not given but made", async () => {
    const { key } = await newTenant();
    const { status, body } = await call("PUT", "/v1/collections", { key, body: { name: "", agent_id: "x" } });
    expect(status).toBe(422);
    expect(sorted(body.errors.map((fault: { pointer: string }) => fault.pointer))).toEqual(["/agent_id", "/name"]);
    expect(ids(await call("GET", "/v1/collections", { key }))).toEqual([]);
  });
});

describe("collections-list", () => {
  it("shows the namespace's collections once each, over pages", async () => {
    const [{ key }, other] = [await newTenant(), await newTenant()];
    await newCollection(other.key);
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.push((await newCollection(key)).collection_id);
    const first = await call("GET", "/v1/collections?limit=3", { key });
    const rest = await call("GET", `/v1/collections?limit=3&cursor=${first.body.next_cursor}`, { key });
    expect(rest.body.next_cursor).toBeNull();
    expect(sorted([...ids(first), ...ids(rest)])).toEqual(sorted(made));
  });

  it("leaves deleted collections out, unless asked for them", async () => {
    const { key } = await newTenant();
    const [stays, goes] = [await newCollection(key), await newCollection(key)];
    await markDeleted("collections", goes.collection_id);
    expect(ids(await call("GET", "/v1/collections", { key }))).toEqual([stays.collection_id]);
    expect(ids(await call("GET", "/v1/collections?include_deleted=true", { key }))).toHaveLength(2);
  });
});

describe("collection-get", () => {
  it("counts the collection's own memories", async () => {
    const { key } = await newTenant();
    const [one, other] = [await newCollection(key), await newCollection(key)];
    await addMemories(key, one.collection_id, [{ text: "Pavel never learned to swim." }, { text: "Marta did." }]);
    expect((await call("GET", `/v1/collections/${one.collection_id}`, { key })).body).toEqual({
      ...one,
      memory_count: 2,
    });
    expect((await call("GET", `/v1/collections/${other.collection_id}`, { key })).body).toEqual(other);
  });

  it("answers the same 404 for a foreign id, an unknown one and one of a wrong form", async () => {
    const [{ key }, other] = [await newTenant(), await newTenant()];
    const foreign = await newCollection(other.key);
    const answers = await Promise.all(
      [foreign.collection_id, ...unknownIds("collection")].map((id) => call("GET", `/v1/collections/${id}`, { key })),
    );
    expect(answers[0]).toMatchObject({ status: 404, body: { code: "collection-not-found" } });
    expect(new Set(answers.map((answer) => JSON.stringify(problemOf(answer)))).size).toBe(1);
  });

  it("answers 410 for a deleted collection, and shows it with include_deleted", async () => {
    const { key } = await newTenant();
    const { collection_id } = await newCollection(key);
    await markDeleted("collections", collection_id);
    const gone = await call("GET", `/v1/collections/${collection_id}`, { key });
    expect([gone.status, gone.body.code]).toEqual([410, "collection-deleted"]);
    const shown = await call("GET", `/v1/collections/${collection_id}?include_deleted=true`, { key });
    expect(shown).toMatchObject({ status: 200, body: { collection_id, deleted: true } });
  });
});
