import { beforeEach, describe, expect, it } from "vitest";
import { call, until } from "../../support/api";
import { arm, type FaultKind, firedFaults, loggedCalls, resetFaults } from "../../support/faults";
import { batchOf, endOf, putBatch, reVoiced, rows, scene, taskOf } from "../../support/scene";

beforeEach(() => resetFaults());

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
    expect([canceled.status, canceled.body]).toEqual([200, { request_id: requestId, task_id: id, status: "canceled" }]);
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
    expect([canceled.status, canceled.body.status]).toEqual([200, "canceled"]);
    const late = await putBatch(requestId, batchOf(from));
    expect([late.status, late.body.status, late.body.state]).toEqual([201, "canceled", "killed"]);
    expect(late.body.id).toBe(canceled.body.task_id);
    const again = await putBatch(requestId, batchOf(from));
    expect([again.status, again.body.status]).toEqual([200, "canceled"]);
    expect((await putBatch(requestId, batchOf(from, { name: "x" }))).body.code).toBe("request-id-reused");
    expect(await reVoiced(late.body.id)).toEqual([]);
    expect(await rows("SELECT 1 FROM task_parts WHERE task_id = ?", late.body.id)).toEqual([]);
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
  ])("of a claimed task (%s: %s) answers 200 only when D1 has said so", async (kind) => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    arm("drops", "queue: sendBatch", 100);
    arm(kind, "INSERT INTO tasks");
    const created = putBatch(requestId, batchOf(from));
    await until(
      async () => firedFaults().length,
      (count) => count >= 1,
    );
    const canceled = await until(
      () => cancel(requestId),
      (answer) => answer.status !== 503,
    );
    expect([canceled.status, canceled.body.status]).toEqual([200, "canceled"]);
    await created;
    const { task_id } = canceled.body;
    expect((await taskOf(task_id)).status).toBe("canceled");
    expect(await reVoiced(task_id)).toEqual([]);
  });

  it("answers 503 while it is not proven, and carries it out though nobody asks again", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    arm("drops", "queue: sendBatch", 100);
    arm("fails-before", "INSERT INTO tasks", 3);
    const created = await putBatch(requestId, batchOf(from));
    expect(created.status).toBe(503);
    const refused = await cancel(requestId);
    expect([refused.status, refused.body.code]).toEqual([503, "cancel-pending"]);
    const task = await endOf(refused.body.task_id);
    expect(task.status).toBe("canceled");
    expect(await reVoiced(task.task_id)).toEqual([]);
  });

  it("of a removed task answers 410", async () => {
    const requestId = crypto.randomUUID();
    const { id } = (await putBatch(requestId, batchOf(await scene(1)))).body;
    await call("DELETE", `/v1/batches/${id}`);
    expect((await cancel(requestId)).body).toMatchObject({ status: 410, code: "request-id-retired" });
  });

  it("is told by a look at the id: nothing was accepted, and what comes is born canceled", async () => {
    const requestId = crypto.randomUUID();
    await cancel(requestId);
    const look = await call("GET", `/v1/requests/${requestId}`);
    expect(look.status).toBe(404);
    expect(look.body.detail).toContain("born canceled");
  });

  it("reads what it ended in the same transaction: a row that comes meanwhile is never told as open", async () => {
    const requestId = crypto.randomUUID();
    await endOf((await putBatch(requestId, batchOf(await scene(1)))).body.id);
    resetFaults();
    await cancel(requestId);
    const writes = loggedCalls().filter((label) => label.includes('update "tasks"'));
    expect(writes).toHaveLength(1);
    expect(writes[0]).toContain("json_array(");
  });

  it("does not ask the object for a task that D1 shows", async () => {
    const requestId = crypto.randomUUID();
    await endOf((await putBatch(requestId, batchOf(await scene(1)))).body.id);
    resetFaults();
    await cancel(requestId);
    expect(loggedCalls()).not.toContain("object: cancel");
  });
});

describe("request-get", () => {
  it("shows a request as canceled that was given up before it came, also while its row is not there yet", async () => {
    const requestId = crypto.randomUUID();
    const from = await scene(1);
    expect((await call("PATCH", `/v1/requests/${requestId}/cancel`)).body.status).toBe("canceled");
    arm("fails-before", "INSERT INTO tasks", 2);
    await putBatch(requestId, batchOf(from));
    const read = await call("GET", `/v1/requests/${requestId}`);
    expect([read.status, read.body.status]).toEqual([200, "canceled"]);
  });
});
