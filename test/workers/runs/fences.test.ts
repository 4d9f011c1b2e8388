import { beforeEach, describe, expect, it } from "vitest";
import { loadPart } from "../../../src/data/parts/item-store";
import { settlePart } from "../../../src/data/parts/part-store";
import { planItems } from "../../../src/data/parts/plan-store";
import { findTaskToRun } from "../../../src/data/tasks/task-store";
import { newId } from "../../../src/domain/ids";
import { call } from "../../support/api";
import { arm, resetFaults } from "../../support/faults";
import { db, LEASE_MS, leasedPart, RING_MS } from "../../support/leased-part";
import { batchOf, putBatch, rows, scene } from "../../support/scene";

beforeEach(() => resetFaults());

const WRITE_TIMES = new Set(["updated_at_ms", "ended_at_ms", "lease_expires_at_ms"]);

/** What a repeated write may not change: all but when it was written last, and until when its lease stands. */
function withoutTimes(state: unknown): unknown {
  return JSON.parse(JSON.stringify(state, (name, value: unknown) => (WRITE_TIMES.has(name) ? undefined : value)));
}

describe("a lease", () => {
  it("is given once while it lives, and again after it has lapsed", async () => {
    const { claim } = await leasedPart();
    expect(await claim("token-2", LEASE_MS - 10_000)).toBeUndefined();
    expect(await claim("token-2", 10_000)).toMatchObject({ part: 0, attempts: 2 });
  });

  it("ends with the task: after a cancel nothing is written", async () => {
    const { id, write, state, lease } = await leasedPart();
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    const before = await state();
    expect(await write()).toBe(false);
    expect(await settlePart(db, lease, RING_MS)).toEqual({ settled: false, completed: false });
    expect(await state()).toEqual(before);
  });

  it("holds for one part only: the token of one does not write another", async () => {
    const { write, state, lease } = await leasedPart(30);
    const before = await state();
    expect(await write({ ...lease, part: 1 })).toBe(false);
    expect(await state()).toEqual(before);
  });

  it("counts as no more than the allowed number at once", async () => {
    const { claim } = await leasedPart(200);
    const tokens = ["b", "c", "d", "e", "f"];
    const claims = await Promise.all(tokens.map((token) => claim(token)));
    expect(claims.filter((claimed) => claimed !== undefined)).toHaveLength(3);
  });
});

describe("a part", () => {
  it("links to items of the task alone, not to a memory that came after the plan with an old created_at", async () => {
    const { from, lease, command } = await leasedPart();
    const [parent, child] = from.memoryIds;
    const late = newId("memory");
    await rows(
      `INSERT INTO memories (id, namespace_id, collection_id, text, type, importance, metadata, created_at_ms,
         updated_at_ms, access_count, child_memory_ids, same_key)
       SELECT ?1, namespace_id, collection_id, 'late', type, importance, '{}', 0, 0, 0, '[]', ?1
       FROM memories WHERE id = ?2`,
      late,
      parent,
    );
    await rows("UPDATE memories SET child_memory_ids = ? WHERE id = ?", JSON.stringify([late, child]), parent);
    const { items } = await loadPart(db, lease, command);
    const loaded = items.find(({ sourceMemoryId }) => sourceMemoryId === parent);
    expect(loaded?.source?.childMemoryIds).toEqual([child]);
  });
});

describe("a checkpoint", () => {
  it("written twice is written once, and the counts say so", async () => {
    const { write, state } = await leasedPart();
    expect(await write()).toBe(true);
    const first = await state();
    expect(await write()).toBe(true);
    expect(withoutTimes(await state())).toEqual(withoutTimes(first));
    expect(first.memories).toHaveLength(3);
    expect(first.target).toEqual([{ memory_count: 3 }]);
    expect(first.parts).toMatchObject([
      { re_voiced: 3, model_calls: 3, input_tokens: 6, output_tokens: 9, attempts: 0 },
    ]);
  });

  it("of two consumers on the same memories, one after the other, makes each memory once", async () => {
    const { claim, write, state, lease } = await leasedPart();
    await write();
    await claim("token-2", LEASE_MS);
    expect(await write({ ...lease, token: "token-2" })).toBe(true);
    expect((await state()).memories).toHaveLength(3);
    expect((await state()).target).toEqual([{ memory_count: 3 }]);
  });
});

describe("a settle", () => {
  it("refuses a part with an open item, and leaves the task running", async () => {
    const { lease, state } = await leasedPart();
    const before = await state();
    expect(await settlePart(db, lease, RING_MS)).toEqual({ settled: false, completed: false });
    expect(await state()).toEqual(before);
  });

  it("completes the task with its last part, once", async () => {
    const { lease, write, state } = await leasedPart();
    await write();
    expect(await settlePart(db, lease, RING_MS)).toEqual({ settled: true, completed: true });
    const ended = await state();
    expect(ended.task).toMatchObject([{ status: "complete", ended_at_ms: expect.any(Number) }]);
    expect(ended.bindings).toHaveLength(1);
    expect(await settlePart(db, lease, RING_MS)).toEqual({ settled: false, completed: false });
    expect(await state()).toEqual(ended);
  });

  it("of one part of several does not complete the task", async () => {
    const { lease, write, state } = await leasedPart(30);
    await write();
    expect(await settlePart(db, lease, RING_MS)).toEqual({ settled: true, completed: false });
    expect((await state()).task).toMatchObject([{ status: "running" }]);
  });
});

describe("a plan", () => {
  it("does not begin a task that was canceled", async () => {
    arm("drops", "queue: sendBatch", 1_000);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(await scene(2)))).body;
    const task = await findTaskToRun(db, id);
    if (task?.command?.operation !== "re-voice") throw new Error("The task has no row.");
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    const { namespaceId, command } = task;
    expect(await planItems(db, { namespaceId, taskId: id, command, ringMs: RING_MS })).toBeUndefined();
    expect(await rows("SELECT status, planned_at_ms FROM tasks WHERE id = ?", id)).toEqual([
      { status: "canceled", planned_at_ms: null },
    ]);
  });

  it("made twice at once is one plan", async () => {
    arm("drops", "queue: sendBatch", 1_000);
    const from = await scene(60);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    const task = await findTaskToRun(db, id);
    if (task?.command?.operation !== "re-voice") throw new Error("The task has no row.");
    const { namespaceId, command } = task;
    const plan = () => planItems(db, { namespaceId, taskId: id, command, ringMs: RING_MS });
    const planned = await Promise.all([plan(), plan(), plan()]);
    expect(planned.filter(Boolean)).toHaveLength(1);
    expect(await rows("SELECT count(*) AS n FROM task_items WHERE task_id = ?", id)).toEqual([{ n: 60 }]);
    expect(await rows("SELECT total FROM tasks WHERE id = ?", id)).toEqual([{ total: 60 }]);
  });

  it("fixes what is there then: a memory that comes later is not re-voiced", async () => {
    const { id, command } = await leasedPart(3);
    const late = { memories: [{ text: "A late one." }] };
    await call("PUT", `/v1/collections/${command.collectionId}/memories`, { body: late });
    expect(await rows("SELECT count(*) AS n FROM task_items WHERE task_id = ?", id)).toEqual([{ n: 3 }]);
  });

  it("of a source that was emptied meanwhile completes at once with nothing", async () => {
    arm("drops", "queue: sendBatch", 1_000);
    const from = await scene(2);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    await rows("UPDATE memories SET deleted_at_ms = 1 WHERE collection_id = ?", from.collectionId);
    const task = await findTaskToRun(db, id);
    if (task?.command?.operation !== "re-voice") throw new Error("The task has no row.");
    await planItems(db, { namespaceId: task.namespaceId, taskId: id, command: task.command, ringMs: RING_MS });
    const [row] = await rows<{ status: string; result: string }>("SELECT status, result FROM tasks WHERE id = ?", id);
    expect(row?.status).toBe("complete");
    expect(JSON.parse(row?.result ?? "")).toMatchObject({ reVoiced: 0, skipped: 0, failed: 0 });
  });
});
