import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { type Answer, call, until } from "../../support/api";
import { arm, type FaultKind, firedFaults, resetFaults } from "../../support/faults";
import { objectOf } from "../../support/placement";
import { alarmOf, bellOf, claimsOf, silentTask, taskOfRequest } from "../../support/requests-object";
import { batchOf, endOf, onceEach, putBatch, reVoiced, rows, type Scene, scene } from "../../support/scene";
import { sweepOnce, travelPastBells } from "../../support/sweeper";

const CLAIM = "object: claim";
const INSERT = "INSERT INTO tasks";
const DAY_MS = 86_400_000;
const CHECKS = 'from "agents"';
const RING = "queue: sendBatch";

let from: Scene;
let requestId: string;
let taskId: string;

beforeEach(async () => {
  from = await scene(3);
  requestId = crypto.randomUUID();
  taskId = await taskOfRequest(requestId);
  resetFaults();
});

const put = () => putBatch(requestId, batchOf(from));
const cancel = () => call("PATCH", `/v1/requests/${requestId}/cancel`);

/** One call of the Worker, in which the object crashes; its own second try is lost, so that nobody asks again. */
async function putInto(crash: FaultKind, at: string): Promise<Answer> {
  const crashed = arm(crash, at);
  const lost = arm("fails-before", CLAIM, 1, { after: crashed });
  const answer = await put();
  expect([crashed.fired, lost.fired]).toEqual([1, 1]);
  expect([answer.status, answer.body.code, answer.body.task_id]).toEqual([503, "creation-pending", taskId]);
  return answer;
}

/** One row, every memory once, and a replay that shows it. */
async function expectOnce(): Promise<void> {
  const task = await endOf(taskId, 30_000);
  expect(await onceEach(from, task)).toBe(true);
  expect(await rows("SELECT run FROM tasks WHERE request_id = ?", requestId)).toEqual([{ run: 1 }]);
  const replay = await put();
  expect([replay.status, replay.body.id, replay.body.status]).toEqual([200, taskId, "complete"]);
}

describe("crash table: client sent, nothing arrived / Worker died before the object", () => {
  it("the client's retry makes the task", async () => {
    arm("fails-before", CLAIM, 2);
    expect((await put()).status).toBe(503);
    expect(firedFaults()).toEqual([CLAIM, CLAIM]);
    expect((await call("GET", `/v1/requests/${requestId}`)).status).toBe(404);
    expect((await put()).status).toBe(201);
    await expectOnce();
  });

  it("a cancel by request id gives it up: what arrives late runs never", async () => {
    arm("fails-before", CLAIM, 2);
    expect((await put()).status).toBe(503);
    expect(firedFaults()).toHaveLength(2);
    expect((await cancel()).status).toBe(200);
    const late = await put();
    expect([late.status, late.body.status]).toEqual([201, "canceled"]);
    expect(await reVoiced(taskId)).toEqual([]);
  });
});

describe("crash table: object called, claim not durable", () => {
  it("claim and alarm are lost together, and the id is unused", async () => {
    // What is asked outside waits for the claim to be durable: the last that comes before it are the checks.
    await putInto("crashes-unwritten", CHECKS);
    expect(await claimsOf(taskId)).toEqual([]);
    // A shared object may have an alarm for the end of another task's retention.
    expect((await alarmOf(taskId)) ?? Infinity).toBeGreaterThan(Date.now() + DAY_MS);
    expect((await call("GET", `/v1/requests/${requestId}`)).status).toBe(404);
    expect((await put()).status).toBe(201);
    await expectOnce();
  });
});

describe("crash table: claim durable, answer lost (LIVY-782)", () => {
  it("the retry is a replay", async () => {
    arm("fails-after", CLAIM, 2);
    const lost = await put();
    expect([lost.status, lost.body.task_id]).toEqual([503, taskId]);
    expect(firedFaults().filter((label) => label === CLAIM)).toHaveLength(2);
    const retry = await put();
    expect([retry.status, retry.body.id, retry.headers.get("idempotent-replayed")]).toEqual([200, taskId, "true"]);
    await expectOnce();
  });
});

describe("crash table: connection Worker → object lost, unknown if it ran", () => {
  it.each<[FaultKind]>([["fails-before"], ["fails-after"]])(
    "%s: one more try under the same call id is still the first creation",
    async (kind) => {
      arm(kind, CLAIM);
      const made = await put();
      expect([made.status, made.headers.get("idempotent-replayed")]).toEqual([201, "false"]);
      expect(firedFaults()).toEqual([CLAIM]);
      await expectOnce();
    },
  );

  it("answers 503 when that is lost as well", async () => {
    arm("fails-after", CLAIM, 2);
    expect((await put()).status).toBe(503);
    expect(firedFaults()).toEqual([CLAIM, CLAIM]);
    await expectOnce();
  });
});

describe("crash table: claim durable, crash before the D1 row", () => {
  it("the alarm writes the row and rings, though nobody asks again", async () => {
    await putInto("crashes-before", INSERT);
    expect(await claimsOf(taskId)).toMatchObject([{ state: "claimed", row_done: 0, bell_done: 0 }]);
    await expectOnce();
  });

  it("a bell without a row is kept until the object has written it", async () => {
    await putInto("crashes-before", INSERT);
    expect(await rows("SELECT 1 FROM tasks WHERE id = ?", taskId)).toEqual([]);
    const heard = await bellOf(taskId);
    expect([heard.explicitAcks, heard.retryMessages]).toMatchObject([[], [{ msgId: "m0" }]]);
    expect(await rows("SELECT status FROM tasks WHERE id = ?", taskId)).toHaveLength(1);
    await expectOnce();
  });
});

describe("crash table: D1 committed, but answered an error", () => {
  it("reads back its own row, and answers 201", async () => {
    arm("fails-after", INSERT);
    const first = await put();
    expect([first.status, first.body.id]).toEqual([201, taskId]);
    expect(firedFaults()).toHaveLength(1);
    expect(await rows("SELECT 1 FROM tasks WHERE id = ?", taskId)).toHaveLength(1);
    expect((await put()).status).toBe(200);
    await expectOnce();
  });
});

describe("crash table: D1 hangs 30 s", () => {
  it("answers 503 with the task's id, the alarm finishes it, and the retry is a replay", async () => {
    arm("hangs", INSERT);
    const refused = await put();
    expect([refused.status, refused.body.task_id]).toEqual([503, taskId]);
    expect(refused.headers.get("retry-after")).toBeTruthy();
    expect(firedFaults()).toHaveLength(1);
    await expectOnce();
  });
});

/** A creation whose object crashes in the ring, which is after the answer; whoever rings next is not heard. */
async function putThenCrash(crash: FaultKind): Promise<void> {
  const crashed = arm(crash, RING);
  arm("drops", RING, 1_000, { after: crashed });
  expect((await put()).status).toBe(201);
  await until(
    async () => crashed.fired,
    (fired) => fired === 1,
  );
}

describe("crash table: D1 row there, crash before the bell", () => {
  it("the outbox still holds the bell, and the alarm rings", async () => {
    await putThenCrash("crashes-before");
    expect(await rows("SELECT status FROM tasks WHERE id = ?", taskId)).toEqual([{ status: "created" }]);
    expect(await claimsOf(taskId)).toMatchObject([{ bell_done: 0 }]);
    resetFaults();
    await expectOnce();
  });
});

describe("crash table: bell rung, crash before the mark", () => {
  it("a second bell changes nothing", async () => {
    await putThenCrash("crashes-after");
    resetFaults();
    await expectOnce();
    const before = await rows("SELECT * FROM tasks WHERE id = ?", taskId);
    expect((await bellOf(taskId)).explicitAcks).toEqual(["m0"]);
    expect(await rows("SELECT * FROM tasks WHERE id = ?", taskId)).toEqual(before);
  });
});

describe("crash table: `send` throws, 429, hangs", () => {
  it.each<[FaultKind]>([["fails-before"], ["fails-after"], ["hangs"]])(
    "%s: answers 201, and the alarm rings",
    async (kind) => {
      const fault = arm(kind, RING);
      const made = await put();
      expect([made.status, fault.fired]).toEqual([201, 1]);
      await expectOnce();
    },
  );

  it("the alarm is armed again before it rings: a crash in the ring does not use it up", async () => {
    const lost = arm("drops", RING);
    const crashed = arm("crashes-before", RING, 1, { after: lost });
    expect((await put()).status).toBe(201);
    await until(
      async () => crashed.fired,
      (fired) => fired === 1,
    );
    const alarm = await alarmOf(taskId);
    expect(alarm).toBeGreaterThan(Date.now() - 1_000);
    expect(alarm).toBeLessThanOrEqual(Date.now() + 60_000);
    await runInDurableObject(objectOf(taskId), (object) => object.poke(taskId));
    await expectOnce();
  });
});

describe("crash table: alarm lost, used up, in the past", () => {
  it("whatever wakes the object arms it again", async () => {
    await silentTask(from, requestId);
    await runInDurableObject(objectOf(taskId), (_, state) => state.storage.deleteAlarm());
    await evictDurableObject(objectOf(taskId));
    resetFaults();
    await objectOf(taskId).ping();
    expect(await alarmOf(taskId)).not.toBeNull();
    await expectOnce();
  });

  it("a bell brings the task on", async () => {
    await silentTask(from, requestId);
    await runInDurableObject(objectOf(taskId), (_, state) => state.storage.deleteAlarm());
    resetFaults();
    expect((await bellOf(taskId)).explicitAcks).toEqual(["m0"]);
    await expectOnce();
  });

  it("the sweeper brings the task on", async () => {
    await silentTask(from, requestId);
    await runInDurableObject(objectOf(taskId), (_, state) => state.storage.deleteAlarm());
    resetFaults();
    travelPastBells();
    expect(await sweepOnce()).toBe(false);
    await expectOnce();
  });

  it("an alarm in the past fires, and is armed for what is due", async () => {
    await silentTask(from, requestId);
    await runInDurableObject(objectOf(taskId), (_, state) => state.storage.setAlarm(1));
    const alarm = await until(
      () => alarmOf(taskId),
      (at) => at !== 1 && at !== null,
    );
    expect(alarm).toBeGreaterThan(Date.now() - 1_000);
    resetFaults();
    await expectOnce();
  });
});

describe("crash table: deploy resets objects in mid-await", () => {
  it.each<[FaultKind, string]>([
    ["crashes-unwritten", INSERT],
    ["crashes-before", INSERT],
    ["crashes-after", INSERT],
    ["crashes-before", RING],
    ["crashes-after", RING],
  ])("%s at %s: the Worker's second try goes on from what is durable", async (kind, at) => {
    const fault = arm(kind, at);
    const made = await put();
    expect([made.status, made.headers.get("idempotent-replayed"), fault.fired]).toEqual([201, "false", 1]);
    await expectOnce();
  });

  it("a call that waits for the end is answered with the task as it is", async () => {
    await silentTask(from, requestId);
    const asked = call("GET", `/v1/checkmate/tasks/${taskId}/status`, { headers: { Prefer: "wait=20" } });
    await until(
      async () => firedFaults().length,
      (rings) => rings >= 2,
    );
    await expect(runInDurableObject(objectOf(taskId), (_, state) => state.abort("Reset"))).rejects.toThrow("Reset");
    expect((await asked).body.status).toBe("created");
    resetFaults();
    await expectOnce();
  });
});
