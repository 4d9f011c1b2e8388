import { env } from "cloudflare:workers";
import { createExecutionContext, createMessageBatch, getQueueResult, runInDurableObject } from "cloudflare:test";
import { type Answer, call } from "./api";
import { objectOf } from "./placement";
import { rows } from "./scene";
import { sweepOnce } from "./sweeper";
import worker from "./worker";

/** A reserved id, and what fills it. */
export interface Held {
  readonly id: string;
  readonly putKey: string;
  readonly requestId: string;
  readonly expiresAt: string;
}

export function reserve(requestId: string, headers: Record<string, string> = {}): Promise<Answer> {
  return call("POST", "/v1/batches/id", { headers: { requestId, ...headers } });
}

export async function reserved(requestId: string = crypto.randomUUID()): Promise<Held> {
  const { status, body } = await reserve(requestId);
  if (status !== 201) throw new Error(`POST /v1/batches/id: ${status} ${JSON.stringify(body)}`);
  return { id: body.id, putKey: body.put_key, requestId, expiresAt: body.expires_at };
}

export function fill(
  { id, putKey }: Pick<Held, "id" | "putKey">,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return call("PUT", `/v1/batches/${id}`, { body, headers: { putKey, ...headers } });
}

/** The row of a task as it stands in D1, with its texts. */
export async function rowOf(taskId: string): Promise<any> {
  const [row] = await rows("SELECT * FROM tasks WHERE id = ?", taskId);
  return row;
}

/** Whether the id counts against the limit of its namespace. */
export async function isHeld(taskId: string): Promise<boolean> {
  return (await rows("SELECT 1 FROM held_ids WHERE task_id = ?", taskId)).length > 0;
}

/** What the requests object keeps of a task. */
export function recordOf(taskId: string): Promise<any> {
  return runInDurableObject(objectOf(taskId), (_, state) =>
    state.storage.sql.exec("SELECT * FROM claims WHERE task_id = ?", taskId).toArray().at(0),
  );
}

/** The object of the task forgets everything, as after the loss of its storage. */
export async function loseObject(taskId: string): Promise<void> {
  await runInDurableObject(objectOf(taskId), (_, state) => state.storage.deleteAll());
}

/** Hands one bell of the task to the consumer, as the queue does. @returns what it said of it. */
export async function ringBell(taskId: string) {
  const body = { v: 1, task_id: taskId };
  const batch = createMessageBatch("refrain-task-bells", [{ id: "m", timestamp: new Date(), attempts: 1, body }]);
  const ctx = createExecutionContext();
  await worker.queue(batch, env);
  return getQueueResult(batch, ctx);
}

/** Lets the sweeper come by when the task is due. */
export async function sweepOver(taskId: string): Promise<void> {
  await rows("UPDATE tasks SET ring_at_ms = 0 WHERE id = ?", taskId);
  await sweepOnce();
}
