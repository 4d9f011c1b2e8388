import {
  createExecutionContext,
  createMessageBatch,
  evictDurableObject,
  getQueueResult,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { taskIdOf } from "../../src/domain/ids";
import { arm } from "./faults";
import { objectOf } from "./placement";
import { batchOf, putBatch, rows, type Scene } from "./scene";
import worker from "./worker";

/** The task that the admin's request id will make. */
export async function taskOfRequest(requestId: string): Promise<string> {
  const [namespace] = await rows<{ id: string }>("SELECT id FROM namespaces WHERE name = 'default'");
  return taskIdOf(namespace?.id ?? "", requestId);
}

/** The row of a request id as it stands in D1, with its texts. */
export async function requestRowOf(id: string): Promise<any> {
  const [row] = await rows("SELECT * FROM requests WHERE id = ?", id);
  return row;
}

/** The object of a task is lost, with all that it has in memory. */
export async function loseObject(taskId: string): Promise<void> {
  // Only one that is awake can be lost.
  await objectOf(taskId).ping();
  await evictDurableObject(objectOf(taskId));
}

/** All that an object keeps when it is lost: its alarm, its tables, its values. */
export function keptByObject(taskId: string) {
  return runInDurableObject(objectOf(taskId), async (_, { storage }) => ({
    alarm: await storage.getAlarm(),
    tables: storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT GLOB '_cf_*'").toArray(),
    values: [...(await storage.list()).keys()],
  }));
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
