import { beforeEach, describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { arm, firedFaults, resetFaults } from "../../support/faults";
import { batchOf, endOf, onceEach, putBatch, scene } from "../../support/scene";

beforeEach(() => resetFaults());

const INSERT = "INSERT INTO tasks";

describe("creation, with a fault in one step", () => {
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

  it("lets one of ten bodies at once win and refuses the others, though the winner's row cannot be written", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    arm("fails-before", INSERT, 1_000);
    const bodies = Array.from({ length: 10 }, (_, i) => batchOf(from, { name: `n${i}` }));
    const answers = await Promise.all(bodies.map((body) => putBatch(requestId, body)));
    const winners = answers.flatMap(({ status }, i) => (status === 503 ? [i] : []));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array<number>(9).fill(422), 503]);
    resetFaults();
    const again = await putBatch(requestId, bodies[winners[0] ?? -1]);
    expect([again.status, again.body.name]).toEqual([200, `n${winners[0]}`]);
    expect(await onceEach(from, await endOf(again.body.id))).toBe(true);
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
