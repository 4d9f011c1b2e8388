import { beforeEach, describe, expect, it } from "vitest";
import { cancelTask } from "../../../src/data/tasks/cancel-store";
import { type Answer, call, until } from "../../support/api";
import { adminsNamespace, batchCall, createAt } from "../../support/creation-calls";
import { arm, type Fault, resetFaults } from "../../support/faults";
import { db } from "../../support/leased-part";
import { objectOf } from "../../support/placement";
import { bellOf, loseObject, requestRowOf, silentTask, taskOfRequest } from "../../support/requests-object";
import { refusalOf } from "../../support/refusal";
import { rowOf } from "../../support/reserve";
import { batchOf, endOf, onceEach, putBatch, reVoiced, rows, type Scene, scene, taskOf } from "../../support/scene";
import { sweepOnce, travelPastBells } from "../../support/sweeper";

const INSERT = "INSERT INTO tasks";
const BAR = "INSERT INTO requests (id, namespace_id, request_id, door, call_id, canceled";
const OPEN_RUN = "UPDATE tasks SET run = run + 1";

let from: Scene;
let requestId: string;
let taskId: string;

beforeEach(async () => {
  from = await scene(2);
  requestId = crypto.randomUUID();
  taskId = await taskOfRequest(requestId);
  resetFaults();
});

const put = () => putBatch(requestId, batchOf(from));
const cancel = () => call("PATCH", `/v1/requests/${requestId}/cancel`);
const cancelById = (id: string) => call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
const invoke = (id: string, own?: string) =>
  call("PATCH", `/v1/checkmate/tasks/${id}/invoke`, own === undefined ? {} : { headers: { requestId: own } });

/** A call of D1 that is held back until it is let go. */
function held(at: string, scope: readonly string[]) {
  let isFree = false;
  const fault = arm("reorders", at, 1, { scope, heldUntil: () => isFree });
  return { isMet: () => fired(fault), free: () => void (isFree = true) };
}

async function fired(fault: Fault): Promise<void> {
  await until(
    async () => fault.fired,
    (count) => count === 1,
  );
}

/** One task of one run, which the sweeper rings for if need be; every memory once. */
async function expectOnce(): Promise<void> {
  resetFaults();
  travelPastBells();
  await sweepOnce();
  expect(await onceEach(from, await endOf(taskId))).toBe(true);
  expect(await rows("SELECT run FROM tasks WHERE request_id = ?", requestId)).toEqual([{ run: 1 }]);
}

describe("crash table: D1 hangs 30 s, lands late", () => {
  it("never: 503 within the own limit of time, in doubt, and the retry makes it", async () => {
    arm("hangs", INSERT);
    const refused = await put();
    expect([refusalOf(refused), refused.body.task_id]).toEqual(["503 creation-pending", taskId]);
    expect(refused.body).toMatchObject({ retryable: true, doubt_until: expect.any(String) });
    expect((await put()).status).toBe(201);
    await expectOnce();
  });

  it("before anyone asks again: it is the first and is carried out, and the repeat shows it", async () => {
    const insert = held(INSERT, [taskId]);
    expect(refusalOf(await put())).toBe("503 creation-pending");
    expect((await call("GET", `/v1/requests/${requestId}`)).status).toBe(404);
    insert.free();
    const found = await until(
      () => call("GET", `/v1/requests/${requestId}`),
      ({ status }) => status === 200,
    );
    expect(found.body.task_id).toBe(taskId);
    expect((await put()).status).toBe(200);
    await expectOnce();
  });

  it("after a repeat has made it: it meets the primary key, and changes nothing", async () => {
    const insert = held(INSERT, [taskId]);
    expect((await put()).status).toBe(503);
    expect((await put()).status).toBe(201);
    const { call_id } = await requestRowOf(taskId);
    insert.free();
    expect((await put()).status).toBe(200);
    await expectOnce();
    expect(await requestRowOf(taskId)).toMatchObject({ call_id });
  });
});

describe("crash table: a second try comes before the first, or finds no row while the first insert is under way", () => {
  it("the second makes the task, and the first finds that its own call stands: one row", async () => {
    const sent = await batchCall(from);
    const insert = held(INSERT, [sent.taskId]);
    const first = createAt("the first", sent);
    await insert.isMet();
    expect(await createAt("the second", { ...sent, isSecondTry: true })).toMatchObject([{ kind: "made" }]);
    insert.free();
    expect(await first).toMatchObject([{ kind: "made" }]);
    expect(await rows("SELECT 1 FROM tasks WHERE id = ?", sent.taskId)).toHaveLength(1);
  });

  it("the second refuses nothing, and what lands late is carried out: the repeat shows it", async () => {
    const sent = await batchCall(from);
    const insert = held(INSERT, [sent.taskId]);
    const first = createAt("the first", sent);
    await insert.isMet();
    const { wanted } = await batchCall(from, { agent_id: `agent_${"0".repeat(32)}` });
    const second = createAt("the second", { ...sent, wanted, isSecondTry: true });
    expect(await second).toMatchObject([{ kind: "unproven" }]);
    insert.free();
    expect(await first).toMatchObject([{ kind: "made" }]);
    expect(await createAt("the third", { ...sent, callId: "a repeat" })).toMatchObject([{ kind: "replayed" }]);
  });
});

describe("crash table: cancel before create, or while a PUT is under way", () => {
  it("the bar stays though the object is lost: the late PUT is born canceled", async () => {
    expect((await cancel()).body.status).toBe("canceled");
    await loseObject(taskId);
    const late = await put();
    expect([late.status, late.body.id, late.body.status]).toEqual([201, taskId, "canceled"]);
    await bellOf(taskId);
    expect(await reVoiced(taskId)).toEqual([]);
  });

  it("an insert that lands after the cancel meets the bar", async () => {
    const insert = held(INSERT, [taskId]);
    const creating = put();
    await insert.isMet();
    expect((await cancel()).body).toMatchObject({ status: "canceled", made: [] });
    insert.free();
    const late = await creating;
    expect([late.status, late.body.status]).toEqual([201, "canceled"]);
  });

  it("a cancel that lands after the insert finds the task, and ends it", async () => {
    arm("drops", "queue: sendBatch", 100);
    const bar = held(BAR, [taskId]);
    const canceling = cancel();
    await bar.isMet();
    expect((await put()).body.status).toBe("created");
    bar.free();
    expect((await canceling).body).toMatchObject({ status: "canceled", task_id: taskId });
    expect((await taskOf(taskId)).status).toBe("canceled");
  });
});

describe("crash table: delete races with a late insert", () => {
  it("the tombstone row stays, and nothing comes to life again", async () => {
    const sent = await batchCall(from);
    const insert = held(INSERT, [sent.taskId]);
    const first = createAt("the first", sent);
    await insert.isMet();
    arm("drops", "queue: sendBatch", 100);
    expect(await objectOf(sent.taskId).create([{ ...sent, callId: "second" }], null)).toMatchObject([{ kind: "made" }]);
    expect((await call("DELETE", `/v1/batches/${sent.taskId}`)).status).toBe(204);
    insert.free();
    expect(await first).toMatchObject([{ kind: "retired", id: sent.taskId, status: "canceled" }]);
    expect(await rowOf(sent.taskId)).toBeUndefined();
    expect((await requestRowOf(sent.taskId)).retired_at_ms).not.toBeNull();
  });
});

/** A task in its second run, whose first was canceled. */
async function secondRun(own?: string): Promise<string> {
  const id = await silentTask(from, requestId);
  await cancelById(id);
  expect((await invoke(id, own)).status).toBe(202);
  return id;
}

async function runOf(id: string): Promise<readonly unknown[]> {
  const { run, status } = await rowOf(id);
  return [run, status];
}

describe("crash table: cancel or invoke lands late, in a later run or after an acknowledged cancel", () => {
  it("a cancel names the run that it has read: it ends no later one", async () => {
    const id = await secondRun();
    await cancelTask(db, await adminsNamespace(), { id, run: 1 });
    expect(await runOf(id)).toEqual([2, "created"]);
  });

  it("a cancel of an invoke's own id ends the run that it opened, and no later one", async () => {
    const own = crypto.randomUUID();
    const id = await secondRun(own);
    const cancelOwn = (): Promise<Answer> => call("PATCH", `/v1/requests/${own}/cancel`);
    expect((await cancelOwn()).body).toMatchObject({ door: "invoke", status: "canceled", task_id: id });
    expect((await invoke(id)).status).toBe(202);
    expect((await cancelOwn()).status).toBe(200);
    expect(await runOf(id)).toEqual([3, "created"]);
  });

  it("an invoke names the revision that it has read: after an acknowledged cancel it opens nothing", async () => {
    const id = await silentTask(from, requestId);
    await cancelById(id);
    const opening = held(OPEN_RUN, [id]);
    const invoking = invoke(id);
    await opening.isMet();
    expect((await cancelById(id)).body.status).toBe("canceled");
    opening.free();
    expect((await invoking).body.status).toBe("canceled");
    expect(await runOf(id)).toEqual([1, "canceled"]);
  });
});
