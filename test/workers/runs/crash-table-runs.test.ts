import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { standingLeases } from "../../../src/data/parts/lease-store";
import { claimPart, settlePart } from "../../../src/data/parts/part-store";
import { call, until } from "../../support/api";
import { travelDays, travelMs } from "../../support/clock";
import { arm, type FaultKind, firedFaults, resetFaults } from "../../support/faults";
import { db, LEASE_MS, leasedPart, RING_MS } from "../../support/leased-part";
import { objectOf } from "../../support/placement";
import { alarmOf, bellOf, claimsOf, consume, silentTask } from "../../support/requests-object";
import { batchOf, endOf, onceEach, putBatch, reVoiced, rows, scene, taskOf } from "../../support/scene";

const INSERT = "INSERT INTO tasks";
const RING = "queue: sendBatch";

beforeEach(() => resetFaults());

const firedAre = (count: number) =>
  until(
    async () => firedFaults().length,
    (fired) => fired >= count,
  );

describe("crash table: message dropped, dead-lettered, doubled, reordered, late", () => {
  it.each<[FaultKind, number]>([
    ["drops", 3],
    ["doubles", 4],
    ["reorders", 4],
  ])("%s: every bell of the task, and each memory is made once", async (kind, times) => {
    const from = await scene(60);
    arm(kind, RING, times);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    const task = await endOf(id, 30_000);
    await firedAre(2);
    expect(await onceEach(from, task)).toBe(true);
  });

  it("a dead letter alone brings the task on", async () => {
    const from = await scene(2);
    const id = await silentTask(from);
    await consume("refrain-task-bells-dead", [{ v: 1, task_id: id }]);
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });
});

describe("crash table: consumer dies after claiming", () => {
  it("another takes the part when the lease has lapsed, as a further attempt", async () => {
    const { from, id, namespaceId, command } = await leasedPart();
    const take = () =>
      claimPart(db, { namespaceId, taskId: id, token: "other", leaseMs: 500, ringMs: RING_MS, parallelMax: 4 });
    expect(await take()).toBeUndefined();
    travelMs(LEASE_MS);
    expect(await take()).toMatchObject({ part: 0, attempts: 2 });
    resetFaults();
    const task = await endOf(id);
    expect(await onceEach({ ...from, collectionId: command.collectionId }, task)).toBe(true);
  });
});

describe("crash table: slow consumer wakes after its lease (zombie)", () => {
  it("its token is no longer there: it writes nothing at all", async () => {
    const { claim, write, state, lease, namespaceId } = await leasedPart();
    await claim("token-2", LEASE_MS);
    const before = await state();
    expect(await write()).toBe(false);
    expect(await settlePart(db, lease, RING_MS)).toEqual({ settled: false, completed: false });
    expect(await standingLeases(db, [{ ...lease, namespaceId }], LEASE_MS)).toEqual([]);
    expect(await state()).toEqual(before);
  });
});

describe("crash table: model answered, crash before the checkpoint", () => {
  it("what was checkpointed stays as it was, and only what was in flight is made again", async () => {
    const from = await scene(200);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    await until(
      () => taskOf(id),
      (task) => task.progress.done > 0,
    );
    arm("fails-before", "INSERT INTO memories", 2);
    await firedAre(2);
    const checkpointed = await reVoiced(id);
    expect(checkpointed.length).toBeGreaterThan(0);
    expect(checkpointed.length).toBeLessThan(200);
    const task = await endOf(id, 30_000);
    expect(await onceEach(from, task)).toBe(true);
    const after = new Map((await reVoiced(id)).map((memory) => [memory.id, memory]));
    expect(checkpointed.map(({ id }) => after.get(id))).toEqual(checkpointed);
  });
});

describe("crash table: memory written twice", () => {
  it("the unique index refuses a second memory of the same source and task", async () => {
    const { id, write, state } = await leasedPart();
    await write();
    const before = await state();
    const columns = (await rows<{ name: string }>("SELECT name FROM pragma_table_info('memories')"))
      .map(({ name }) => name)
      .filter((name) => name !== "seq");
    const copied = columns.map((name) => (name === "id" ? "'memory_' || lower(hex(randomblob(16)))" : name));
    const copy = `INSERT INTO memories (${columns.join()}) SELECT ${copied.join()} FROM memories WHERE task_id = ?`;
    await expect(rows(copy, id)).rejects.toThrow(/UNIQUE/);
    expect(await state()).toEqual(before);
  });
});

describe("crash table: results written, crash before the end state", () => {
  it("state and results are one write: with every result there the task is open, until a settle ends it", async () => {
    const { from, id, write, state } = await leasedPart();
    await write();
    expect((await state()).memories).toHaveLength(3);
    expect((await state()).task).toMatchObject([{ status: "running", ended_at_ms: null, result: null }]);
    travelMs(LEASE_MS);
    resetFaults();
    const task = await endOf(id);
    expect(await onceEach(from, task)).toBe(true);
    expect(task.usage.model_calls).toBe(3);
  });
});

describe("crash table: ended, crash before ack", () => {
  it("the bell that comes again sees the end state: it is acknowledged and changes nothing", async () => {
    const from = await scene(2);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    const ended = await endOf(id);
    const twice = [
      { v: 1, task_id: id },
      { v: 1, task_id: id },
    ];
    expect((await consume("refrain-task-bells", twice)).explicitAcks).toEqual(["m0", "m1"]);
    expect(await endOf(id)).toEqual(ended);
    expect(await onceEach(from, ended)).toBe(true);
  });
});

describe("crash table: cancel races with completion", () => {
  it("one of them ends the task, and it stays so", async () => {
    for (let round = 0; round < 10; round++) {
      const { id, lease, write, state } = await leasedPart(1);
      await write();
      const cancel = () => call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
      const [settled, canceled] = await Promise.all([settlePart(db, lease, 4_000), cancel()]);
      expect(canceled.body.status).toBe(settled.completed ? "complete" : "canceled");
      const before = await state();
      expect(before.task).toMatchObject([{ status: canceled.body.status }]);
      expect(before.bindings).toHaveLength(settled.completed ? 1 : 0);
      await settlePart(db, lease, 5_000);
      await cancel();
      expect(await state()).toEqual(before);
    }
  });
});

describe("crash table: cancel before create", () => {
  it("the late PUT is born canceled, though the object was reset in between", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const canceled = await call("PATCH", `/v1/requests/${requestId}/cancel`);
    const { task_id: id } = canceled.body;
    await evictDurableObject(objectOf(id));
    const late = await putBatch(requestId, batchOf(from));
    expect([late.status, late.body.id, late.body.status]).toEqual([201, id, "canceled"]);
    await bellOf(id);
    expect(await reVoiced(id)).toEqual([]);
  });
});

describe("crash table: delete races with the alarm's insert", () => {
  it("an insert that lands after the removal finds the tombstone: nothing comes to life again", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    arm("drops", RING, 1_000);
    // The row is there, but the object does not know; so its alarm inserts again.
    arm("fails-after", INSERT);
    const { task_id: id } = (await putBatch(requestId, batchOf(from))).body;
    const late = arm("reorders", INSERT);
    await until(
      async () => late.fired,
      (fired) => fired === 1,
    );
    expect((await call("DELETE", `/v1/batches/${id}`)).status).toBe(204);
    const inserted = (await claimsOf(id)).map(({ state }) => state);
    expect(inserted).toEqual(["retired"]);
    resetFaults();
    expect((await putBatch(requestId, batchOf(from))).status).toBe(410);
    expect(await rows("SELECT status, deleted_at_ms IS NULL AS alive FROM tasks WHERE id = ?", id)).toEqual([
      { status: "canceled", alive: 0 },
    ]);
    expect((await claimsOf(id)).map(({ state }) => state)).toEqual(["retired"]);
  });

  it("a removal whose row cannot be written stands in the object first, and the alarm writes the row", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const id = await silentTask(from, requestId);
    const crashed = arm("crashes-before", "INSERT INTO tasks (id");
    arm("fails-before", "object: remove", 1, { after: crashed });
    expect((await call("DELETE", `/v1/batches/${id}`)).status).toBe(503);
    expect(crashed.fired).toBe(1);
    expect(await claimsOf(id)).toMatchObject([{ state: "retired", row_done: 0 }]);
    await runInDurableObject(objectOf(id), (_, state) => {
      state.storage.sql.exec("UPDATE claims SET due_at_ms = 1");
    });
    await runDurableObjectAlarm(objectOf(id));
    expect((await call("GET", `/v1/batches/${id}`)).status).toBe(410);
    expect(await claimsOf(id)).toMatchObject([{ state: "retired", row_done: 1 }]);
  });
});

describe("crash table: retention removed the task, then an old retry", () => {
  it("410 with the outcome, though the object was reset, and nothing runs again", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    const { id } = (await putBatch(requestId, batchOf(from))).body;
    await endOf(id);
    await until(
      () => alarmOf(id),
      (at) => (at ?? 0) > Date.now() + 86_400_000,
    );
    const made = await reVoiced(id);
    travelDays(91);
    await runDurableObjectAlarm(objectOf(id));
    await evictDurableObject(objectOf(id));
    const old = await putBatch(requestId, batchOf(from));
    expect(old.body).toMatchObject({ status: 410, code: "request-id-retired", task_id: id, task_status: "complete" });
    await bellOf(id);
    expect(await reVoiced(id)).toEqual(made);
  });
});
