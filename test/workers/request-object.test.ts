import {
  createExecutionContext,
  createMessageBatch,
  evictDurableObject,
  getQueueResult,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { call, until } from "../support/api";
import { arm, firedFaults, resetFaults } from "../support/faults";
import { objectOf, PLACEMENT } from "../support/placement";
import { batchOf, endOf, onceEach, putBatch, rows, type Scene, scene } from "../support/scene";
import worker from "../support/worker";

beforeEach(() => resetFaults());

function alarmOf(taskId: string): Promise<number | null> {
  return runInDurableObject(objectOf(taskId), (_, state) => state.storage.getAlarm());
}

/** A created task that nobody works on: its bells are lost until the faults are reset. */
async function silentTask(from: Scene, requestId = crypto.randomUUID()): Promise<string> {
  arm("drops", "queue: sendBatch", 1_000);
  return (await putBatch(requestId, batchOf(from))).body.id;
}

/** Hands bells to the consumer as the queue does. @returns what it said of them. */
async function consume(queue: string, bodies: readonly unknown[]) {
  const messages = bodies.map((body, i) => ({ id: `m${i}`, timestamp: new Date(), attempts: 1, body }));
  const batch = createMessageBatch(queue, messages);
  const ctx = createExecutionContext();
  await worker.queue(batch, env);
  return getQueueResult(batch, ctx);
}

describe("the requests object", () => {
  it("arms its alarm together with the claim", async () => {
    const id = await silentTask(await scene(1));
    expect(await alarmOf(id)).toBeGreaterThan(Date.now() - 1_000);
  });

  it("arms a lost alarm again, whatever wakes it", async () => {
    const from = await scene(1);
    const id = await silentTask(from);
    await runInDurableObject(objectOf(id), (_, state) => state.storage.deleteAlarm());
    await evictDurableObject(objectOf(id));
    resetFaults();
    await objectOf(id).ping();
    expect(await alarmOf(id)).not.toBeNull();
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("rings again until the task is worked on", async () => {
    const from = await scene(1);
    const id = await silentTask(from);
    await until(
      async () => firedFaults().length,
      (rings) => rings >= 3,
    );
    resetFaults();
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("sleeps until the end of retention once the task has ended", async () => {
    const id = (await putBatch(crypto.randomUUID(), batchOf(await scene(1)))).body.id;
    await endOf(id);
    const alarm = await until(
      () => alarmOf(id),
      (current) => (current ?? 0) > Date.now() + 86_400_000,
    );
    expect(alarm).toBeGreaterThan(Date.now() + 89 * 86_400_000);
  });

  it("writes the row again when D1 has lost it", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const id = await silentTask(from, requestId);
    await rows("DELETE FROM tasks WHERE id = ?", id);
    resetFaults();
    expect(await onceEach(from, await endOf(id))).toBe(true);
    expect((await putBatch(requestId, batchOf(from))).status).toBe(200);
  });

  it("adopts the row when its own storage was lost: a replay stays a replay, and a mismatch a mismatch", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const id = (await putBatch(requestId, batchOf(from))).body.id;
    await endOf(id);
    await runInDurableObject(objectOf(id), (_, state) => state.storage.deleteAll());
    const other = await putBatch(requestId, batchOf(from, { name: "other" }));
    expect(other.body).toMatchObject({ status: 422, code: "request-id-reused", task_id: id, mismatch: [""] });
    const again = await putBatch(requestId, batchOf(from));
    expect([again.status, again.body.id, again.body.status]).toEqual([200, id, "complete"]);
    expect(await rows("SELECT id FROM tasks WHERE request_id = ?", requestId)).toHaveLength(1);
  });

  it("lets the row decide even when the call would be refused now", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const id = (await putBatch(requestId, batchOf(from))).body.id;
    await endOf(id);
    await runInDurableObject(objectOf(id), (_, state) => state.storage.deleteAll());
    await call("DELETE", `/v1/agents/${from.agentId}`);
    const again = await putBatch(requestId, batchOf(from));
    expect([again.status, again.body.id]).toEqual([200, id]);
    expect((await putBatch(requestId, batchOf(from, { name: "other" }))).body.code).toBe("request-id-reused");
  });

  it("watches a task again that D1 shows open though it had ended: D1 decides", async () => {
    const from = await scene(2);
    const id = await silentTask(from);
    const asBefore = await rows("SELECT * FROM tasks WHERE id = ?", id);
    resetFaults();
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    expect(asBefore).toMatchObject([{ status: "created", ended_at_ms: null }]);
    await rows("UPDATE tasks SET status = 'created', ended_at_ms = NULL, result = NULL WHERE id = ?", id);
    expect(await objectOf(id).poke(id)).toBe(true);
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("is not put off by clients who try again: the alarm comes when it would have come", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    arm("fails-before", 'insert into "tasks"', 20);
    const first = await putBatch(requestId, batchOf(from));
    const alarm = (await alarmOf(first.body.task_id)) ?? 0;
    for (let i = 0; i < 5; i++) await putBatch(requestId, batchOf(from));
    expect(await alarmOf(first.body.task_id)).toBeLessThanOrEqual(alarm + 2_000);
    resetFaults();
    expect(await onceEach(from, await endOf(first.body.task_id))).toBe(true);
  });

  it("writes nothing when it is asked for what it does not have", async () => {
    const name = `task_${"0".repeat(32)}`;
    expect(await objectOf(name).find(name)).toBeUndefined();
    expect(await objectOf(name).poke(name)).toBe(false);
    await objectOf(name).ended(name, 1);
    const stored = await runInDurableObject(objectOf(name), (_, { storage }) => {
      const tables = storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'claims'").toArray();
      return tables.length === 0 ? [] : storage.sql.exec("SELECT * FROM claims WHERE task_id = ?", name).toArray();
    });
    expect(stored).toEqual([]);
    if (PLACEMENT === "per-request") expect(await alarmOf(name)).toBeNull();
  });
});

describe("request-get", () => {
  it("counts replays and mismatches", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    await putBatch(requestId, batchOf(from));
    await putBatch(requestId, batchOf(from));
    await putBatch(requestId, batchOf(from));
    await putBatch(requestId, batchOf(from, { name: "other" }));
    const known = await call("GET", `/v1/requests/${requestId}`);
    expect(known.body).toMatchObject({ request_id: requestId, replay_count: 2, mismatch_count: 1 });
    expect(known.body.last_seen_at >= known.body.first_seen_at).toBe(true);
  });

  it("answers 404 for an id never seen and for one of a wrong form", async () => {
    const unknown = await call("GET", `/v1/requests/${crypto.randomUUID()}`);
    const malformed = await call("GET", "/v1/requests/17");
    expect([unknown.status, malformed.status]).toEqual([404, 404]);
    expect(malformed.body.code).toBe(unknown.body.code);
  });
});

describe("the consumer", () => {
  it("wakes the object for a bell without a row, and keeps the bell until the row is there", async () => {
    const from = await scene(2);
    const id = await silentTask(from);
    await rows("DELETE FROM tasks WHERE id = ?", id);
    const result = await consume("refrain-task-bells", [{ v: 1, task_id: id }]);
    expect(result.explicitAcks).toEqual([]);
    expect(result.retryMessages).toMatchObject([{ msgId: "m0" }]);
    resetFaults();
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("drops a bell of a task that no object knows", async () => {
    const result = await consume("refrain-task-bells", [{ v: 1, task_id: `task_${"1".repeat(32)}` }]);
    expect(result.explicitAcks).toEqual(["m0"]);
  });

  it("drops what it cannot read, and answers the others of the batch", async () => {
    const from = await scene(2);
    const id = await silentTask(from);
    const result = await consume("refrain-task-bells", ["?", { v: 2, task_id: id }, { v: 1, task_id: id }]);
    expect(result.explicitAcks).toEqual(["m0", "m1", "m2"]);
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("takes a dead letter for a bell like any other: it settles nothing by itself", async () => {
    const from = await scene(2);
    const id = await silentTask(from);
    await consume("refrain-task-bells-dead", [{ v: 1, task_id: id }]);
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("does nothing for the bell of a task that has ended", async () => {
    const from = await scene(2);
    const id = (await putBatch(crypto.randomUUID(), batchOf(from))).body.id;
    const ended = await endOf(id);
    await consume("refrain-task-bells", [
      { v: 1, task_id: id },
      { v: 1, task_id: id },
    ]);
    expect(await endOf(id)).toEqual(ended);
    expect(await onceEach(from, ended)).toBe(true);
  });

  it("makes each memory once when the same bell is answered ten times at once", async () => {
    const from = await scene(60);
    const id = await silentTask(from);
    await Promise.all(Array.from({ length: 10 }, () => consume("refrain-task-bells", [{ v: 1, task_id: id }])));
    resetFaults();
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });
});

const sweep = () => worker.scheduled({ cron: "* * * * *", scheduledTime: Date.now(), noRetry: () => {} }, env);

describe("the sweeper", () => {
  it("brings a task on whose alarm and bells were lost", async () => {
    const from = await scene(2);
    const id = await silentTask(from);
    await runInDurableObject(objectOf(id), (_, state) => state.storage.deleteAlarm());
    resetFaults();
    await rows("UPDATE tasks SET poked_at_ms = 1 WHERE id = ?", id);
    await sweep();
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("rings itself for a task whose object knows nothing of it", async () => {
    const from = await scene(2);
    const id = await silentTask(from);
    await runInDurableObject(objectOf(id), (_, state) => state.storage.deleteAll());
    resetFaults();
    await rows("UPDATE tasks SET poked_at_ms = 1 WHERE id = ?", id);
    await sweep();
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("looks neither at ended tasks nor at those looked at lately", async () => {
    const from = await scene(1);
    const ended = (await putBatch(crypto.randomUUID(), batchOf(from))).body.id;
    await endOf(ended);
    const fresh = await silentTask(from);
    await rows("UPDATE tasks SET poked_at_ms = 1 WHERE id = ?", ended);
    const pokedAt = () => rows("SELECT id, poked_at_ms FROM tasks WHERE id IN (?, ?) ORDER BY id", ended, fresh);
    const before = await pokedAt();
    await sweep();
    expect(await pokedAt()).toEqual(before);
  });
});
