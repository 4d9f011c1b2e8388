import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { call, until } from "../../support/api";
import { travelDays } from "../../support/clock";
import { arm, firedFaults, loggedCalls, resetFaults, watchCalls } from "../../support/faults";
import { leasedPart } from "../../support/leased-part";
import { objectOf } from "../../support/placement";
import { alarmOf, claimsOf, consume, silentTask, taskOfRequest } from "../../support/requests-object";
import { batchOf, endOf, onceEach, putBatch, reVoiced, rows, scene } from "../../support/scene";

const INSERT = "INSERT INTO tasks";
const RING = "queue: sendBatch";
const MINUTE_MS = 60_000;

beforeEach(() => resetFaults());
afterEach(() => vi.restoreAllMocks());

/** Changes what an object has stored, behind its back. */
function store(taskId: string, sql: string, ...values: SqlStorageValue[]): Promise<void> {
  return runInDurableObject(objectOf(taskId), (_, state) => void state.storage.sql.exec(sql, ...values));
}

/** A second claim in the object, which is a copy of the first but for some columns. */
function addClaim(taskId: string, columns: Readonly<Record<string, SqlStorageValue>>): Promise<void> {
  return runInDurableObject(objectOf(taskId), (_, { storage: { sql } }) => {
    const [claim] = sql.exec<Record<string, SqlStorageValue>>("SELECT * FROM claims").toArray();
    const row = { ...claim, ...columns };
    const names = Object.keys(row);
    sql.exec(`INSERT INTO claims (${names.join()}) VALUES (${names.map(() => "?").join()})`, ...Object.values(row));
  });
}

async function alarmFires(taskId: string): Promise<void> {
  expect(await runDurableObjectAlarm(objectOf(taskId))).toBe(true);
}

describe("inside the object, rule 1: one transaction", () => {
  it("holds the claim, the outbox with row and bell to do, and the alarm, before anything is asked outside", async () => {
    const from = await scene(1);
    const crashed = arm("crashes-before", INSERT);
    const lost = arm("fails-before", "object: claim", 1, { after: crashed });
    const { task_id: id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    expect([crashed.fired, lost.fired]).toEqual([1, 1]);
    const [claim, ...others] = await claimsOf(id);
    expect(others).toEqual([]);
    expect(claim).toMatchObject({ task_id: id, state: "claimed", row_done: 0, bell_done: 0, ended: 0 });
    expect(await alarmOf(id)).toBe(claim?.["due_at_ms"]);
  });

  describe("inside the object, rule 2: the row", () => {
    it("has one fence to clash with, the task's id, which namespace and request id make", async () => {
      const indexes = await rows<{ name: string; unique: number }>(
        "SELECT name, \"unique\" FROM pragma_index_list('tasks')",
      );
      expect(indexes.filter(({ unique }) => unique === 1).map(({ name }) => name)).toEqual([
        "sqlite_autoindex_tasks_1",
      ]);
      expect(await rows("SELECT name FROM pragma_index_info('sqlite_autoindex_tasks_1')")).toEqual([{ name: "id" }]);
    });
  });
});

describe("inside the object, rule 3: the bell", () => {
  it("is rung although the row could not be written", async () => {
    const from = await scene(1);
    arm("fails-before", INSERT);
    const refused = await putBatch(crypto.randomUUID(), batchOf(from));
    expect(refused.status).toBe(503);
    expect(firedFaults()).toHaveLength(1);
    expect(loggedCalls()).toContain(RING);
    await endOf(refused.body.task_id);
  });
});

describe("inside the object, rule 4: own time limits", () => {
  it("answers although row and bell both hang, and says what stands", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    const scope = [await taskOfRequest(requestId)];
    const [row, bell] = [arm("hangs", INSERT, 1, { scope }), arm("hangs", RING, 1, { scope })];
    const refused = await putBatch(requestId, batchOf(from));
    expect([refused.status, refused.body.code]).toEqual([503, "creation-pending"]);
    expect([row.fired, bell.fired]).toEqual([1, 1]);
    expect(await claimsOf(refused.body.task_id)).toMatchObject([{ row_done: 0, bell_done: 0 }]);
    expect(await onceEach(from, await endOf(refused.body.task_id))).toBe(true);
  });
});

describe("inside the object, rule 5: the watch", () => {
  it("rings when the lease of a part has lapsed", async () => {
    const { from, id } = await leasedPart();
    await rows("UPDATE task_parts SET lease_expires_at_ms = ? WHERE task_id = ?", Date.now() + 2_000, id);
    const watched = watchCalls([id]);
    await until(
      async () => watched.includes(RING),
      (rung) => rung,
    );
    const [part] = await rows<{ ends: number }>(
      "SELECT lease_expires_at_ms AS ends FROM task_parts WHERE task_id = ?",
      id,
    );
    expect(part?.ends).toBeLessThanOrEqual(Date.now());
    resetFaults();
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });
});

describe("inside the object, rule 6: the alarm", () => {
  it("is set for the earliest of what is due, read from the tables", async () => {
    const id = await silentTask(await scene(1));
    const [soon, late] = [Date.now() + 5 * MINUTE_MS, Date.now() + 9 * MINUTE_MS];
    await store(id, "UPDATE claims SET due_at_ms = ?", late);
    await addClaim(id, { task_id: "task_other", due_at_ms: soon });
    await evictDurableObject(objectOf(id));
    await objectOf(id).ping();
    expect(await alarmOf(id)).toBe(soon);
    await store(id, "DELETE FROM claims WHERE task_id = 'task_other'");
    await evictDurableObject(objectOf(id));
    await objectOf(id).ping();
    expect(await alarmOf(id)).toBe(late);
  });

  it("is armed again, a minute ahead at most, before the work that it does", async () => {
    const id = await silentTask(await scene(1));
    await store(id, "UPDATE claims SET due_at_ms = 1");
    resetFaults();
    const crashed = arm("crashes-before", "AS working", 1, { scope: [id] });
    await runDurableObjectAlarm(objectOf(id)).catch(() => undefined);
    expect(crashed.fired).toBe(1);
    const alarm = await alarmOf(id);
    expect(alarm).toBeGreaterThan(Date.now());
    expect(alarm).toBeLessThanOrEqual(Date.now() + MINUTE_MS);
  });

  it("is not given up, however often its work fails: the handler throws nothing", async () => {
    const from = await scene(1);
    arm("fails-before", INSERT, 1_000);
    arm("fails-before", RING, 1_000);
    const { task_id: id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    for (let firing = 1; firing <= 10; firing++) {
      const before = firedFaults().length;
      travelDays(1);
      await alarmFires(id);
      expect(firedFaults().length).toBeGreaterThan(before);
      expect(await alarmOf(id)).not.toBeNull();
    }
    resetFaults();
    travelDays(1);
    await alarmFires(id);
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("looks after each claim by itself: one that cannot be read spoils no other", async () => {
    const from = await scene(1);
    const id = await silentTask(from);
    await addClaim(id, { task_id: "task_unreadable", version: 99, due_at_ms: 1 });
    await store(id, "UPDATE claims SET due_at_ms = 1");
    resetFaults();
    const error = vi.spyOn(console, "error").mockImplementation(() => undefined);
    await alarmFires(id);
    expect(error.mock.calls.map(([line]) => String(line)).join()).toContain("attend-failed");
    expect(await onceEach(from, await endOf(id))).toBe(true);
    expect(await alarmOf(id)).not.toBeNull();
  });
});

describe("inside the object, rule 7: a bell without a row", () => {
  it("is dropped when the object denies the claim", async () => {
    const result = await consume("refrain-task-bells", [{ v: 1, task_id: `task_${"1".repeat(32)}` }]);
    expect(result.explicitAcks).toEqual(["m0"]);
  });

  it("wakes the object, and is kept until the row is there", async () => {
    const from = await scene(2);
    const id = await silentTask(from);
    await rows("DELETE FROM tasks WHERE id = ?", id);
    const result = await consume("refrain-task-bells", [{ v: 1, task_id: id }]);
    expect(result.explicitAcks).toEqual([]);
    expect(result.retryMessages).toMatchObject([{ msgId: "m0" }]);
    resetFaults();
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });
});

describe("inside the object, rule 8: row and claim disagree", () => {
  it("in their fingerprints: the row wins, and the log says so as an error", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const error = vi.spyOn(console, "error").mockImplementation(() => undefined);
    arm("drops", RING, 1_000);
    arm("fails-after", INSERT);
    const { id } = (await putBatch(requestId, batchOf(from))).body;
    await rows("UPDATE tasks SET fingerprint = 'of another request' WHERE id = ?", id);
    const refused = await until(
      () => putBatch(requestId, batchOf(from)),
      (answer) => answer.status !== 503,
    );
    expect(refused.body).toMatchObject({ status: 422, code: "request-id-reused", task_id: id });
    expect(error.mock.calls.map(([line]) => String(line)).join()).toContain("row-older-than-claim");
    expect(await claimsOf(id)).toMatchObject([{ fingerprint: "of another request" }]);
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
  });

  it("a tombstone in D1 alone becomes one in both", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    const id = await silentTask(from, requestId);
    await rows("UPDATE tasks SET status = 'canceled', ended_at_ms = 1, deleted_at_ms = 1 WHERE id = ?", id);
    expect((await putBatch(requestId, batchOf(from))).body.code).toBe("request-id-retired");
    expect(await claimsOf(id)).toMatchObject([{ state: "retired", material: "" }]);
  });

  it("a tombstone in the object alone becomes one in both", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    const id = await silentTask(from, requestId);
    const lost = arm("fails-before", "INSERT INTO tasks (id");
    expect((await call("DELETE", `/v1/batches/${id}`)).status).toBe(503);
    expect(lost.fired).toBe(1);
    expect((await putBatch(requestId, batchOf(from))).status).toBe(410);
    expect(await rows("SELECT deleted_at_ms IS NULL AS alive FROM tasks WHERE id = ?", id)).toEqual([{ alive: 0 }]);
    expect(await reVoiced(id)).toEqual([]);
  });
});
