import { beforeEach, describe, expect, it } from "vitest";
import { type Answer, call, until } from "../../support/api";
import { arm, type FaultKind, firedFaults, resetFaults } from "../../support/faults";
import { newTenant } from "../../support/nouns";
import { refusalOf } from "../../support/refusal";
import {
  fill,
  type Held,
  isHeld,
  loseObject,
  recordOf,
  reserve,
  reserved,
  sweepOver,
  rowOf,
} from "../../support/reserve";
import { batchOf, endOf, onceEach, putBatch, reVoiced, rows, type Scene, scene } from "../../support/scene";

beforeEach(() => resetFaults());

const INSERT = "INSERT INTO tasks";
const HOLD = "INSERT INTO held_ids";
const READ = 'from "tasks"';
const RING = "queue: sendBatch";
const CLAIM = "object: claim";
const DAY_MS = 86_400_000;

function untilAcknowledged(send: () => Promise<Answer>): Promise<Answer> {
  return until(send, (answer) => answer.status < 300);
}

/** The reservation is filled and its task runs: one row, one run, every memory once. */
async function expectFilledOnce(held: Held, from: Scene): Promise<void> {
  const answer = await untilAcknowledged(() => fill(held, batchOf(from)));
  expect(answer.body.id).toBe(held.id);
  const task = await endOf(held.id, 30_000);
  expect(await onceEach(from, task)).toBe(true);
  expect(await rows("SELECT run FROM tasks WHERE request_id = ?", held.requestId)).toEqual([{ run: 1 }]);
  const replay = await fill(held, batchOf(from));
  expect([replay.status, replay.body.status]).toEqual([200, "complete"]);
  expect(await isHeld(held.id)).toBe(false);
}

describe("a reservation, with a fault in one step", () => {
  const steps: [FaultKind, string, string, number][] = [
    ["fails-before", CLAIM, "the call of the object is lost", 201],
    ["fails-after", CLAIM, "the object's answer is lost", 201],
    ["fails-before", HOLD, "the id cannot be held", 503],
    ["fails-after", HOLD, "the id is held, but D1 answers an error", 503],
    ["fails-before", INSERT, "the D1 insert fails", 503],
    ["fails-after", INSERT, "the D1 insert is made, but answers an error: it is read back", 201],
    ["hangs", INSERT, "the D1 insert hangs", 503],
  ];
  it.each(steps)("%s at %s: %s: answers %d, and a repeat gives the one id", async (kind, at, _, status) => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    resetFaults();
    arm(kind, at);
    const first = await reserve(requestId);
    expect(first.status).toBe(status);
    expect(firedFaults()).toHaveLength(1);
    const answer = await untilAcknowledged(() => reserve(requestId));
    expect(answer.status).toBe(201);
    expect(first.status === 201 ? first.body : answer.body).toEqual(answer.body);
    const { id, put_key: putKey, expires_at: expiresAt } = answer.body;
    expect((await rowOf(id)).status).toBe("unbound");
    expect(await rows("SELECT 1 FROM held_ids WHERE task_id = ?", id)).toHaveLength(1);
    await expectFilledOnce({ id, putKey, requestId, expiresAt }, from);
  });

  it("says first of the call that made it, though the object's answer to that was lost", async () => {
    arm("fails-after", CLAIM);
    const answer = await reserve(crypto.randomUUID());
    expect([answer.status, answer.headers.get("idempotent-replayed")]).toEqual([201, "false"]);
  });

  it("claims nothing while the id cannot be held", async () => {
    const requestId = crypto.randomUUID();
    arm("fails-before", HOLD);
    expect(refusalOf(await reserve(requestId))).toBe("503 creation-unavailable");
    expect((await call("GET", `/v1/requests/${requestId}`)).status).toBe(404);
  });

  it("names the minted request id in its 503, which finds the reservation again", async () => {
    arm("fails-before", INSERT);
    const refused = await call("POST", "/v1/batches/id");
    expect(refused.body).toMatchObject({ status: 503, code: "creation-pending", retryable: false });
    const found = await untilAcknowledged(() => reserve(refused.body.request_id));
    expect(found.body).toMatchObject({ id: refused.body.task_id, put_key: expect.any(String) });
  });

  it("is finished though nobody asks again", async () => {
    arm("fails-before", INSERT);
    const { task_id: id } = (await reserve(crypto.randomUUID())).body;
    const row = await until(
      () => rowOf(id),
      (found) => found !== undefined,
    );
    expect(row.status).toBe("unbound");
  });
});

describe("a fill, with a fault in one step", () => {
  const steps: [FaultKind, string, string, number][] = [
    ["fails-before", CLAIM, "the call of the object is lost", 201],
    ["fails-after", CLAIM, "the object's answer is lost", 201],
    ["fails-before", INSERT, "the D1 write fails", 503],
    ["fails-after", INSERT, "the D1 write is made, but answers an error: it is read back", 201],
    ["hangs", INSERT, "the D1 write hangs", 503],
    ["fails-before", READ, "the row cannot be read at first", 201],
    ["fails-before", RING, "the bell cannot be sent", 201],
    ["hangs", RING, "sending the bell hangs", 201],
    ["drops", RING, "the bell is lost", 201],
    ["doubles", RING, "the bell is doubled", 201],
  ];
  it.each(steps)("%s at %s: %s: answers %d, and the task runs exactly once", async (kind, at, _, status) => {
    const from = await scene(5);
    const held = await reserved();
    resetFaults();
    arm(kind, at);
    expect((await fill(held, batchOf(from))).status).toBe(status);
    expect(firedFaults()).toHaveLength(1);
    await expectFilledOnce(held, from);
  });

  it("names the task in its 503, and finishes it though nobody asks again", async () => {
    const from = await scene(2);
    const held = await reserved();
    arm("fails-before", INSERT);
    const refused = await fill(held, batchOf(from));
    expect(refused.body).toMatchObject({ status: 503, code: "creation-pending", retryable: true, task_id: held.id });
    expect(await onceEach(from, await endOf(held.id))).toBe(true);
  });

  it("does not use up the reservation while the references cannot be checked", async () => {
    const from = await scene(1);
    const held = await reserved();
    arm("fails-before", 'from "agents"');
    expect(refusalOf(await fill(held, batchOf(from)))).toBe("503 creation-unavailable");
    expect((await rowOf(held.id)).status).toBe("unbound");
    await expectFilledOnce(held, from);
  });

  it("tells another namespace nothing of its task, though the look at the row fails at first", async () => {
    const from = await scene(1);
    const held = await reserved();
    await fill(held, batchOf(from));
    const { key } = await newTenant();
    resetFaults();
    arm("fails-before", READ);
    const body = batchOf(from, { name: "other" });
    const foreign = await call("PUT", `/v1/batches/${held.id}`, { key, body, headers: { putKey: held.putKey } });
    expect([refusalOf(foreign), firedFaults().length]).toEqual(["404 task-not-found", 1]);
  });

  it("is kept once it was accepted, though its row comes late, and the reservation would be over by then", async () => {
    const from = await scene(2);
    const held = await reserved();
    arm("fails-before", INSERT, 1_000);
    expect((await fill(held, batchOf(from))).status).toBe(503);
    await rows("UPDATE tasks SET created_at_ms = created_at_ms - ? WHERE id = ?", 2 * DAY_MS, held.id);
    await sweepOver(held.id);
    expect((await recordOf(held.id)).state).toBe("claimed");
    resetFaults();
    expect(await onceEach(from, await endOf(held.id))).toBe(true);
  });

  it("keeps its content when a cancel comes before its row is written, and never runs", async () => {
    const from = await scene(2);
    const held = await reserved();
    arm("hangs", INSERT);
    const filling = fill(held, batchOf(from));
    await until(
      async () => firedFaults(),
      (fired) => fired.length === 1,
    );
    expect((await call("PATCH", `/v1/checkmate/tasks/${held.id}/cancel`)).body.status).toBe("canceled");
    await filling;
    const again = await untilAcknowledged(() => fill(held, batchOf(from)));
    expect(again.body).toMatchObject({ status: "canceled", operation: "re-voice" });
    expect((await rowOf(held.id)).operation).toBe("re-voice");
    expect(await reVoiced(held.id)).toEqual([]);
  });
});

async function lost(): Promise<Held> {
  const held = await reserved();
  await loseObject(held.id);
  return held;
}

describe("a reservation whose object has lost its record", () => {
  it("is filled from its row, once, by a hundred calls at once", async () => {
    const from = await scene(2);
    const held = await lost();
    const answers = await Promise.all(Array.from({ length: 100 }, () => fill(held, batchOf(from))));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(99);
    await expectFilledOnce(held, from);
  });

  it("answers the same to its requestId, and ends when it said", async () => {
    const held = await lost();
    await rows("UPDATE tasks SET created_at_ms = created_at_ms - ? WHERE id = ?", DAY_MS / 2, held.id);
    const endsAt = Date.parse(held.expiresAt) - DAY_MS / 2;
    const { body } = await reserve(held.requestId);
    expect([body.id, body.put_key, Date.parse(body.expires_at)]).toEqual([held.id, held.putKey, endsAt]);
    expect((await recordOf(held.id)).keep_until_ms).toBe(endsAt);
    await expectFilledOnce(held, await scene(1));
  });

  it("is still a requestId in use, and can be filled after a PUT was refused", async () => {
    const from = await scene(1);
    const held = await lost();
    expect(refusalOf(await putBatch(held.requestId, batchOf(from)))).toBe("422 request-id-reused");
    expect((await recordOf(held.id)).keep_until_ms).toBe(Date.parse(held.expiresAt));
    await expectFilledOnce(held, from);
  });

  it("is replayed, and no other body taken, when that came after the fill", async () => {
    const from = await scene(1);
    const held = await reserved();
    await fill(held, batchOf(from));
    await endOf(held.id);
    await loseObject(held.id);
    expect(refusalOf(await fill(held, batchOf(from, { name: "x" })))).toBe("422 request-id-reused");
    expect((await reserve(held.requestId)).body).toMatchObject({ id: held.id, put_key: held.putKey });
    await expectFilledOnce(held, from);
  });
});
