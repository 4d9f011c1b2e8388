import { beforeEach, describe, expect, it } from "vitest";
import { type Answer, call, until } from "../support/api";
import { arm, type FaultKind, firedFaults, resetFaults } from "../support/faults";
import { batchOf, endOf, onceEach, putBatch, rows, type Scene, scene } from "../support/scene";

beforeEach(() => resetFaults());

/** Sends the same creation until it is acknowledged, as a client does. */
function putUntilAcknowledged(requestId: string, from: Scene): Promise<Answer> {
  return until(
    () => putBatch(requestId, batchOf(from)),
    (answer) => answer.status < 300,
  );
}

/** One task, every memory once, and a replay that shows it. */
async function expectExactlyOnce(requestId: string, from: Scene): Promise<void> {
  const answer = await putUntilAcknowledged(requestId, from);
  const task = await endOf(answer.body.id, 30_000);
  expect(await onceEach(from, task)).toBe(true);
  expect(await rows("SELECT id FROM tasks WHERE request_id = ?", requestId)).toHaveLength(1);
  const replay = await putBatch(requestId, batchOf(from));
  expect([replay.status, replay.body.id, replay.body.status]).toEqual([200, task.task_id, "complete"]);
}

const INSERT = "INSERT INTO tasks";
const RING = "queue: sendBatch";
const CLAIM = "object: claim";

describe("creation, with a fault in one step", () => {
  const steps: [FaultKind, string, string, number][] = [
    ["fails-before", CLAIM, "the call of the object is lost", 201],
    ["fails-after", CLAIM, "the object's answer is lost", 201],
    ["fails-before", INSERT, "the D1 insert fails", 503],
    ["fails-after", INSERT, "the D1 insert is made, but answers an error: it is read back", 201],
    ["hangs", INSERT, "the D1 insert hangs", 503],
    ["fails-before", RING, "the bell cannot be sent", 201],
    ["fails-after", RING, "the bell is sent, but answers an error", 201],
    ["hangs", RING, "sending the bell hangs", 201],
    ["drops", RING, "the bell is lost", 201],
    ["doubles", RING, "the bell is doubled", 201],
  ];
  it.each(steps)("%s at %s: %s: answers %d, and the task runs exactly once", async (kind, at, _, status) => {
    const from = await scene(5);
    const requestId = crypto.randomUUID();
    resetFaults();
    arm(kind, at);
    const first = await putBatch(requestId, batchOf(from));
    expect(first.status).toBe(status);
    expect(firedFaults()).toHaveLength(1);
    await expectExactlyOnce(requestId, from);
  });

  it("names the task in the 503, says that a retry is safe, and finishes it though nobody asks again", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    arm("fails-before", INSERT);
    const refused = await putBatch(requestId, batchOf(from));
    expect(refused.body).toMatchObject({ status: 503, code: "creation-pending", retryable: true });
    expect(refused.headers.get("retry-after")).toBeTruthy();
    const task = await endOf(refused.body.task_id);
    expect(await onceEach(from, task)).toBe(true);
  });

  it("names the minted request id of a POST in its 503, and says that a repeat would be another task", async () => {
    const from = await scene(2);
    arm("fails-before", INSERT);
    const refused = await call("POST", "/v1/batches", { body: batchOf(from) });
    expect(refused.body).toMatchObject({ status: 503, code: "creation-pending", retryable: false });
    const known = await call("GET", `/v1/requests/${refused.body.request_id}`);
    expect(known.body.task_id).toBe(refused.body.task_id);
    expect(await onceEach(from, await endOf(refused.body.task_id))).toBe(true);
  });

  it("claims nothing while the database cannot be asked for the references", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    arm("fails-before", 'from "agents"', 1);
    const refused = await putBatch(requestId, batchOf(from));
    expect([refused.status, refused.body.code]).toEqual([503, "creation-unavailable"]);
    expect((await call("GET", `/v1/requests/${requestId}`)).status).toBe(404);
    expect((await putBatch(requestId, batchOf(from))).status).toBe(201);
  });

  it("replays a known id without asking for what it refers to", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const first = await putBatch(requestId, batchOf(from));
    await endOf(first.body.id);
    arm("fails-before", 'from "agents"', 1);
    const again = await putBatch(requestId, batchOf(from));
    expect([again.status, again.body.id]).toEqual([200, first.body.id]);
    expect(firedFaults()).toEqual([]);
  });

  it("answers 503 and never 404 for a request whose object cannot be reached", async () => {
    arm("fails-before", "object: find", 2);
    expect((await call("GET", `/v1/requests/${crypto.randomUUID()}`)).status).toBe(503);
  });
});
