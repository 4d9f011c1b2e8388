import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { newCase, verdictsOf, wordHits } from "../../support/memories";
import { newAgent, newTenant, sorted } from "../../support/nouns";
import { pointersOf, refusalOf } from "../../support/refusal";

const WHOLE = {
  text: "On 14 July 2003 Marta sold 3 boats.",
  vector_text: "boats sold",
  type: "integration",
  importance: 9,
  memo: "tape 2",
  metadata: { tape: 2 },
  occurred_at: "2003-07-14T09:30:00.000Z",
  external_id: "2/17",
};

describe("collection-memory-update", () => {
  it("changes what is given, clears what is null, keeps the rest, the neighbours and the count", async () => {
    const { one, patch, get, count } = await newCase();
    const [id, next] = [await one(WHOLE), await one({ text: "neighbour" })];
    const [before, neighbour] = [await get(id), await get(next)];
    const answer = await patch(id, { text: "new", memo: null, occurred_at: null, importance: 1, vector_text: null });
    expect([answer.status, answer.headers.get("etag")]).toEqual([200, '"2"']);
    const changed = { text: "new", memo: null, occurred_at: null, importance: 1, vector_text: null };
    expect(answer.body).toEqual({ ...before, ...changed });
    expect(await get(id)).toEqual(answer.body);
    expect(await get(next)).toEqual(neighbour);
    expect(await count()).toBe(2);
  });

  it("sets every field", async () => {
    const { key, one, patch, get } = await newCase();
    const { agent_id } = await newAgent(key);
    const [id, child] = [await one({ text: "plain" }), await one({ text: "child" })];
    const given = { ...WHOLE, agent_id, child_memory_ids: [child] };
    expect((await patch(id, given)).body).toMatchObject(given);
    expect(await get(id)).toMatchObject(given);
  });

  it("is found by its new words at once, and no more by the old", async () => {
    const { one, patch, collectionId } = await newCase();
    const id = await one({ text: "the lighthouse burned" });
    await patch(id, { text: "the windmill turned" });
    expect([await wordHits(collectionId, "lighthouse"), await wordHits(collectionId, "windmill")]).toEqual([0, 1]);
    await patch(id, { vector_text: "granary" });
    expect([await wordHits(collectionId, "granary"), await wordHits(collectionId, "windmill")]).toEqual([1, 1]);
  });

  it("is the same memory to a later add by what it says now, and not by what it said", async () => {
    const { one, patch, add, count } = await newCase();
    const [plain, named] = [await one({ text: "old" }), await one({ text: "first", external_id: "1" })];
    await patch(plain, { text: "new" });
    await patch(named, { text: "second" });
    const answer = await add({ text: "new" }, { text: "second", external_id: "1" });
    expect(verdictsOf(answer)).toEqual(["skipped", "skipped"]);
    expect(verdictsOf(await add({ text: "old" }))).toEqual(["created"]);
    expect(await count()).toBe(3);
  });

  it("refuses to become what another memory is, and names that one", async () => {
    const { one, patch, get, remove } = await newCase();
    const [same, named, id] = [
      await one({ text: "same" }),
      await one({ text: "n", external_id: "1" }),
      await one({ text: "a" }),
    ];
    const before = await get(id);
    const equal = await patch(id, { text: "same", importance: 9 });
    expect([refusalOf(equal), pointersOf(equal), equal.body.memory_id]).toEqual(["409 memory-exists", ["/text"], same]);
    const taken = await patch(id, { external_id: "1" });
    expect([refusalOf(taken), pointersOf(taken), taken.body.memory_id]).toEqual([
      "409 memory-exists",
      ["/external_id"],
      named,
    ]);
    expect(await get(id)).toEqual(before);
    await remove(named);
    expect((await patch(id, { external_id: "1" })).status).toBe(200);
  });

  it("writes nothing, and keeps the version, when nothing would change", async () => {
    const { one, patch, get } = await newCase();
    const id = await one(WHOLE);
    const before = await get(id);
    for (const body of [{}, WHOLE, { occurred_at: "2003-07-14T11:30:00+02:00" }]) {
      const answer = await patch(id, body);
      expect([answer.status, answer.body, answer.headers.get("etag")]).toEqual([200, before, '"1"']);
    }
  });

  it("writes under If-Match only while the version is the one that was read", async () => {
    const { key, path, one, patch, get, add } = await newCase();
    const id = await one({ text: "a", external_id: "1" });
    const read = await call("GET", `${path}/${id}`, { key });
    const ifMatch = { "if-match": String(read.headers.get("etag")) };
    await add({ text: "b", external_id: "1" });
    expect(refusalOf(await patch(id, { memo: "m" }, ifMatch))).toBe("412 version-changed");
    expect((await get(id)).memo).toBeNull();
    expect((await patch(id, { memo: "m" }, { "if-match": '"2"' })).status).toBe(200);
    expect(refusalOf(await patch(id, {}, { "if-match": "2" }))).toBe("400 header-invalid");
  });

  it("lets one of ten conditional writers through, and loses no change of ten others", async () => {
    const { one, patch, get } = await newCase();
    const id = await one({ text: "a" });
    const writes = Array.from({ length: 10 }, (_, i) => patch(id, { memo: `writer ${i}` }, { "if-match": '"1"' }));
    const statuses = sorted((await Promise.all(writes)).map(({ status }) => status));
    expect(statuses).toEqual([200, ...Array.from({ length: 9 }, () => 412)]);
    const fields = [{ memo: "m" }, { importance: 9 }, { metadata: { a: 1 } }, { vector_text: "v" }, { text: "t" }];
    const answers = await Promise.all(fields.map((body) => patch(id, body)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(await get(id)).toMatchObject(Object.assign({}, ...fields));
  });

  it("gives one of two memories an external id that both want", async () => {
    const { one, patch, list } = await newCase();
    const ids = [await one({ text: "a" }), await one({ text: "b" })];
    const answers = await Promise.all(ids.map((id) => patch(id, { external_id: "1" })));
    expect(sorted(answers.map(({ status }) => status))).toEqual([200, 409]);
    expect((await list()).filter((memory: { external_id: string }) => memory.external_id === "1")).toHaveLength(1);
  });

  it("checks the references that are new, and goes on naming what was deleted since", async () => {
    const { key, one, patch, remove, get } = await newCase();
    const [gone, kept] = [await one({ text: "gone" }), await one({ text: "kept" })];
    const { agent_id } = await newAgent(key);
    const id = await one({ text: "sum", child_memory_ids: [gone], agent_id });
    await remove(gone, "?hard=true");
    await call("DELETE", `/v1/agents/${agent_id}`, { key });
    const answer = await patch(id, { child_memory_ids: [gone, kept], agent_id, memo: "m" });
    expect([answer.status, (await get(id)).child_memory_ids]).toEqual([200, [gone, kept]]);
    const unknown = await patch(id, { child_memory_ids: [kept, "memory_x"] });
    expect([refusalOf(unknown), pointersOf(unknown)]).toEqual(["404 memory-not-found", ["/child_memory_ids/1"]]);
    const foreign = await patch(id, { agent_id: (await newAgent((await newTenant()).key)).agent_id });
    expect([refusalOf(foreign), pointersOf(foreign)]).toEqual(["404 agent-not-found", ["/agent_id"]]);
    const itself = await patch(id, { child_memory_ids: [id] });
    expect([refusalOf(itself), pointersOf(itself)]).toEqual(["422 validation-failed", ["/child_memory_ids/0"]]);
    expect((await get(id)).child_memory_ids).toEqual([gone, kept]);
  });

  it("changes a re-voiced memory without making it equal to any other", async () => {
    const { one, patch, add, get } = await newCase();
    const [twin, id] = [await one({ text: "twin" }), await one({ text: "re-voiced" })];
    await env.DB.prepare(
      "UPDATE memories SET source_memory_id = 's', task_id = 't', same_key = NULL, digest = NULL WHERE id = ?",
    )
      .bind(id)
      .run();
    expect((await patch(id, { text: "twin" })).status).toBe(200);
    expect(await get(id)).toMatchObject({ text: "twin", source: { memory_id: "s", task_id: "t" } });
    expect((await add({ text: "twin" })).body.results[0]).toMatchObject({ verdict: "skipped", memory_id: twin });
    await patch(id, { external_id: "1" });
    expect((await add({ text: "again", external_id: "1" })).body.results[0]).toMatchObject({
      verdict: "updated",
      memory_id: id,
    });
  });

  it("points to each fault, and to what only the service changes", async () => {
    const { one, patch, get } = await newCase();
    const id = await one({ text: "a" });
    const before = await get(id);
    const bad = { text: "", importance: 11, type: null, child_memory_ids: null, access_count: 7, source: null };
    const answer = await patch(id, bad);
    expect(refusalOf(answer)).toBe("422 validation-failed");
    expect(pointersOf(answer)).toEqual(sorted(Object.keys(bad).map((field) => `/${field}`)));
    expect(await get(id)).toEqual(before);
  });

  it("answers 410 for a deleted memory and in a deleted collection", async () => {
    const { key, collectionId, one, patch, remove } = await newCase();
    const [id, other] = [await one({ text: "a" }), await one({ text: "b" })];
    await remove(id);
    expect(refusalOf(await patch(id, { text: "x" }))).toBe("410 memory-deleted");
    await call("DELETE", `/v1/collections/${collectionId}`, { key });
    expect(refusalOf(await patch(other, { text: "x" }))).toBe("410 collection-deleted");
  });
});
