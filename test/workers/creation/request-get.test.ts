import { beforeEach, describe, expect, it } from "vitest";
import { type Answer, call, until } from "../../support/api";
import { arm, resetFaults, watchCalls } from "../../support/faults";
import { problemOf } from "../../support/nouns";
import { refusalOf } from "../../support/refusal";
import { taskOfRequest } from "../../support/requests-object";
import { batchOf, endOf, putBatch, rows, type Scene, scene } from "../../support/scene";

const COUNT = "UPDATE requests SET last_seen_at_ms";
const DAY_MS = 86_400_000;

beforeEach(() => resetFaults());

const lookUp = (requestId: string) => call("GET", `/v1/requests/${requestId}`);
const putBulk = (requestId: string, items: readonly unknown[]) => putBatch(requestId, { items });
const idsOf = ({ body }: Answer): string[] => body.results.map((result: { task_id: string }) => result.task_id);

/** What a look says when all calls are counted. */
function countedAs(requestId: string, replays: number, mismatches: number): Promise<Answer> {
  return until(
    () => lookUp(requestId),
    ({ body }) => body.replay_count === replays && body.mismatch_count === mismatches,
  );
}

/** A task that nobody works on. */
async function quietBatch(from: Scene, requestId: string): Promise<string> {
  arm("drops", "queue: sendBatch", 1_000);
  return (await putBatch(requestId, batchOf(from))).body.id;
}

describe("request-get: the counts of calls", () => {
  it("are written together, in one statement, and the calls wait for none of it", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    await quietBatch(from, requestId);
    const calls = watchCalls([await taskOfRequest(requestId)]);
    for (let i = 0; i < 3; i++) expect((await putBatch(requestId, batchOf(from))).status).toBe(200);
    expect((await putBatch(requestId, batchOf(from, { name: "other" }))).status).toBe(422);
    const { body } = await countedAs(requestId, 3, 1);
    expect(calls.filter((label) => label.includes(COUNT))).toHaveLength(1);
    expect(body.last_seen_at > body.first_seen_at).toBe(true);
  });

  it("change nothing that a client sees of the task: neither updated_at nor ETag", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    const id = await quietBatch(from, requestId);
    const read = () => call("GET", `/v1/checkmate/tasks/${id}`);
    const before = await read();
    await putBatch(requestId, batchOf(from));
    await countedAs(requestId, 1, 0);
    const after = await read();
    expect([after.body, after.headers.get("etag")]).toEqual([before.body, before.headers.get("etag")]);
  });

  it("may fail, and fail nothing else", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    await quietBatch(from, requestId);
    const lost = arm("fails-before", COUNT, 1, { scope: [await taskOfRequest(requestId)] });
    expect((await putBatch(requestId, batchOf(from))).status).toBe(200);
    await until(
      async () => lost.fired,
      (fired) => fired === 1,
    );
    expect((await putBatch(requestId, batchOf(from))).status).toBe(200);
    expect((await countedAs(requestId, 1, 0)).status).toBe(200);
  });

  it("go on after a cancel that came first, and for agents", async () => {
    const from = await scene(1);
    const [requestId, agents] = [crypto.randomUUID(), crypto.randomUUID()];
    await call("PATCH", `/v1/requests/${requestId}/cancel`);
    await putBatch(requestId, batchOf(from));
    await putBatch(requestId, batchOf(from));
    expect((await countedAs(requestId, 1, 0)).body.status).toBe("canceled");
    const create = (name: string) => call("PUT", "/v1/agents", { body: { name }, headers: { requestId: agents } });
    for (const name of [agents, agents, "other"]) await create(name);
    expect((await countedAs(agents, 1, 1)).body.door).toBe("agent");
  });
});

const sameTime = (answer: Answer) => problemOf({ ...answer, body: { ...answer.body, as_of: null } });

describe("request-get", () => {
  it("answers the same 404 for an id never seen and for one of a wrong form, with the time of the look", async () => {
    const before = new Date().toISOString();
    const unknown = await lookUp(crypto.randomUUID());
    const malformed = await lookUp("17");
    for (const answer of [unknown, malformed]) {
      expect(refusalOf(answer)).toBe("404 request-not-found");
      expect(answer.body.as_of >= before).toBe(true);
    }
    expect(sameTime(malformed)).toEqual(sameTime(unknown));
  });

  it("says until when a request is kept: while its task is open nothing, then from its end", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    const id = await quietBatch(from, requestId);
    expect((await lookUp(requestId)).body.expires_at).toBeNull();
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    const { ended_at: endedAt } = await endOf(id);
    const { expires_at: expiresAt } = (await lookUp(requestId)).body;
    expect(Date.parse(expiresAt) - Date.parse(endedAt)).toBe(90 * DAY_MS);
  });

  it("shows a bulk with what it made, and not what it found", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    const request_id = crypto.randomUUID();
    const found = await quietBatch(from, request_id);
    const made = idsOf(await putBulk(requestId, [batchOf(from), batchOf(from, { request_id })]))[0];
    const { body } = await lookUp(requestId);
    expect(body).toMatchObject({ door: "bulk", status: "created", task_id: null, expires_at: null });
    expect(body.made).toEqual([{ kind: "task", id: made, links: { self: `/v1/checkmate/tasks/${made}` } }]);
    await call("PATCH", `/v1/checkmate/tasks/${made}/cancel`);
    expect((await lookUp(requestId)).body).toMatchObject({ status: "complete", expires_at: expect.any(String) });
    await call("PATCH", `/v1/checkmate/tasks/${found}/cancel`);
  });

  it("shows a bulk that only found what was there: it made nothing, and lives as long as that", async () => {
    const from = await scene(1);
    const [requestId, request_id] = [crypto.randomUUID(), crypto.randomUUID()];
    const found = await quietBatch(from, request_id);
    await putBulk(requestId, [batchOf(from, { request_id })]);
    const open = await lookUp(requestId);
    expect(open.body).toMatchObject({ door: "bulk", status: "complete", made: [], expires_at: null });
    await call("PATCH", `/v1/checkmate/tasks/${found}/cancel`);
    const { expires_at: expiresAt } = (await lookUp(request_id)).body;
    expect((await lookUp(requestId)).body).toMatchObject({ made: [], expires_at: expiresAt });
  });

  it("has no row of a bulk of which nothing was accepted", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    expect((await putBulk(requestId, [batchOf(from, { colour: "red" })])).body.results[0].status).toBe(422);
    expect((await lookUp(requestId)).status).toBe(404);
    expect(await rows("SELECT 1 FROM requests WHERE request_id = ?", requestId)).toEqual([]);
  });
});
