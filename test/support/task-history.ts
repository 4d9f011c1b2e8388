import { env } from "cloudflare:workers";
import { openServices } from "../../src/runtime/composition";
import { call } from "./api";
import { silentTask } from "./requests-object";
import { rows, type Scene, scene } from "./scene";

let shared: Promise<Scene> | undefined;

/** A created task that nobody works on, of a scene that all tests of a file share. */
export async function quietTask(): Promise<string> {
  shared ??= scene(3);
  return silentTask(await shared);
}

/** Adds checkpoints to the history of a task until it has so many events. Nobody is told. */
export async function addEvents(taskId: string, upTo: number): Promise<void> {
  await rows(
    `WITH RECURSIVE numbers(n) AS (
       SELECT coalesce((SELECT max(sequence) FROM task_events WHERE task_id = ?1), 1) + 1
       UNION ALL SELECT n + 1 FROM numbers WHERE n < ?2)
     INSERT INTO task_events (task_id, sequence, namespace_id, kind, run, status, previous_status, done, failed, total, at_ms)
     SELECT id, n, namespace_id, iif(n = 2, 'status', 'progress'), 1, 'running', iif(n = 2, 'created', NULL), n - 2, 0,
       ?2, created_at_ms + n FROM numbers JOIN tasks ON tasks.id = ?1 WHERE n <= ?2`,
    taskId,
    upTo,
  );
}

/** A canceled task with so many events. */
export async function endedTask(events: number): Promise<string> {
  const id = await quietTask();
  await addEvents(id, events - 1);
  await cancel(id);
  return id;
}

/** What the history of a task holds, straight from D1. */
export async function storedSequences(taskId: string): Promise<readonly number[]> {
  const stored = await rows<{ sequence: number }>(
    "SELECT sequence FROM task_events WHERE task_id = ? ORDER BY sequence",
    taskId,
  );
  return stored.map(({ sequence }) => sequence);
}

export function tell(taskId: string): Promise<void> {
  return openServices(env).watchers.tell(taskId);
}

export function cancel(taskId: string) {
  return call("PATCH", `/v1/checkmate/tasks/${taskId}/cancel`);
}

/** Whole numbers from one to another. */
export function count(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}
