import { beforeEach, describe, expect, it } from "vitest";
import { call, until } from "../../support/api";
import { arm, type FaultKind, firedFaults, loggedCalls, resetFaults } from "../../support/faults";
import { taskOfRequest } from "../../support/requests-object";
import { batchOf, endOf, putBatch, reVoiced, rows, scene, taskOf } from "../../support/scene";

beforeEach(() => resetFaults());

const INSERT = "INSERT INTO tasks";
const BAR = "INSERT INTO requests (id, namespace_id, request_id, door, call_id, canceled";

const cancel = (requestId: string) => call("PATCH", `/v1/requests/${requestId}/cancel`);

describe("request-cancel", () => {
  it("cancels a task that runs", async () => {
    const from = await scene(600);
    const requestId = crypto.randomUUID();
    const { id } = (await putBatch(requestId, batchOf(from))).body;
    await until(
      () => taskOf(id),
      (task) => task.progress.done > 0,
    );
    const canceled = await cancel(requestId);
    expect(canceled.status).toBe(200);
    expect(canceled.body).toMatchObject({ request_id: requestId, door: "task", task_id: id, status: "canceled" });
    expect(canceled.body).toEqual((await call("GET", `/v1/requests/${requestId}`)).body);
    const made = (await reVoiced(id)).length;
    await endOf((await putBatch(crypto.randomUUID(), batchOf(await scene(30)))).body.id);
    expect(await reVoiced(id)).toHaveLength(made);
  });

  it("leaves a task that has ended as it is, and says how it ended", async () => {
    const requestId = crypto.randomUUID();
    const { id } = (await putBatch(requestId, batchOf(await scene(1)))).body;
    const ended = await endOf(id);
    expect((await cancel(requestId)).body.status).toBe("complete");
    expect(await taskOf(id)).toEqual(ended);
  });

  it("before the creation came makes it be born canceled: 201, and nothing runs", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const canceled = await cancel(requestId);
    const bar = { door: "cancel", status: "canceled", made: [], task_id: null };
    expect([canceled.status, canceled.body]).toMatchObject([200, bar]);
    expect((await call("GET", `/v1/requests/${requestId}`)).body).toEqual(canceled.body);
    const late = await putBatch(requestId, batchOf(from));
    expect([late.status, late.body.status, late.body.state]).toEqual([201, "canceled", "killed"]);
    expect(late.body.id).toBe(await taskOfRequest(requestId));
    const again = await putBatch(requestId, batchOf(from));
    expect([again.status, again.body.status]).toEqual([200, "canceled"]);
    expect((await putBatch(requestId, batchOf(from, { name: "x" }))).body.code).toBe("request-id-reused");
    expect(await reVoiced(late.body.id)).toEqual([]);
    expect(await rows("SELECT 1 FROM task_parts WHERE task_id = ?", late.body.id)).toEqual([]);
  });

  it("before the creation came is one event of the task: its end", async () => {
    const requestId = crypto.randomUUID();
    await cancel(requestId);
    const { id } = (await putBatch(requestId, batchOf(await scene(1)))).body;
    const { items } = (await call("GET", `/v1/checkmate/tasks/${id}/events`)).body;
    expect(items).toMatchObject([{ sequence: 1, type: "end", status: "canceled" }]);
  });

  it("before the creation came is not used up by a refused one", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    await cancel(requestId);
    expect((await putBatch(requestId, batchOf(from, { colour: "red" }))).status).toBe(422);
    expect((await putBatch(requestId, batchOf(from))).body.status).toBe("canceled");
  });

  it("may be sent again and again", async () => {
    const requestId = crypto.randomUUID();
    const answers = await Promise.all(Array.from({ length: 10 }, () => cancel(requestId)));
    expect(answers.every((answer) => answer.status === 200 && answer.body.status === "canceled")).toBe(true);
  });

  it("while the PUT is under way: whoever wins, the task ends canceled and nothing runs after the 200", async () => {
    const from = await scene(30);
    for (let round = 0; round < 10; round++) {
      const requestId = crypto.randomUUID();
      const [created, canceled] = await Promise.all([putBatch(requestId, batchOf(from)), cancel(requestId)]);
      expect([created.status, canceled.status]).toEqual([201, 200]);
      const task = await endOf(created.body.id);
      expect(task.status).toBe("canceled");
    }
  });

  it.each<[FaultKind, string]>([
    ["fails-before", "its row was not written"],
    ["fails-after", "its row was written, but answered an error"],
    ["hangs", "its row hangs"],
  ])("while the PUT meets a fault (%s: %s): after the 200 nothing runs, and what comes is canceled", async (kind) => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    arm("drops", "queue: sendBatch", 100);
    arm(kind, INSERT);
    const created = putBatch(requestId, batchOf(from));
    await until(
      async () => firedFaults().length,
      (count) => count >= 1,
    );
    const canceled = await cancel(requestId);
    expect([canceled.status, canceled.body.status]).toEqual([200, "canceled"]);
    await created;
    const again = await putBatch(requestId, batchOf(from));
    expect(again.body).toMatchObject({ status: "canceled", id: await taskOfRequest(requestId) });
    expect(await reVoiced(again.body.id)).toEqual([]);
  });

  it.each<[FaultKind, string, number]>([
    ["fails-before", "the bar was not written", 0],
    ["fails-after", "the bar was written, but D1 answered an error", 1],
  ])("is not acknowledged before D1 said so (%s: %s), and is when it is sent again", async (kind, _, count) => {
    const requestId = crypto.randomUUID();
    const lost = arm(kind, BAR);
    expect((await cancel(requestId)).status).toBe(503);
    expect(lost.fired).toBe(1);
    expect(await rows("SELECT 1 FROM requests WHERE request_id = ?", requestId)).toHaveLength(count);
    expect((await cancel(requestId)).body.status).toBe("canceled");
  });

  it("is not acknowledged while the end of its task is not written", async () => {
    const requestId = crypto.randomUUID();
    arm("drops", "queue: sendBatch", 100);
    const { id } = (await putBatch(requestId, batchOf(await scene(1)))).body;
    arm("fails-before", 'update "tasks"');
    expect((await cancel(requestId)).status).toBe(503);
    expect((await taskOf(id)).status).toBe("created");
    expect((await cancel(requestId)).body.status).toBe("canceled");
  });

  it("of a removed task answers 410", async () => {
    const requestId = crypto.randomUUID();
    const { id } = (await putBatch(requestId, batchOf(await scene(1)))).body;
    await call("DELETE", `/v1/batches/${id}`);
    expect((await cancel(requestId)).body).toMatchObject({ status: 410, code: "request-id-retired" });
  });

  it("reads what it ended in the same transaction: a row that comes meanwhile is never told as open", async () => {
    const requestId = crypto.randomUUID();
    await endOf((await putBatch(requestId, batchOf(await scene(1)))).body.id);
    resetFaults();
    await cancel(requestId);
    const writes = loggedCalls().filter((label) => label.includes('update "tasks"'));
    expect(writes).toHaveLength(1);
    expect(writes[0]).toMatch(/update "tasks"[^;]*;[^;]*;\s*select /);
  });

  it("asks no object: it tells it of the end", async () => {
    const requestId = crypto.randomUUID();
    arm("drops", "queue: sendBatch", 100);
    await putBatch(requestId, batchOf(await scene(1)));
    resetFaults();
    await cancel(requestId);
    expect(loggedCalls().filter((label) => label.startsWith("object: "))).toEqual(["object: ended"]);
  });
});
