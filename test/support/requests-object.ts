import { createExecutionContext, createMessageBatch, getQueueResult, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { taskIdOf } from "../../src/domain/ids";
import { until } from "./api";
import { arm } from "./faults";
import { objectOf } from "./placement";
import { batchOf, putBatch, rows, type Scene } from "./scene";
import worker from "./worker";

/** The task that the admin's request id will make. */
export async function taskOfRequest(requestId: string): Promise<string> {
  const [namespace] = await rows<{ id: string }>("SELECT id FROM namespaces WHERE name = 'default'");
  return taskIdOf(namespace?.id ?? "", requestId);
}

export function alarmOf(taskId: string): Promise<number | null> {
  return runInDurableObject(objectOf(taskId), (_, state) => state.storage.getAlarm());
}

const OF_TASK = "SELECT * FROM claims WHERE task_id = ?";

/** What an object has in its storage of a claim. */
export function claimsOf(taskId: string): Promise<Record<string, unknown>[]> {
  return runInDurableObject(objectOf(taskId), (_, { storage: { sql } }) => {
    const known = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'claims'").toArray().length > 0;
    return known ? sql.exec<Record<string, SqlStorageValue>>(OF_TASK, taskId).toArray() : [];
  });
}

/** Waits until the object knows that the task has ended: the consumer tells it after the end. */
export async function knownToHaveEnded(taskId: string): Promise<void> {
  await until(
    () => claimsOf(taskId),
    ([claim]) => claim?.["ended"] === 1,
  );
}

/** A created task that nobody works on: its bells are lost until the faults are reset. */
export async function silentTask(from: Scene, requestId = crypto.randomUUID()): Promise<string> {
  arm("drops", "queue: sendBatch", 1_000);
  return (await putBatch(requestId, batchOf(from))).body.id;
}

/** Hands bells to the consumer as the queue does. @returns what it said of them. */
export async function consume(queue: string, bodies: readonly unknown[]) {
  const messages = bodies.map((body, i) => ({ id: `m${i}`, timestamp: new Date(), attempts: 1, body }));
  const batch = createMessageBatch(queue, messages);
  const ctx = createExecutionContext();
  await worker.queue(batch, env);
  return getQueueResult(batch, ctx);
}

/** The bell of a task, answered at once. */
export const bellOf = (taskId: string) => consume("refrain-task-bells", [{ v: 1, task_id: taskId }]);
