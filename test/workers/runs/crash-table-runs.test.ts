import { beforeEach, describe, expect, it } from "vitest";
import { standingLeases } from "../../../src/data/parts/lease-store";
import { claimPart, settlePart } from "../../../src/data/parts/part-store";
import { call, until } from "../../support/api";
import { travelDays, travelMs } from "../../support/clock";
import { arm, type FaultKind, firedFaults, resetFaults } from "../../support/faults";
import { holdBack } from "../../support/held-back";
import { db, LEASE_MS, leasedPart, RING_MS } from "../../support/leased-part";
import { refusalOf } from "../../support/refusal";
import { bellOf, consume, loseObject, silentTask, taskOfRequest } from "../../support/requests-object";
import { batchOf, endOf, onceEach, putBatch, reVoiced, rows, scene, taskOf } from "../../support/scene";
import { sweepOnce, sweptEndOf } from "../../support/sweeper";

const INSERT = "INSERT INTO requests";
const RING = "queue: sendBatch";

beforeEach(() => resetFaults());

const cancelTask = (id: string) => call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
const invoke = (id: string, headers: Record<string, string> = {}) =>
  call("PATCH", `/v1/checkmate/tasks/${id}/invoke`, { headers });
const cancelRequest = (requestId: string) => call("PATCH", `/v1/requests/${requestId}/cancel`);

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
    const task = await (kind === "drops" ? sweptEndOf(id) : endOf(id, 30_000));
    await firedAre(kind === "drops" ? 3 : 2);
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
    const task = await sweptEndOf(id);
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
    const task = await sweptEndOf(id);
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
      const cancel = () => cancelTask(id);
      const [settled, canceled] = await Promise.all([settlePart(db, lease, 4_000), cancel()]);
      expect(canceled.body.status).toBe(settled.completed ? "complete" : "canceled");
      const before = await state();
      expect(before.task).toMatchObject([{ status: canceled.body.status }]);
      expect(before.bindings).toHaveLength(settled.completed ? 1 : 0);
      await settlePart(db, lease, 5_000);
      await cancel();
      // The later cancel moves the revision, and nothing else.
      const task = before.task.map((row) => ({ ...row, revision: expect.any(Number) }));
      expect(await state()).toEqual({ ...before, task });
    }
  });
});

describe("crash table: cancel or invoke lands late, in a later run or after an acknowledged cancel", () => {
  it("a cancel of one run ends no later one: that is complete in the end", async () => {
    const from = await scene(2);
    const id = await silentTask(from);
    await cancelTask(id);
    const requestId = crypto.randomUUID();
    await invoke(id, { requestId });
    const late = holdBack('update "tasks" set "status"', id);
    const canceled = cancelRequest(requestId);
    await late.isHeld();
    await cancelTask(id);
    await invoke(id);
    late.free();
    expect((await canceled).status).toBe(200);
    await bellOf(id);
    expect(await onceEach(from, await endOf(id))).toBe(true);
    expect(await rows("SELECT run FROM tasks WHERE id = ?", id)).toEqual([{ run: 3 }]);
  });

  it("an invoke that lands after the cancel of the ended run was acknowledged opens nothing", async () => {
    const id = await silentTask(await scene(2));
    await cancelTask(id);
    const late = holdBack("SET run = run + 1", id);
    const invoked = invoke(id);
    await late.isHeld();
    expect((await cancelTask(id)).body.status).toBe("canceled");
    late.free();
    expect((await invoked).body.status).toBe("canceled");
    await bellOf(id);
    expect([await reVoiced(id), (await taskOf(id)).status]).toEqual([[], "canceled"]);
  });
});

describe("crash table: row there, crash before the bell", () => {
  it("of an invoke: the watchman rings for the new run", async () => {
    const from = await scene(2);
    const id = await silentTask(from);
    await cancelTask(id);
    resetFaults();
    arm("drops", RING);
    expect((await invoke(id)).status).toBe(202);
    expect(await onceEach(from, await sweptEndOf(id))).toBe(true);
  });
});

describe("crash table: cancel before create, or while a PUT is under way", () => {
  it("the late PUT is born canceled, and nothing runs", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const id = await taskOfRequest(requestId);
    expect((await cancelRequest(requestId)).body.status).toBe("canceled");
    const late = await putBatch(requestId, batchOf(from));
    expect([late.status, late.body.id, late.body.status]).toEqual([201, id, "canceled"]);
    await bellOf(id);
    expect(await reVoiced(id)).toEqual([]);
  });

  it("a PUT whose insert is under way meets the bar: nothing runs", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const id = await taskOfRequest(requestId);
    const insert = holdBack(INSERT, id);
    const put = putBatch(requestId, batchOf(from));
    await insert.isHeld();
    expect((await cancelRequest(requestId)).body.status).toBe("canceled");
    insert.free();
    expect((await put).body.status).toBe("canceled");
    await bellOf(id);
    expect(await reVoiced(id)).toEqual([]);
  });
});

describe("crash table: delete races with a late insert", () => {
  it("an insert that lands after the removal finds the tombstone: nothing comes to life again", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const id = await taskOfRequest(requestId);
    arm("drops", RING, 1_000);
    const late = holdBack(INSERT, id);
    const doubtful = await putBatch(requestId, batchOf(from));
    expect([refusalOf(doubtful), doubtful.body.task_id]).toEqual(["503 creation-pending", id]);
    expect((await putBatch(requestId, batchOf(from))).status).toBe(201);
    expect((await call("DELETE", `/v1/batches/${id}`)).status).toBe(204);
    const [tombstone] = await rows("SELECT * FROM requests WHERE id = ?", id);
    late.free();
    await late.hasLanded();
    await bellOf(id);
    expect(refusalOf(await putBatch(requestId, batchOf(from)))).toBe("410 request-id-retired");
    expect(await rows("SELECT 1 FROM tasks WHERE id = ?", id)).toEqual([]);
    expect(await rows("SELECT * FROM requests WHERE id = ?", id)).toEqual([tombstone]);
  });
});

describe("crash table: retention removed the task, then an old retry", () => {
  it("410 with the outcome, though the object was lost, and nothing runs again", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    const { id } = (await putBatch(requestId, batchOf(from))).body;
    await endOf(id);
    const made = await reVoiced(id);
    travelDays(91);
    await sweepOnce();
    await loseObject(id);
    const old = await putBatch(requestId, batchOf(from));
    expect(old.body).toMatchObject({ status: 410, code: "request-id-retired", task_id: id, task_status: "complete" });
    await bellOf(id);
    expect(await reVoiced(id)).toEqual(made);
  });
});
