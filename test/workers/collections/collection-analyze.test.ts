import { beforeEach, describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { fill, newEmpty, startWork } from "../../support/collection-files";
import { databaseCalls, resetFaults } from "../../support/faults";
import { markDeleted } from "../../support/nouns";
import { endOf, rows, scene } from "../../support/scene";

beforeEach(() => resetFaults());

const analyze = (id: string, headers: Record<string, string> = {}) =>
  call("GET", `/v1/collections/${id}/analyze`, { headers });

describe("collection-analyze", () => {
  it("counts what the collection is made of", async () => {
    const from = await scene([
      { text: "a".repeat(50), importance: 1, metadata: { k: 1, l: 2 }, occurred_at: "2001-01-01T00:00:00Z" },
      { text: "b".repeat(51), importance: 10, metadata: { k: 1 }, occurred_at: "2003-01-01T00:00:00Z" },
      { text: "a".repeat(50), external_id: "x", type: "integration" },
    ]);
    const { agentId, collectionId, memoryIds } = from;
    const owned = { text: "c", agent_id: agentId, child_memory_ids: [memoryIds[0]] };
    await call("PUT", `/v1/collections/${collectionId}/memories`, { body: { memories: [owned] } });
    const { status, body } = await analyze(collectionId);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      collection_id: collectionId,
      memories: 4,
      types: { observation: 3, integration: 1 },
      importances: [1, 0, 0, 0, 2, 0, 0, 0, 0, 1],
      occurred: { first: "2001-01-01T00:00:00.000Z", last: "2003-01-01T00:00:00.000Z" },
      with_occurred_at: 2,
      with_source: 0,
      with_external_id: 1,
      with_children: 1,
      characters: { total: 152, mean: 38, min: 1, max: 51 },
      accesses: 0,
      agents: [{ agent_id: agentId, memories: 1 }],
      metadata_keys: [
        { key: "k", memories: 2 },
        { key: "l", memories: 1 },
      ],
      not_listed: 0,
      repeated_texts: 1,
    });
    expect(body.lengths.slice(0, 2)).toEqual([
      { up_to: 50, memories: 3 },
      { up_to: 100, memories: 1 },
    ]);
  });

  it("leaves out what was deleted, and counts nothing in an empty collection", async () => {
    const { collectionId, memoryIds } = await scene(1);
    await markDeleted("memories", memoryIds[0] ?? "");
    expect((await analyze(collectionId)).body).toMatchObject({
      memories: 0,
      created: null,
      characters: { total: 0, mean: null, min: null, max: null },
      repeated_texts: 0,
    });
  });

  it("changes nothing", async () => {
    const { collectionId } = await scene(3);
    const before = await rows("SELECT * FROM memories WHERE collection_id = ?", collectionId);
    await analyze(collectionId);
    expect(await rows("SELECT * FROM memories WHERE collection_id = ?", collectionId)).toEqual(before);
  });

  it("refuses a collection of more than 10,000 memories, and reads none of them", async () => {
    const id = await newEmpty();
    await rows("UPDATE collections SET memory_count = 10001 WHERE id = ?", id);
    resetFaults();
    const { status, body } = await analyze(id);
    expect([status, body.code]).toEqual([422, "analysis-too-large"]);
    expect(body.detail).toContain("Prefer: respond-async");
    expect(databaseCalls('from "memories"')).toBe(0);
  });

  it("answers 410 for a deleted collection", async () => {
    const id = await newEmpty();
    await markDeleted("collections", id);
    expect((await analyze(id)).body.code).toBe("collection-deleted");
  });
});

describe("collection-analyze with Prefer: respond-async", () => {
  it("gives the same figures as the result of a task", async () => {
    const id = await newEmpty();
    await fill(id, 3_000);
    const { status, body } = await analyze(id, { Prefer: "respond-async" });
    expect(status).toBe(202);
    const task = await endOf(body.task_id);
    expect(task).toMatchObject({ status: "complete", progress: { done: 3_000, total: 3_000 } });
    expect(task.result).toEqual((await analyze(id)).body);
  });

  it("counts a collection of any size, but for equal texts", async () => {
    const id = await newEmpty();
    await fill(id, 12_000);
    const task = await endOf(await startWork("analyze", id));
    expect(task.result).toMatchObject({ memories: 12_000, with_external_id: 12_000, repeated_texts: null });
  });
});
