import { beforeEach, describe, expect, it } from "vitest";
import { call, until } from "../../support/api";
import { arm, resetFaults } from "../../support/faults";
import { objectOf } from "../../support/placement";
import { bellOf, loseObject } from "../../support/requests-object";
import { batchOf, endOf, onceEach, putBatch, reVoiced, rows, type Scene, scene, taskOf } from "../../support/scene";
import { sweptEndOf } from "../../support/sweeper";

beforeEach(() => resetFaults());

const invoke = (id: string, headers: Record<string, string> = {}) =>
  call("PATCH", `/v1/checkmate/tasks/${id}/invoke`, { headers });

async function canceledInMidRun(from: Scene, requestId = crypto.randomUUID()): Promise<string> {
  const { id } = (await putBatch(requestId, batchOf(from))).body;
  await until(
    () => taskOf(id),
    (task) => task.progress.done > 0,
  );
  expect((await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`)).body.status).toBe("canceled");
  return id;
}

describe("checkmate-task-invoke", () => {
  it("goes on from the checkpoints of a canceled task, and makes each memory once", async () => {
    const from = await scene(400);
    const id = await canceledInMidRun(from);
    const before = await reVoiced(id);
    const answer = await invoke(id);
    expect([answer.status, Object.keys(answer.body).toSorted()]).toEqual([202, ["links", "status", "task_id"]]);
    const task = await endOf(id, 60_000);
    expect(await onceEach(from, task)).toBe(true);
    const after = new Set((await reVoiced(id)).map((memory) => JSON.stringify(memory)));
    expect(before.every((memory) => after.has(JSON.stringify(memory)))).toBe(true);
    expect(await rows("SELECT run, attempts FROM tasks WHERE id = ?", id)).toEqual([{ run: 2, attempts: 1 }]);
  });

  it("begins a task that was canceled before it began", async () => {
    const from = await scene(2);
    arm("drops", "queue: sendBatch", 1);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    await invoke(id);
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("tries again what had failed, once the cause is gone", async () => {
    const from = await scene(2);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    await endOf(id);
    const [source] = await rows("SELECT source_memory_id FROM task_items WHERE task_id = ? AND position = 0", id);
    const item = "UPDATE task_items SET verdict = 'failed', result_memory_id = NULL WHERE task_id = ? AND position = 0";
    await rows(item, id);
    await rows("DELETE FROM memories WHERE task_id = ? AND source_memory_id = ?", id, source?.["source_memory_id"]);
    await rows("UPDATE task_parts SET failed = 1, re_voiced = 1 WHERE task_id = ?", id);
    await rows(
      "UPDATE collections SET memory_count = 1 WHERE id = (SELECT json_extract(command, '$.target.collectionId') FROM tasks WHERE id = ?)",
      id,
    );
    await rows("UPDATE tasks SET status = 'error', error = '{}' WHERE id = ?", id);
    await invoke(id);
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("leaves an open task unchanged, and refuses a complete one", async () => {
    const from = await scene(1);
    arm("drops", "queue: sendBatch", 100);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    const open = await invoke(id);
    expect([open.status, open.body.status]).toEqual([202, "created"]);
    resetFaults();
    await bellOf(id);
    const refused = await invoke(id);
    expect([refused.status, refused.body.code]).toEqual([409, "task-complete"]);
    expect(await rows("SELECT run FROM tasks WHERE id = ?", id)).toEqual([{ run: 1 }]);
  });

  it("opens one run for ten calls at once with the same requestId, and for a repeat after that run", async () => {
    const from = await scene(2);
    arm("drops", "queue: sendBatch", 1_000);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    const requestId = crypto.randomUUID();
    const answers = await Promise.all(Array.from({ length: 10 }, () => invoke(id, { requestId })));
    expect(answers.every((answer) => answer.status === 202)).toBe(true);
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    expect((await invoke(id, { requestId })).body.status).toBe("canceled");
    expect(await rows("SELECT run FROM tasks WHERE id = ?", id)).toEqual([{ run: 2 }]);
  });

  it("knows its requestId though another invoke came between", async () => {
    const from = await scene(2);
    arm("drops", "queue: sendBatch", 1_000);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    const cancel = () => call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    await cancel();
    const requestId = crypto.randomUUID();
    await invoke(id, { requestId });
    await cancel();
    await invoke(id);
    await cancel();
    await invoke(id, { requestId });
    expect(await rows("SELECT run, status FROM tasks WHERE id = ?", id)).toEqual([{ run: 3, status: "canceled" }]);
  });

  it("answers a repeat with 202 though its run is complete by then, and refuses a new one", async () => {
    const from = await scene(2);
    arm("drops", "queue: sendBatch", 1);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    const requestId = crypto.randomUUID();
    await invoke(id, { requestId });
    await endOf(id);
    const repeat = await invoke(id, { requestId });
    expect([repeat.status, repeat.body.status]).toEqual([202, "complete"]);
    expect((await invoke(id, { requestId: crypto.randomUUID() })).body.code).toBe("task-complete");
    expect(await rows("SELECT run FROM tasks WHERE id = ?", id)).toEqual([{ run: 2 }]);
  });

  it("opens the run though the object is lost", async () => {
    const from = await scene(2);
    arm("drops", "queue: sendBatch", 1);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    await loseObject(id);
    expect((await invoke(id)).status).toBe(202);
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("honours If-Match with the task's ETag, which counts the runs", async () => {
    const from = await scene(1);
    arm("drops", "queue: sendBatch", 1_000);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    const etag = (await call("GET", `/v1/checkmate/tasks/${id}`)).headers.get("etag") ?? "";
    expect(etag).toBe('"1"');
    expect((await invoke(id, { "If-Match": etag })).status).toBe(202);
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    const stale = await invoke(id, { "If-Match": etag });
    expect([stale.status, stale.body.code]).toEqual([412, "version-changed"]);
  });

  it("is not ended by late news of the run before it", async () => {
    const from = await scene(2);
    arm("drops", "queue: sendBatch", 1_000);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    await invoke(id);
    await objectOf(id).ended(id);
    resetFaults();
    await bellOf(id);
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("carries the new run on though its bell is lost", async () => {
    const from = await scene(2);
    arm("drops", "queue: sendBatch", 2);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    await invoke(id);
    resetFaults();
    expect(await onceEach(from, await sweptEndOf(id))).toBe(true);
  });

  it("replays the task in its new run for the request id that made it", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    arm("drops", "queue: sendBatch", 1);
    const { id } = (await putBatch(requestId, batchOf(from))).body;
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    await invoke(id);
    await endOf(id);
    expect((await putBatch(requestId, batchOf(from))).body).toMatchObject({ id, status: "complete" });
  });
});
