import { beforeEach, describe, expect, it } from "vitest";
import { type Answer, call, until } from "../../support/api";
import { arm, type FaultKind, firedFaults, resetFaults } from "../../support/faults";
import { newTenant } from "../../support/nouns";
import { refusalOf } from "../../support/refusal";
import { loseObject } from "../../support/requests-object";
import { fill, type Held, isHeld, reserve, reserved, rowOf } from "../../support/reserve";
import { batchOf, endOf, onceEach, rows, type Scene, scene } from "../../support/scene";
import { sweepOnce, travelPastBells } from "../../support/sweeper";

beforeEach(() => resetFaults());

const READ = 'from "agents"';
const INSERT = "INSERT INTO tasks";
const FILL = "UPDATE requests SET fingerprint";
const RING = "queue: sendBatch";
const CREATE = "object: create";

function untilAcknowledged(send: () => Promise<Answer>): Promise<Answer> {
  return until(send, (answer) => answer.status < 300);
}

/** The reservation is filled and its task runs: one row, one run, every memory once. */
async function expectFilledOnce(held: Held, from: Scene, isBellLost = false): Promise<void> {
  const answer = await untilAcknowledged(() => fill(held, batchOf(from)));
  expect(answer.body.id).toBe(held.id);
  if (isBellLost) {
    travelPastBells();
    await sweepOnce();
  }
  const task = await endOf(held.id);
  expect(await onceEach(from, task)).toBe(true);
  expect(await rows("SELECT run FROM tasks WHERE request_id = ?", held.requestId)).toEqual([{ run: 1 }]);
  const replay = await fill(held, batchOf(from));
  expect([replay.status, replay.body.status]).toEqual([200, "complete"]);
  expect(await isHeld(held.id)).toBe(false);
}

describe("a reservation, with a fault in one step", () => {
  const steps: [FaultKind, string, string, string][] = [
    ["fails-before", CREATE, "the call of the object is lost", "201"],
    ["fails-after", CREATE, "the object's answer is lost", "201"],
    ["fails-before", READ, "D1 cannot be asked", "503 creation-unavailable"],
    ["fails-before", INSERT, "the D1 insert fails", "503 creation-pending"],
    ["fails-after", INSERT, "the D1 insert is made, but answers an error: it is read back", "201"],
    ["hangs", INSERT, "the D1 insert hangs", "503 creation-pending"],
  ];
  it.each(steps)("%s at %s: %s: answers %s, and a repeat gives the one id", async (kind, at, _, answered) => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    resetFaults();
    arm(kind, at);
    const first = await reserve(requestId);
    expect(first.status === 201 ? "201" : refusalOf(first)).toBe(answered);
    expect(firedFaults()).toHaveLength(1);
    const answer = await untilAcknowledged(() => reserve(requestId));
    expect(answer.status).toBe(201);
    expect(first.status === 201 ? first.body : answer.body).toEqual(answer.body);
    const { id, put_key: putKey, expires_at: expiresAt } = answer.body;
    expect((await rowOf(id)).status).toBe("unbound");
    expect(await isHeld(id)).toBe(true);
    await expectFilledOnce({ id, putKey, requestId, expiresAt }, from);
  });

  it("says first of the call that made it, though the object's answer to that was lost", async () => {
    arm("fails-after", CREATE);
    const answer = await reserve(crypto.randomUUID());
    expect([answer.status, answer.headers.get("idempotent-replayed")]).toEqual([201, "false"]);
  });

  it.each([READ, INSERT])("leaves nothing behind when %s failed: the id is free, and nothing is held", async (at) => {
    const requestId = crypto.randomUUID();
    arm("fails-before", at);
    expect((await reserve(requestId)).status).toBe(503);
    expect(refusalOf(await call("GET", `/v1/requests/${requestId}`))).toBe("404 request-not-found");
    expect(await rows("SELECT 1 FROM requests WHERE request_id = ?", requestId)).toEqual([]);
  });

  it("names the minted request id in its 503, under which the reservation can be made still", async () => {
    arm("fails-before", INSERT);
    const refused = await call("POST", "/v1/batches/id");
    expect(refused.body).toMatchObject({ status: 503, code: "creation-pending", retryable: false });
    const found = await untilAcknowledged(() => reserve(refused.body.request_id));
    expect(found.body).toMatchObject({ id: refused.body.task_id, put_key: expect.any(String) });
  });
});

describe("a fill, with a fault in one step", () => {
  const steps: [FaultKind, string, string, string][] = [
    ["fails-before", CREATE, "the call of the object is lost", "201"],
    ["fails-after", CREATE, "the object's answer is lost", "201"],
    ["fails-before", READ, "D1 cannot be asked", "503 creation-unavailable"],
    ["fails-before", FILL, "the D1 write fails", "503 creation-pending"],
    ["fails-after", FILL, "the D1 write is made, but answers an error: it is read back", "201"],
    ["hangs", FILL, "the D1 write hangs", "503 creation-pending"],
    ["fails-before", RING, "the bell cannot be sent", "201"],
    ["hangs", RING, "sending the bell hangs", "201"],
    ["drops", RING, "the bell is lost", "201"],
    ["doubles", RING, "the bell is doubled", "201"],
  ];
  it.each(steps)("%s at %s: %s: answers %s, and the task runs exactly once", async (kind, at, _, answered) => {
    const from = await scene(5);
    const held = await reserved();
    resetFaults();
    arm(kind, at);
    const first = await fill(held, batchOf(from));
    expect(first.status === 201 ? "201" : refusalOf(first)).toBe(answered);
    expect(firedFaults()).toHaveLength(1);
    await expectFilledOnce(held, from, at === RING && kind !== "doubles");
  });

  it("names the task in its 503, and says that a retry is safe and until when it is in doubt", async () => {
    const held = await reserved();
    arm("fails-before", FILL);
    const refused = await fill(held, batchOf(await scene(2)));
    const doubt = { task_id: held.id, doubt_until: expect.any(String) };
    expect(refused.body).toMatchObject({ code: "creation-pending", retryable: true, ...doubt });
    expect((await rowOf(held.id)).status).toBe("unbound");
  });

  it("tells another namespace nothing of its task, though the look at the row fails at first", async () => {
    const held = await reserved();
    await fill(held, batchOf(await scene(1)));
    const { key } = await newTenant();
    resetFaults();
    arm("fails-before", READ);
    const body = batchOf(await scene(1), { name: "other" });
    const foreign = () => call("PUT", `/v1/batches/${held.id}`, { key, body, headers: { putKey: held.putKey } });
    expect(refusalOf(await foreign())).toBe("503 creation-unavailable");
    expect(refusalOf(await foreign())).toBe("404 task-not-found");
  });

  it("goes on though the object is lost: before it, and after it", async () => {
    const from = await scene(2);
    const held = await reserved();
    await loseObject(held.id);
    expect((await fill(held, batchOf(from))).status).toBe(201);
    await loseObject(held.id);
    expect(refusalOf(await fill(held, batchOf(from, { name: "x" })))).toBe("422 request-id-reused");
    expect((await reserve(held.requestId)).body).toMatchObject({ id: held.id, put_key: held.putKey });
    await expectFilledOnce(held, from);
  });
});
