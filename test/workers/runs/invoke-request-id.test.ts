import { beforeEach, describe, expect, it } from "vitest";
import { openNextRun } from "../../../src/data/tasks/run-store";
import { call } from "../../support/api";
import { arm, resetFaults } from "../../support/faults";
import { holdBack } from "../../support/held-back";
import { db, RING_MS } from "../../support/leased-part";
import { refusalOf } from "../../support/refusal";
import { silentTask, taskOfRequest } from "../../support/requests-object";
import { reserved } from "../../support/reserve";
import { batchOf, putBatch, rows, scene } from "../../support/scene";

const CLAIM = "made_run, first_seen_at_ms";
const CLAIM_AND_RUN = "SET run = run + 1";
const READ_BACK = `from "requests" where`;

beforeEach(() => resetFaults());

const from = scene(2);
const cancel = (id: string) => call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
const invoke = (id: string, requestId: string, query = "") =>
  call("PATCH", `/v1/checkmate/tasks/${id}/invoke${query}`, { headers: { requestId } });
const lookUp = (requestId: string) => call("GET", `/v1/requests/${requestId}`);
const cancelRequest = (requestId: string) => call("PATCH", `/v1/requests/${requestId}/cancel`);

async function canceledTask(requestId: string = crypto.randomUUID()): Promise<string> {
  const id = await silentTask(await from, requestId);
  await cancel(id);
  return id;
}

async function runOf(id: string): Promise<unknown> {
  const [row] = await rows("SELECT run, status FROM tasks WHERE id = ?", id);
  return row && [row["run"], row["status"]];
}

describe("checkmate-task-invoke with a requestId", () => {
  it("is known by it: the look-up names its task, and counts what came again", async () => {
    const [id, requestId] = [await canceledTask(), crypto.randomUUID()];
    expect((await invoke(id, requestId)).status).toBe(202);
    expect((await lookUp(requestId)).body).toMatchObject({
      request_id: requestId,
      door: "invoke",
      status: "created",
      made: [{ kind: "task", id, links: { self: `/v1/checkmate/tasks/${id}` } }],
      task_id: id,
      replay_count: 0,
      expires_at: null,
    });
    await invoke(id, requestId.toUpperCase());
    await invoke(id, requestId, "?from=failed");
    expect((await lookUp(requestId)).body).toMatchObject({ replay_count: 1, mismatch_count: 1 });
    expect(await runOf(id)).toEqual([2, "created"]);
  });

  it("is used up by a call that finds the task open: a repeat opens no run either", async () => {
    const requestId = crypto.randomUUID();
    const id = await silentTask(await from);
    expect((await invoke(id, requestId)).body.status).toBe("created");
    expect((await lookUp(requestId)).body).toMatchObject({
      door: "invoke",
      status: "created",
      made: [],
      task_id: null,
    });
    await cancel(id);
    expect((await invoke(id, requestId)).body.status).toBe("canceled");
    expect(refusalOf(await invoke(id, requestId, "?from=failed"))).toBe("422 request-id-reused");
    expect(await runOf(id)).toEqual([1, "canceled"]);
  });

  it("is used up by a call that a cancel of the ended run overtakes: a repeat opens no run either", async () => {
    const [id, requestId] = [await canceledTask(), crypto.randomUUID()];
    const late = holdBack(CLAIM_AND_RUN, id);
    const answer = invoke(id, requestId);
    await late.isHeld();
    await cancel(id);
    late.free();
    expect((await answer).status).toBe(202);
    expect((await invoke(id, requestId)).body.status).toBe("canceled");
    expect(await runOf(id)).toEqual([1, "canceled"]);
  });

  it.each(["", "?from=failed"])("refuses another call under it, and opens no run: %s", async (query) => {
    const [id, other, requestId] = [await canceledTask(), await canceledTask(), crypto.randomUUID()];
    await invoke(id, requestId);
    await cancel(id);
    const refused = await invoke(query === "" ? other : id, requestId, query);
    expect(refusalOf(refused)).toBe("422 request-id-reused");
    expect(refused.body).toMatchObject({ task_id: id, mismatch: query === "" ? [""] : ["/query/from"] });
    expect([await runOf(id), await runOf(other)]).toEqual([
      [2, "canceled"],
      [1, "canceled"],
    ]);
  });

  it("shares its ids with every other door", async () => {
    const [made, used] = [crypto.randomUUID(), crypto.randomUUID()];
    const id = await canceledTask(made);
    expect(refusalOf(await invoke(id, made))).toBe("422 request-id-reused");
    expect(await runOf(id)).toEqual([1, "canceled"]);
    await invoke(id, used);
    const put = await putBatch(used, batchOf(await from));
    expect([refusalOf(put), put.body.task_id]).toEqual(["422 request-id-reused", id]);
    expect(refusalOf(await call("PUT", "/v1/agents", { body: { name: used }, headers: { requestId: used } }))).toBe(
      "422 request-id-reused",
    );
  });

  it("answers 410 when the task was removed, as its look-up and its cancel do", async () => {
    const [id, requestId] = [await canceledTask(), crypto.randomUUID()];
    await invoke(id, requestId);
    await call("DELETE", `/v1/batches/${id}`);
    expect(refusalOf(await invoke(id, requestId))).toBe("410 task-deleted");
    for (const answer of [await lookUp(requestId), await cancelRequest(requestId)])
      expect([refusalOf(answer), answer.body.task_id]).toEqual(["410 request-id-retired", id]);
    expect(refusalOf(await putBatch(requestId, batchOf(await from)))).toBe("410 request-id-retired");
  });

  it("lands before its deadline or not at all", async () => {
    const [id, requestId] = [await canceledTask(), crypto.randomUUID()];
    const [task] = await rows<any>("SELECT namespace_id, revision FROM tasks WHERE id = ?", id);
    const requestRow = await taskOfRequest(requestId);
    const claim = {
      id: requestRow,
      namespaceId: task.namespace_id,
      requestId,
      door: "invoke",
      fingerprint: "f",
      material: "{}",
      callId: "late",
      deadlineMs: 1,
      madeId: id,
      madeRun: 2,
    } as const;
    const late = { id, namespaceId: task.namespace_id, expectedRun: 1, revision: task.revision } as const;
    expect(await openNextRun(db, { ...late, from: "checkpoints", claim }, RING_MS)).toEqual({
      opened: undefined,
      request: undefined,
    });
    expect(await runOf(id)).toEqual([1, "canceled"]);
    expect(refusalOf(await lookUp(requestId))).toBe("404 request-not-found");
  });
});

describe("request-cancel of an invoke", () => {
  it("that is to come refuses it: 409, and no run is opened", async () => {
    const [id, requestId] = [await canceledTask(), crypto.randomUUID()];
    expect((await cancelRequest(requestId)).body).toMatchObject({ door: "cancel", made: [], task_id: null });
    for (let i = 0; i < 2; i++) expect(refusalOf(await invoke(id, requestId))).toBe("409 request-canceled");
    expect(await runOf(id)).toEqual([1, "canceled"]);
    expect((await lookUp(requestId)).body).toMatchObject({ door: "cancel", status: "canceled" });
  });

  it("that is under way refuses it, too", async () => {
    const [id, requestId] = [await canceledTask(), crypto.randomUUID()];
    const claim = holdBack(CLAIM, id);
    const answer = invoke(id, requestId);
    await claim.isHeld();
    expect((await cancelRequest(requestId)).body.status).toBe("canceled");
    claim.free();
    expect(refusalOf(await answer)).toBe("409 request-canceled");
    expect(await runOf(id)).toEqual([1, "canceled"]);
  });

  it("cancels the run that it opened", async () => {
    const [id, requestId] = [await canceledTask(), crypto.randomUUID()];
    await invoke(id, requestId);
    expect((await cancelRequest(requestId)).body).toMatchObject({ door: "invoke", task_id: id, status: "canceled" });
    expect(await runOf(id)).toEqual([2, "canceled"]);
    expect((await invoke(id, requestId)).body.status).toBe("canceled");
    expect(await runOf(id)).toEqual([2, "canceled"]);
  });

  it("that found the task open cancels nothing: it has opened no run", async () => {
    const requestId = crypto.randomUUID();
    const id = await silentTask(await from);
    await invoke(id, requestId);
    expect((await cancelRequest(requestId)).body.made).toEqual([]);
    expect(await runOf(id)).toEqual([1, "created"]);
  });

  it("cancels no later run", async () => {
    const [id, requestId] = [await canceledTask(), crypto.randomUUID()];
    await invoke(id, requestId);
    await cancel(id);
    await invoke(id, crypto.randomUUID());
    expect((await cancelRequest(requestId)).status).toBe(200);
    expect(await runOf(id)).toEqual([3, "created"]);
  });
});

describe("checkmate-task-invoke with a requestId, where D1 fails", () => {
  it("is done though D1 answered an error: the row is read back", async () => {
    const [id, requestId] = [await canceledTask(), crypto.randomUUID()];
    const failed = arm("fails-after", CLAIM_AND_RUN);
    expect([(await invoke(id, requestId)).status, failed.fired]).toEqual([202, 1]);
    expect((await invoke(id, requestId)).status).toBe(202);
    expect(await runOf(id)).toEqual([2, "created"]);
  });

  it.each(["fails-before", "fails-after"] as const)(
    "is in doubt until its deadline where the row cannot be read either, and the retry opens one run: %s",
    async (kind) => {
      const [id, requestId] = [await canceledTask(), crypto.randomUUID()];
      const write = arm(kind, CLAIM_AND_RUN);
      arm("fails-before", READ_BACK, 1, { after: write });
      const beforeMs = Date.now();
      const doubtful = await invoke(id, requestId);
      expect(refusalOf(doubtful)).toBe("503 creation-pending");
      expect(doubtful.body).toMatchObject({ request_id: requestId, retryable: true });
      expect(Date.parse(doubtful.body.doubt_until)).toBeGreaterThanOrEqual(beforeMs + 30_000);
      expect((await invoke(id, requestId)).status).toBe(202);
      expect(await runOf(id)).toEqual([2, "created"]);
    },
  );

  it("without a requestId answers 503, and the task is in one run or the other", async () => {
    const id = await canceledTask();
    arm("fails-after", CLAIM_AND_RUN);
    expect((await call("PATCH", `/v1/checkmate/tasks/${id}/invoke`)).status).toBe(503);
    expect((await call("PATCH", `/v1/checkmate/tasks/${id}/invoke`)).body.status).toBe("created");
    expect(await runOf(id)).toEqual([2, "created"]);
  });
});

describe("checkmate-task-invoke of a reserved id", () => {
  it("that nobody has filled is refused: there is nothing to run", async () => {
    const held = await reserved();
    const requestId = crypto.randomUUID();
    expect(refusalOf(await invoke(held.id, requestId))).toBe("409 task-unfilled");
    expect(await runOf(held.id)).toEqual([1, "unbound"]);
    expect(refusalOf(await lookUp(requestId))).toBe("404 request-not-found");
  });
});

describe("checkmate-task-invoke of a canceled requestId", () => {
  it("that nothing followed is refused: there is nothing to run", async () => {
    const requestId = crypto.randomUUID();
    await cancelRequest(requestId);
    const id = await taskOfRequest(requestId);
    expect(refusalOf(await invoke(id, crypto.randomUUID()))).toBe("409 task-unfilled");
    expect(await rows("SELECT 1 FROM tasks WHERE id = ?", id)).toEqual([]);
  });
});
