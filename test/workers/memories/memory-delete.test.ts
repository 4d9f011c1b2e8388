import { describe, expect, it } from "vitest";
import { REMOVAL_SECONDS, REMOVAL_STEP_MEMORIES } from "../../../src/services/collections/remove-collection";
import { truncateMemories } from "../../../src/services/memories/remove-memories";
import { call } from "../../support/api";
import { callerIn, jumpingClock } from "../../support/caller";
import { arm, databaseCalls, resetFaults } from "../../support/faults";
import { fillCollection, idsOf, many, newCase, storedRows, verdictsOf, wordHits } from "../../support/memories";
import { newCollection, newTenant } from "../../support/nouns";
import { pointersOf, refusalOf } from "../../support/refusal";

const LARGE = 2 * REMOVAL_STEP_MEMORIES + 1;

describe("collection-memory-delete", () => {
  it("deletes softly: it is found no more, counted no more, and can be read with include_deleted", async () => {
    const { key, path, collectionId, one, get, remove, list, count } = await newCase();
    const [id, stays] = [await one({ text: "lighthouse" }), await one({ text: "windmill" })];
    const [before, neighbour] = [await get(id), await get(stays)];
    expect((await remove(id)).status).toBe(204);
    expect(refusalOf(await remove(id))).toBe("410 memory-deleted");
    expect(refusalOf(await call("GET", `${path}/${id}`, { key }))).toBe("410 memory-deleted");
    expect(await get(`${id}?include_deleted=true`)).toEqual({ ...before, deleted: true });
    expect([await list(), await count()]).toEqual([[neighbour], 1]);
    expect([await wordHits(collectionId, "lighthouse"), await wordHits(collectionId, "windmill")]).toEqual([0, 1]);
  });

  it("removes for good with hard=true, deleted softly or not, and counts it once", async () => {
    const { collectionId, one, remove, count } = await newCase();
    const [soft, live] = [await one({ text: "a" }), await one({ text: "b" })];
    await one({ text: "c" });
    await remove(soft);
    expect((await remove(soft, "?hard=true")).status).toBe(204);
    expect((await remove(live, "?hard=true")).status).toBe(204);
    expect((await remove(live, "?hard=true")).status).toBe(404);
    expect([await count(), await storedRows(collectionId)]).toEqual([1, 1]);
  });

  it("leaves its id where others name it, and answers 404 under it", async () => {
    const { one, get, remove } = await newCase();
    const child = await one({ text: "child" });
    const parent = await one({ text: "parent", child_memory_ids: [child] });
    await remove(child, "?hard=true");
    expect((await get(parent)).child_memory_ids).toEqual([child]);
    expect((await get(child)).code).toBe("memory-not-found");
  });

  it("changes nothing with dry_run=true", async () => {
    const { one, remove, list, count } = await newCase();
    const id = await one({ text: "a" });
    const before = await list();
    for (const query of ["?dry_run=true", "?dry_run=true&hard=true"])
      expect(await remove(id, query)).toMatchObject({ status: 200, body: { memories: 1 } });
    expect([await list(), await count()]).toEqual([before, 1]);
  });

  it("counts right when ten calls delete one memory at once", async () => {
    const { one, remove, count } = await newCase();
    const id = await one({ text: "a" });
    await one({ text: "b" });
    const answers = await Promise.all(Array.from({ length: 10 }, () => remove(id)));
    expect(answers.filter(({ status }) => status === 204).length).toBeGreaterThan(0);
    expect(answers.filter(({ status }) => status !== 204 && status !== 410)).toEqual([]);
    expect(await count()).toBe(1);
  });

  it("answers 404 for a memory of another collection, and 410 in a deleted collection", async () => {
    const { key, collectionId, one, remove, get } = await newCase();
    const id = await one({ text: "a" });
    const { collection_id: nextDoor } = await newCollection(key);
    for (const query of ["", "?hard=true", "?dry_run=true"]) {
      const answer = await call("DELETE", `/v1/collections/${nextDoor}/memories/${id}${query}`, { key });
      expect(refusalOf(answer)).toBe("404 memory-not-found");
    }
    expect((await get(id)).deleted).toBe(false);
    await call("DELETE", `/v1/collections/${collectionId}`, { key });
    for (const query of ["", "?hard=true"]) expect(refusalOf(await remove(id, query))).toBe("410 collection-deleted");
  });
});

describe("collection-memory-undelete", () => {
  it("brings the memory back as it was, found and counted; repeated, it changes nothing", async () => {
    const { collectionId, one, get, remove, undelete, count } = await newCase();
    const id = await one({ text: "lighthouse", external_id: "1" });
    const before = await get(id);
    await remove(id);
    const first = await undelete(id);
    expect([first.status, first.body, first.headers.get("etag")]).toEqual([200, before, '"3"']);
    const second = await undelete(id);
    expect([second.status, second.body, second.headers.get("etag")]).toEqual([200, before, '"3"']);
    expect([await count(), await wordHits(collectionId, "lighthouse")]).toEqual([1, 1]);
  });

  it("refuses when another memory has its external id, or says the same, by now, and names that one", async () => {
    const { one, remove, undelete, count } = await newCase();
    const [named, plain] = [await one({ text: "a", external_id: "1" }), await one({ text: "b" })];
    await remove(named);
    await remove(plain);
    const [heir, twin] = [await one({ text: "c", external_id: "1" }), await one({ text: "b" })];
    const taken = await undelete(named);
    expect([refusalOf(taken), pointersOf(taken), taken.body.memory_id]).toEqual(["409 memory-exists", [], heir]);
    const equal = await undelete(plain);
    expect([refusalOf(equal), equal.body.memory_id]).toEqual(["409 memory-exists", twin]);
    expect(await count()).toBe(2);
    await remove(heir);
    expect((await undelete(named)).status).toBe(200);
  });

  it("answers 410 in a deleted collection, and leaves the memory deleted", async () => {
    const { key, collectionId, one, remove, undelete, count } = await newCase();
    const id = await one({ text: "a" });
    await remove(id);
    await call("DELETE", `/v1/collections/${collectionId}`, { key });
    expect(refusalOf(await undelete(id))).toBe("410 collection-deleted");
    await call("PATCH", `/v1/collections/${collectionId}/undelete`, { key });
    expect(await count()).toBe(0);
  });
});

const truncate = (c: { readonly key: string; readonly path: string }, query = "") =>
  call("DELETE", `${c.path}${query}`, { key: c.key });

describe("collection-memories-truncate", () => {
  it("deletes every memory softly, each can come back, and the collection and its neighbours stay", async () => {
    const own = await newCase();
    const neighbour = await newCase();
    await neighbour.add({ text: "stays" });
    const [first] = idsOf(await own.add({ text: "lighthouse" }, { text: "b" }));
    expect((await truncate(own)).status).toBe(204);
    expect([await own.list(), await own.count(), await wordHits(own.collectionId, "lighthouse")]).toEqual([[], 0, 0]);
    expect(await own.list("&include_deleted=true")).toHaveLength(2);
    expect((await own.undelete(String(first))).status).toBe(200);
    expect([await own.count(), await neighbour.count()]).toEqual([1, 1]);
    expect((await truncate(own)).status).toBe(204);
    expect((await truncate(own)).status).toBe(204);
  });

  it("removes every memory for good with hard=true, those deleted before too", async () => {
    const own = await newCase();
    const [soft] = idsOf(await own.add({ text: "a" }, { text: "b", external_id: "1" }));
    await own.remove(String(soft));
    expect((await truncate(own, "?hard=true")).status).toBe(204);
    expect([await storedRows(own.collectionId), await own.count()]).toEqual([0, 0]);
    expect(verdictsOf(await own.add({ text: "b", external_id: "1" }))).toEqual(["created"]);
  });

  it("changes nothing with dry_run=true, and counts what would go", async () => {
    const own = await newCase();
    const [soft] = idsOf(await own.add(...many(3)));
    await own.remove(String(soft));
    expect((await truncate(own, "?dry_run=true")).body).toEqual({ memories: 2 });
    expect((await truncate(own, "?dry_run=true&hard=true")).body).toEqual({ memories: 3 });
    expect([await own.count(), await storedRows(own.collectionId)]).toEqual([2, 3]);
  });

  it.each(["", "?hard=true"])("goes through many memories in steps of bounded size: %s", async (query) => {
    const own = await newCase();
    await fillCollection(own.collectionId, LARGE);
    resetFaults();
    expect((await truncate(own, query)).status).toBe(204);
    expect(databaseCalls("UPDATE collections SET memory_count")).toBe(3);
    expect([await own.count(), await own.list()]).toEqual([0, []]);
  });

  it("counts exactly after a step that was cut off, and goes on when it is sent again", async () => {
    const own = await newCase();
    await fillCollection(own.collectionId, LARGE);
    arm("fails-after", "UPDATE collections SET memory_count");
    expect((await truncate(own)).status).toBe(503);
    resetFaults();
    expect(await own.count()).toBe(LARGE - REMOVAL_STEP_MEMORIES);
    expect((await truncate(own)).status).toBe(204);
    expect(await own.count()).toBe(0);
  });

  it("answers truncation-unfinished when the time of a call is used up, and what is done is done", async () => {
    const { key, namespaceId } = await newTenant();
    const { collection_id } = await newCollection(key);
    await fillCollection(collection_id, LARGE);
    const ctx = callerIn(namespaceId, { clock: jumpingClock(REMOVAL_SECONDS * 1_000) });
    await expect(truncateMemories(ctx, collection_id, { hard: true, dryRun: false })).rejects.toMatchObject({
      value: { kind: "unavailable", code: "truncation-unfinished" },
    });
    expect(await storedRows(collection_id)).toBeLessThan(LARGE);
    const { body } = await call("GET", `/v1/collections/${collection_id}`, { key });
    expect(body.memory_count).toBe(await storedRows(collection_id));
  });

  it("answers 404 for a foreign collection, 410 for a deleted one, and changes neither", async () => {
    const own = await newCase();
    await own.add({ text: "a" });
    const { key } = await newTenant();
    for (const query of ["", "?hard=true", "?dry_run=true"])
      expect((await truncate({ ...own, key }, query)).status).toBe(404);
    await call("DELETE", `/v1/collections/${own.collectionId}`, { key: own.key });
    for (const query of ["", "?hard=true"]) expect((await truncate(own, query)).status).toBe(410);
    expect(await storedRows(own.collectionId)).toBe(1);
  });
});

describe("collection-memories-add", () => {
  it("answers 200 with the verdicts that PUT gives", async () => {
    const { key, path, count } = await newCase();
    const memories = [{ text: "a" }, { text: "b", external_id: "1" }, { text: "" }];
    const first = await call("PATCH", path, { key, body: { memories } });
    expect([first.status, verdictsOf(first)]).toEqual([200, ["created", "created", "refused"]]);
    const changed = [{ text: "a" }, { text: "c", external_id: "1" }];
    const second = await call("PATCH", path, { key, body: { memories: changed } });
    expect([second.status, verdictsOf(second)]).toEqual([200, ["skipped", "updated"]]);
    expect(await count()).toBe(2);
  });

  it("answers 422 when all are refused, and 410 in a deleted collection", async () => {
    const { key, path, collectionId } = await newCase();
    expect(refusalOf(await call("PATCH", path, { key, body: { memories: [{}] } }))).toBe("422 validation-failed");
    await call("DELETE", `/v1/collections/${collectionId}`, { key });
    const answer = await call("PATCH", path, { key, body: { memories: [{ text: "a" }] } });
    expect(refusalOf(answer)).toBe("410 collection-deleted");
  });
});
