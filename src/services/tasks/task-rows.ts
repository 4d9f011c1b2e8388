import { errorText } from "../../domain/basics/error-text";
import { findTasks } from "../../data/tasks/reference-store";
import { findPulses, type TaskPulse } from "../../data/parts/part-store";
import { purgeTask, removeTask } from "../../data/tasks/removal-store";
import { openNextRun, type RunToOpen } from "../../data/tasks/run-store";
import { insertTasks, type StandingRow, type TaskEntry } from "../../data/tasks/insert-store";
import { cancelTask } from "../../data/tasks/cancel-store";
import { hasEnded, type NewTask, type Task, type TaskHead } from "../../domain/tasks/task";
import type { Operation } from "../../domain/tasks/operations";
import { within } from "../../domain/basics/time-limit";
import type { Services } from "../context";
import { filesOfTask } from "./task-files";
import { announceEndFromObject, type RunEnd } from "./announce-end";

/** What a look at a task found. */
export type TaskSight =
  | { readonly kind: "missing" }
  | { readonly kind: "ended"; readonly end: RunEnd }
  /** A reserved id that nobody has filled. */
  | { readonly kind: "unfilled" }
  /** Someone works on it. */
  | { readonly kind: "busy"; readonly run: number }
  /** There is work, and nobody works on it; so many parts could be taken. */
  | { readonly kind: "still"; readonly run: number; readonly waiting: number };

/** Looks at several tasks in one round trip. @returns for each, in its place. */
export async function lookAtTasks(services: Services, taskIds: readonly string[]): Promise<readonly TaskSight[]> {
  const pulses = await findPulses(services.db, taskIds);
  return taskIds.map((taskId) => sightOf(taskId, pulses.get(taskId)));
}

function sightOf(id: string, pulse: TaskPulse | undefined): TaskSight {
  if (pulse === undefined) return { kind: "missing" };
  const { run, waiting } = pulse;
  if (hasEnded(pulse.status)) return { kind: "ended", end: { ...pulse, id, hasWebhook: pulse.hasWebhook === 1 } };
  if (pulse.status === "unbound") return { kind: "unfilled" };
  return pulse.working > 0 ? { kind: "busy", run } : { kind: "still", run, waiting };
}

/** The rows of tasks, by id, as a client sees them. */
export function readTasks(
  services: Services,
  wanted: readonly { readonly namespaceId: string; readonly taskId: string }[],
): Promise<ReadonlyMap<string, Task>> {
  return findTasks(services.db, wanted);
}

/** Writes the rows of claimed tasks, or finds them, in one transaction: repeatable. */
export function recordTasks(services: Services, entries: readonly TaskEntry[]): Promise<readonly StandingRow[]> {
  return insertTasks(services.db, entries, services.limits.ringSeconds * 1_000);
}

/**
 * Ends the row of a task as canceled, whatever became of its insert; a later run is spared.
 * @returns the end, to be announced.
 */
export async function cancelRecordedTask(services: Services, task: NewTask, run: number): Promise<RunEnd> {
  const now = await cancelTask(services.db, task.namespaceId, task.id, run);
  return { id: task.id, run, watchedUntilMs: now?.watchedUntilMs ?? null, hasWebhook: task.webhook !== null };
}

/** An own time limit: what is left behind ends with the bucket's own rule. */
const FILES_WITHIN_MS = 2_000;

/** Makes the row a tombstone, whether it is there yet or not, and removes the files of the task as far as they go. */
export async function buryTask(services: Services, head: TaskHead): Promise<void> {
  const removed = await removeTask(services.db, head);
  // The row names no webhook any more. What was told of before is told of no more.
  await announceEndFromObject(services, { ...removed, id: head.id, hasWebhook: removed.hasWaitingDelivery });
  if (head.operation === null || !HAS_FILES[head.operation]) return;
  await within(FILES_WITHIN_MS, services.files.removeAll(filesOfTask(head.id))).catch((error: unknown) => {
    services.log("warn", "files-not-removed", { task_id: head.id, error: errorText(error) });
  });
}

const HAS_FILES = {
  "re-voice": false,
  export: true,
  import: true,
  analyze: false,
  rebuild: false,
} satisfies Record<Operation, boolean>;

export function forgetTask(services: Services, head: TaskHead): Promise<void> {
  return purgeTask(services.db, head.namespaceId, head.id);
}

/** @returns the number of the run that was opened, or undefined when the task is not at the end of that run. */
export function openRun(services: Services, task: RunToOpen): Promise<number | undefined> {
  return openNextRun(services.db, task, services.limits.ringSeconds * 1_000);
}

/** Rings once for each part that could be taken, and once for a task without a plan. A bell too many does no harm. */
export function ringForTask(services: Services, taskId: string, waiting = 1): Promise<void> {
  const times = Math.max(1, Math.min(waiting, services.limits.parallelParts));
  return services.bells.ring(taskId, { times, delaySeconds: 0 });
}

/** Rings once for each of several new tasks, in one call. */
export function ringForNewTasks(services: Services, taskIds: readonly string[]): Promise<void> {
  return services.bells.ringOnce(taskIds);
}
