import { beforeEach, describe, expect, it } from "vitest";
import { DEADLINE_MS } from "../../../src/services/creation/create-task";
import { call } from "../../support/api";
import { travelMs } from "../../support/clock";
import { batchCall } from "../../support/creation-calls";
import { arm, resetFaults, watchCalls } from "../../support/faults";
import { objectOf } from "../../support/placement";
import { refusalOf } from "../../support/refusal";
import { batchOf, endOf, onceEach, putBatch, rows, scene } from "../../support/scene";

beforeEach(() => resetFaults());

const INSERT = "INSERT INTO tasks";
const lookUp = (requestId: string) => call("GET", `/v1/requests/${requestId}`);

describe("creation, with a fault in one step", () => {
  it("names the task in the 503, says until when it is in doubt, and a retry makes it once", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const before = Date.now();
    arm("fails-before", INSERT);
    const refused = await putBatch(requestId, batchOf(from));
    expect(refused.body).toMatchObject({ status: 503, code: "creation-pending", retryable: true });
    expect(refused.headers.get("retry-after")).toBeTruthy();
    const doubtUntil = Date.parse(refused.body.doubt_until);
    expect(doubtUntil).toBeGreaterThanOrEqual(before + DEADLINE_MS);
    expect(doubtUntil).toBeLessThanOrEqual(Date.now() + DEADLINE_MS);
    const again = await putBatch(requestId, batchOf(from));
    expect([again.status, again.body.id]).toEqual([201, refused.body.task_id]);
    expect(await onceEach(from, await endOf(again.body.id))).toBe(true);
  });

  it("names the minted request id of a POST in its 503, and says that a repeat would be another task", async () => {
    const from = await scene(2);
    arm("fails-after", "object: create", 2);
    const refused = await call("POST", "/v1/batches", { body: batchOf(from) });
    expect(refused.body).toMatchObject({ status: 503, code: "creation-pending", retryable: false });
    const known = await lookUp(refused.body.request_id);
    expect(known.body.task_id).toBe(refused.body.task_id);
    expect(await onceEach(from, await endOf(refused.body.task_id))).toBe(true);
  });

  it("tells by the time of a look that finds nothing whether it is final", async () => {
    const from = await scene(1);
    arm("fails-before", INSERT);
    const refused = await call("POST", "/v1/batches", { body: batchOf(from) });
    const early = await lookUp(refused.body.request_id);
    expect(refusalOf(early)).toBe("404 request-not-found");
    expect(early.body.as_of < refused.body.doubt_until).toBe(true);
    travelMs(DEADLINE_MS);
    const late = await lookUp(refused.body.request_id);
    expect(refusalOf(late)).toBe("404 request-not-found");
    expect(late.body.as_of >= refused.body.doubt_until).toBe(true);
  });

  it("refuses none of ten bodies at once while no row can be written, and lets one win when one can", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    arm("fails-before", INSERT, 1_000);
    const bodies = Array.from({ length: 10 }, (_, i) => batchOf(from, { name: `n${i}` }));
    const send = () => Promise.all(bodies.map((body) => putBatch(requestId, body)));
    expect((await send()).map(refusalOf)).toEqual(bodies.map(() => "503 creation-pending"));
    resetFaults();
    const answers = await send();
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array<number>(9).fill(422)]);
    const winner = answers.findIndex(({ status }) => status === 201);
    const again = await putBatch(requestId, bodies[winner]);
    expect([again.status, again.body.name]).toEqual([200, `n${winner}`]);
    expect(await onceEach(from, await endOf(again.body.id))).toBe(true);
  });

  it("starts nothing while the database cannot be asked, and says so", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    arm("fails-before", 'from "agents"');
    const refused = await putBatch(requestId, batchOf(from));
    expect([refusalOf(refused), refused.body.doubt_until]).toEqual(["503 creation-unavailable", undefined]);
    expect((await lookUp(requestId)).status).toBe(404);
    expect((await putBatch(requestId, batchOf(from))).status).toBe(201);
  });

  it("writes creations of one object in one transaction, and a row that cannot be written harms no other", async () => {
    const from = await scene(1);
    const noKey = null as unknown as string;
    const calls = [await batchCall(from), await batchCall(from, {}, { keyId: noKey }), await batchCall(from)];
    const watched = watchCalls(calls.map(({ taskId }) => taskId));
    const answers = await objectOf(calls[0]?.taskId ?? "").create(calls, null);
    expect(answers.map(({ kind }) => kind)).toEqual(["made", "unproven", "made"]);
    // One of all three, and when that is refused one of each.
    expect(watched.filter((label) => label.includes(INSERT))).toHaveLength(4);
    const made = "SELECT id FROM tasks WHERE id IN (SELECT value FROM json_each(?))";
    expect(await rows(made, JSON.stringify(calls.map(({ taskId }) => taskId)))).toHaveLength(2);
  });

  it("answers 503 and never 404 for a request while the database cannot be asked", async () => {
    arm("fails-before", 'from "requests"');
    expect((await lookUp(crypto.randomUUID())).status).toBe(503);
  });
});
