import { runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { call, until } from "../../support/api";
import { arm, type Fault, type FaultKind, firedFaults, resetFaults } from "../../support/faults";
import { objectOf } from "../../support/placement";
import { bellOf, requestRowOf, silentTask, taskOfRequest } from "../../support/requests-object";
import { refusalOf } from "../../support/refusal";
import { batchOf, endOf, onceEach, putBatch, reVoiced, rows, type Scene, scene } from "../../support/scene";
import { sweepOnce, travelPastBells } from "../../support/sweeper";

const CREATE = "object: create";
const READ = 'from "agents"';
const INSERT = "INSERT INTO tasks";
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

/** One row, every memory once, and a replay that shows it. */
async function expectOnce(): Promise<void> {
  const task = await endOf(taskId);
  expect(await onceEach(from, task)).toBe(true);
  expect(await rows("SELECT run FROM tasks WHERE request_id = ?", requestId)).toEqual([{ run: 1 }]);
  const replay = await put();
  expect([replay.status, replay.body.id, replay.body.status]).toEqual([200, taskId, "complete"]);
}

/** The same of a task whose bell was lost: the sweeper comes by when that has had its time. */
async function expectOnceBySweeper(): Promise<void> {
  resetFaults();
  travelPastBells();
  await sweepOnce();
  await expectOnce();
}

async function hasFired(fault: Fault): Promise<void> {
  await until(
    async () => fault.fired,
    (fired) => fired === 1,
  );
}

describe("crash table: client sent, nothing arrived / Worker died before the object", () => {
  it("the client's retry makes the task", async () => {
    arm("fails-before", CREATE, 2);
    expect(refusalOf(await put())).toBe("503 creation-pending");
    expect(firedFaults()).toEqual([CREATE, CREATE]);
    expect((await call("GET", `/v1/requests/${requestId}`)).status).toBe(404);
    expect((await put()).status).toBe(201);
    await expectOnce();
  });

  it("a cancel by request id gives it up: what arrives late runs never", async () => {
    arm("fails-before", CREATE, 2);
    expect((await put()).status).toBe(503);
    expect((await cancel()).status).toBe(200);
    const late = await put();
    expect([late.status, late.body.status]).toEqual([201, "canceled"]);
    await bellOf(taskId);
    expect(await reVoiced(taskId)).toEqual([]);
  });
});

describe("crash table: object died, before or after the transaction", () => {
  it.each<[FaultKind, string]>([
    ["crashes-before", READ],
    ["crashes-before", INSERT],
    ["crashes-after", INSERT],
  ])("%s %s: the Worker's second try, under the same call id, is still the first creation", async (kind, at) => {
    const crash = arm(kind, at);
    const made = await put();
    expect([made.status, made.headers.get("idempotent-replayed"), crash.fired]).toEqual([201, "false", 1]);
    if (kind === "crashes-after") await expectOnceBySweeper();
    else await expectOnce();
  });

  it.each<[FaultKind, number]>([
    ["crashes-before", 201],
    ["crashes-after", 200],
  ])(
    "%s the transaction, and the second try is lost: 503, and the client's retry is answered %d",
    async (kind, then) => {
      const crash = arm(kind, INSERT);
      const lost = arm("fails-before", CREATE, 1, { after: crash });
      const refused = await put();
      expect([refusalOf(refused), refused.body.task_id]).toEqual(["503 creation-pending", taskId]);
      expect([crash.fired, lost.fired]).toEqual([1, 1]);
      expect((await put()).status).toBe(then);
      await expectOnceBySweeper();
    },
  );
});

describe("crash table: row stands, answer lost (LIVY-782)", () => {
  it("the retry is a replay", async () => {
    arm("fails-after", CREATE, 2);
    const lost = await put();
    expect([lost.status, lost.body.task_id]).toEqual([503, taskId]);
    expect(firedFaults().filter((label) => label === CREATE)).toHaveLength(2);
    const retry = await put();
    expect([retry.status, retry.body.id, retry.headers.get("idempotent-replayed")]).toEqual([200, taskId, "true"]);
    await expectOnce();
  });
});

describe("crash table: connection Worker → object lost, unknown if it ran", () => {
  it.each<[FaultKind]>([["fails-before"], ["fails-after"]])(
    "%s: one more try under the same call id is still the first creation",
    async (kind) => {
      arm(kind, CREATE);
      const made = await put();
      expect([made.status, made.headers.get("idempotent-replayed")]).toEqual([201, "false"]);
      expect(firedFaults()).toEqual([CREATE]);
      await expectOnce();
    },
  );

  it("answers 503 when that is lost as well, and the task runs", async () => {
    arm("fails-after", CREATE, 2);
    expect((await put()).status).toBe(503);
    await expectOnce();
  });
});

describe("crash table: D1 committed, but answered an error", () => {
  it("reads back its own row, and answers 201", async () => {
    arm("fails-after", INSERT);
    const first = await put();
    expect([first.status, first.body.id]).toEqual([201, taskId]);
    expect(firedFaults()).toHaveLength(1);
    expect((await put()).status).toBe(200);
    await expectOnce();
  });

  it("answers 503 where it cannot be read back either, and the retry is a replay", async () => {
    const committed = arm("fails-after", INSERT);
    arm("fails-before", "db: ", 1, { after: committed, fromObject: true });
    expect(refusalOf(await put())).toBe("503 creation-pending");
    expect((await requestRowOf(taskId)).id).toBe(taskId);
    expect((await put()).status).toBe(200);
    await expectOnceBySweeper();
  });
});

describe("crash table: row there, crash before the bell", () => {
  it.each<[FaultKind, string]>([
    ["crashes-before", "nobody was rung for"],
    ["crashes-after", "the bell that was rung and one more change nothing"],
  ])("%s the ring: the sweeper rings when the bell has had its time; %s", async (kind) => {
    const crash = arm(kind, RING);
    arm("drops", RING, 1_000, { after: crash });
    expect((await put()).status).toBe(201);
    await hasFired(crash);
    await expectOnceBySweeper();
    const before = await rows("SELECT * FROM tasks WHERE id = ?", taskId);
    expect((await bellOf(taskId)).explicitAcks).toEqual(["m0"]);
    expect(await rows("SELECT * FROM tasks WHERE id = ?", taskId)).toEqual(before);
  });
});

describe("crash table: `send` throws, 429, hangs", () => {
  it.each<[FaultKind]>([["fails-before"], ["fails-after"], ["hangs"]])(
    "%s: it holds up no answer, and the sweeper rings",
    async (kind) => {
      const fault = arm(kind, RING);
      const made = await put();
      expect([made.status, fault.fired]).toEqual([201, 1]);
      await expectOnceBySweeper();
    },
  );
});

describe("crash table: deploy resets objects in mid-await", () => {
  it.each<[FaultKind, string]>([
    ["crashes-landing", READ],
    ["crashes-landing", INSERT],
    ["crashes-before", RING],
    ["crashes-after", RING],
  ])("%s at %s: nothing durable was there, and the call is answered", async (kind, at) => {
    const crash = arm(kind, at);
    const made = await put();
    expect([made.status, made.headers.get("idempotent-replayed")]).toEqual([201, "false"]);
    await hasFired(crash);
    await expectOnceBySweeper();
  });

  it("a call that waits for the end is answered with the task as it is", async () => {
    await silentTask(from, requestId);
    const asked = call("GET", `/v1/checkmate/tasks/${taskId}/status`, { headers: { Prefer: "wait=20" } });
    const looks = arm("doubles", 'from "tasks"', 1, { fromObject: true, scope: [taskId] });
    await hasFired(looks);
    await expect(runInDurableObject(objectOf(taskId), (_, state) => state.abort("Reset"))).rejects.toThrow("Reset");
    expect((await asked).body.status).toBe("created");
    await expectOnceBySweeper();
  });
});
