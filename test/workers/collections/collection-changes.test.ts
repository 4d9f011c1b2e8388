import { describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { addMemories, newCollection, newTenant, sorted } from "../../support/nouns";
import { pointersOf, refusalOf } from "../../support/refusal";

const read = (key: string, id: string, query = "") => call("GET", `/v1/collections/${id}${query}`, { key });
const patch = (key: string, id: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  call("PATCH", `/v1/collections/${id}`, { key, body, headers });

describe("collection-update", () => {
  it("changes what is given, clears what is null, keeps the rest and the neighbours", async () => {
    const { key } = await newTenant();
    const neighbour = await newCollection(key);
    const before = await newCollection(key, { description: "old", metadata: { tape: 3 } });
    const answer = await patch(key, before.collection_id, { name: "new", description: null });
    expect([answer.status, answer.headers.get("etag")]).toEqual([200, '"2"']);
    expect(answer.body).toEqual({ ...before, name: "new", description: null, updated_at: expect.any(String) });
    const shown = await read(key, before.collection_id);
    expect([shown.body, shown.headers.get("etag")]).toEqual([answer.body, '"2"']);
    expect((await read(key, neighbour.collection_id)).body).toEqual(neighbour);
  });

  it("replaces the metadata as a whole", async () => {
    const { key } = await newTenant();
    const { collection_id } = await newCollection(key, { metadata: { tape: 3, side: "A" } });
    expect((await patch(key, collection_id, { metadata: { side: "B" } })).body.metadata).toEqual({ side: "B" });
  });

  it("writes under If-Match only while the version is the one that was read", async () => {
    const { key } = await newTenant();
    const { collection_id } = await newCollection(key);
    expect((await patch(key, collection_id, { name: "a" }, { "if-match": '"1"' })).status).toBe(200);
    expect(refusalOf(await patch(key, collection_id, { name: "b" }, { "if-match": '"1"' }))).toBe(
      "412 version-changed",
    );
    expect((await patch(key, collection_id, { name: "c" }, { "if-match": "*" })).status).toBe(200);
    expect(refusalOf(await patch(key, collection_id, {}, { "if-match": "3" }))).toBe("400 header-invalid");
    expect((await read(key, collection_id)).body.name).toBe("c");
  });

  it("lets one of ten conditional writers through", async () => {
    const { key } = await newTenant();
    const { collection_id } = await newCollection(key);
    const calls = Array.from({ length: 10 }, (_, i) =>
      patch(key, collection_id, { name: `writer ${i}` }, { "if-match": '"1"' }),
    );
    const statuses = sorted((await Promise.all(calls)).map(({ status }) => status));
    expect(statuses).toEqual([200, ...Array.from({ length: 9 }, () => 412)]);
  });

  it("keeps the count right while memories are added beside it, and its version when they are", async () => {
    const { key } = await newTenant();
    const { collection_id } = await newCollection(key);
    const adds = Array.from({ length: 5 }, (_, i) => addMemories(key, collection_id, [{ text: `memory ${i}` }]));
    const updates = ["a", "b", "c"].map((name) => patch(key, collection_id, { name }));
    const answers = await Promise.all([...adds, ...updates]);
    expect(answers.map(({ status }) => status)).toEqual([...adds.map(() => 201), ...updates.map(() => 200)]);
    const { body, headers } = await read(key, collection_id);
    expect([body.memory_count, headers.get("etag")]).toEqual([5, '"4"']);
  });

  it("points to each fault, and to what only the service changes", async () => {
    const { key } = await newTenant();
    const before = await newCollection(key);
    const answer = await patch(key, before.collection_id, { name: "", metadata: null, memory_count: 7, agent_id: "x" });
    expect(refusalOf(answer)).toBe("422 validation-failed");
    expect(pointersOf(answer)).toEqual(["/agent_id", "/memory_count", "/metadata", "/name"]);
    expect((await read(key, before.collection_id)).body).toEqual(before);
  });

  it("answers 410 for a deleted collection", async () => {
    const { key } = await newTenant();
    const { collection_id } = await newCollection(key);
    await call("DELETE", `/v1/collections/${collection_id}`, { key });
    expect(refusalOf(await patch(key, collection_id, { name: "x" }))).toBe("410 collection-deleted");
  });
});

const undelete = (key: string, id: string) => call("PATCH", `/v1/collections/${id}/undelete`, { key });

describe("collection-undelete", () => {
  it("brings the collection back as it was, with its memories; repeated, it changes nothing", async () => {
    const { key } = await newTenant();
    const { collection_id } = await newCollection(key);
    await addMemories(key, collection_id, [{ text: "a" }, { text: "b" }]);
    const before = (await read(key, collection_id)).body;
    await call("DELETE", `/v1/collections/${collection_id}`, { key });
    const first = await undelete(key, collection_id);
    expect(first).toMatchObject({ status: 200, body: { ...before, updated_at: expect.any(String) } });
    const second = await undelete(key, collection_id);
    expect([second.body, second.headers.get("etag")]).toEqual([first.body, first.headers.get("etag")]);
    const memories = await call("GET", `/v1/collections/${collection_id}/memories`, { key });
    expect(memories.body.items).toHaveLength(2);
  });

  it("cannot bring back what was removed for good", async () => {
    const { key } = await newTenant();
    const { collection_id } = await newCollection(key);
    await call("DELETE", `/v1/collections/${collection_id}?hard=true`, { key });
    expect(refusalOf(await undelete(key, collection_id))).toBe("404 collection-not-found");
  });
});
