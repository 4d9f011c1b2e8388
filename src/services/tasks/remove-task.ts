import { errorText } from "../../domain/basics/error-text";
import { within } from "../../domain/basics/time-limit";
import type { Operation } from "../../domain/tasks/operations";
import { type RemovalCondition, removeTask as removeStored, type TaskToRemove } from "../../data/tasks/removal-store";
import type { CallContext, Services } from "../context";
import { ServiceError } from "../errors/errors";
import { announceEnd } from "./announce-end";
import { filesOfTask } from "./task-files";
import { getTask } from "./tasks";

/** Each lost try means that an invoke came first. */
const TRIES_MAX = 5;

/**
 * Cancels the task if it is open, and removes it: its request becomes a tombstone, so the id never runs again until that
 * ends. What the task wrote stays.
 * @throws ServiceError `task-not-found`, `task-deleted`; `removal-pending` when others always came first.
 */
export async function removeTask(ctx: CallContext, taskId: string): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const task = await getTask(ctx, taskId);
    if (await retireTask(ctx, task, { kind: "any" })) return;
  }
  const detail = "Other calls of this task always came first. Send the same call again.";
  throw new ServiceError("unavailable", "removal-pending", detail, { extensions: { task_id: taskId } });
}

const FILES_WITHIN_MS = 2_000;

/**
 * Turns the request of a task into a tombstone, if the task is still as the condition says, and removes what hangs on the
 * task as far as one page goes: the sweeper does the rest.
 * @returns whether it is a tombstone now, by this call.
 */
export async function retireTask(
  services: Services,
  task: TaskToRemove,
  condition: RemovalCondition,
): Promise<boolean> {
  const removed = await removeStored(services.db, task, condition);
  if (removed === undefined) return false;
  // Of an end that is long past nobody is to be told; of a message that was never sent somebody is.
  if (condition.kind !== "ended" || removed.hasWaitingDelivery)
    await announceEnd(services, { ...removed, id: task.id, hasWebhook: removed.hasWaitingDelivery });
  if (task.operation !== null && HAS_FILES[task.operation]) await removeFiles(services, task.id);
  return true;
}

/** What is left behind ends with the bucket's own rule. */
async function removeFiles({ files, log }: Services, taskId: string): Promise<void> {
  await within(FILES_WITHIN_MS, files.removeAll(filesOfTask(taskId))).catch((error: unknown) =>
    log("warn", "files-not-removed", { task_id: taskId, error: errorText(error) }),
  );
}

const HAS_FILES = {
  "re-voice": false,
  export: true,
  import: true,
  analyze: false,
  rebuild: false,
} satisfies Record<Operation, boolean>;
