import type { Task, TaskHead } from "../../domain/tasks/task";
import type { CallContext } from "../context";
import { ServiceError } from "../errors/errors";
import { getTask } from "./tasks";

/**
 * Cancels the task if it is open, and removes it: claim and row become tombstones, so its request id never runs again
 * until they end. What it wrote stays.
 * @throws ServiceError `task-not-found`, `task-deleted`; `removal-pending` when it is not proven yet.
 */
export async function removeTask(ctx: CallContext, taskId: string): Promise<void> {
  const task = await getTask(ctx, taskId);
  const outcome = await ctx.requests.remove(headOf(task));
  if (outcome !== "removed") throw removalPending(taskId);
}

/** The 503 of a task whose claim is a tombstone, and whose row is not proven to be one. */
export function removalPending(taskId: string): ServiceError {
  const detail = "The task is being removed; it is not proven yet. Send the same call again to be sure.";
  return new ServiceError("unavailable", "removal-pending", detail, { extensions: { task_id: taskId } });
}

/** What a tombstone keeps: nothing that a client wrote. */
export function headOf(task: Task): TaskHead {
  const { id, namespaceId, requestId, keyId, type, operation, fingerprint, createdAtMs } = task;
  return { id, namespaceId, requestId, keyId, type, operation, fingerprint, createdAtMs };
}

/** The 410 of a request id whose task was removed, with the outcome where it is known. */
export function requestRetired(taskId: string, task: Task | undefined): ServiceError {
  const detail = "The task of this requestId was removed. The id will not run again; use a new one for a new request.";
  const outcome = task && { task_status: task.status, ended_at: isoOrNull(task.endedAtMs) };
  return new ServiceError("gone", "request-id-retired", detail, { extensions: { task_id: taskId, ...outcome } });
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
