import { errorText } from "../../domain/basics/error-text";
import * as items from "../../data/parts/item-store";
import { cancelTask as cancelStored } from "../../data/tasks/cancel-store";
import * as store from "../../data/tasks/task-store";
import { taskIdOf } from "../../domain/ids";
import type { Page, PageRequest } from "../../domain/page";
import { hasEnded, type ItemVerdict, type Task } from "../../domain/tasks/task";
import type { CallContext } from "../context";
import { notFound, ServiceError } from "../errors/errors";
import { announceEnd } from "./announce-end";

/** Longest time that a call waits for the end of a task. */
export const WAIT_SECONDS_MAX = 30;

/** @throws ServiceError `task-not-found`, or `task-deleted` for one that was removed. */
export async function getTask(ctx: CallContext, taskId: string): Promise<Task> {
  return presentTask(await store.findTask(ctx.db, ctx.namespaceId, taskId));
}

/** @throws ServiceError as above. */
export function presentTask(task: Task | undefined): Task {
  if (task === undefined) throw taskMissing();
  if (task.deletedAtMs !== null) throw taskRemoved();
  return task;
}

export function taskMissing(): ServiceError {
  return notFound("task");
}

export function taskRemoved(): ServiceError {
  return new ServiceError("gone", "task-deleted", "This task was removed.");
}

export function findTaskToShow(ctx: CallContext, taskId: string): Promise<Task | undefined> {
  return store.findTask(ctx.db, ctx.namespaceId, taskId);
}

/** What tasks are looked for by; with request ids, those that they made. */
export interface TaskSearch extends Omit<store.TaskFilter, "ids"> {
  readonly requestIds?: readonly string[] | undefined;
}

export async function listTasks(ctx: CallContext, search: TaskSearch, page: PageRequest): Promise<Page<Task>> {
  return store.listTasks(ctx.db, ctx.namespaceId, await filterOf(ctx, search), page);
}

export async function filterOf(
  { namespaceId }: CallContext,
  { requestIds, ...filter }: TaskSearch,
): Promise<store.TaskFilter> {
  if (requestIds === undefined) return filter;
  return { ...filter, ids: await Promise.all(requestIds.map((id) => taskIdOf(namespaceId, id.toLowerCase()))) };
}

/**
 * The task as it is at its end, or after the time. The object wakes the caller; D1 is read once more, not polled. With
 * the wait broken, the task is shown as it was.
 */
export async function waitForEnd(ctx: CallContext, task: Task, waitSeconds: number): Promise<Task> {
  if (hasEnded(task.status) || waitSeconds <= 0) return task;
  try {
    await ctx.requests.waitForEnd(task.id, Math.min(waitSeconds, WAIT_SECONDS_MAX) * 1_000);
    return (await findTaskToShow(ctx, task.id)) ?? task;
  } catch (error) {
    ctx.log("warn", "wait-broken", { task_id: task.id, error: errorText(error) });
    return task;
  }
}

/** Ends the task as canceled; one that has ended stays as it is. @throws ServiceError `task-not-found`. */
export async function cancelTask(ctx: CallContext, taskId: string): Promise<Task> {
  const task = presentTask(await cancelStored(ctx.db, ctx.namespaceId, taskId));
  // Also when an earlier call ended it: what it told may have been lost.
  await announceEnd(ctx, { ...task, hasWebhook: task.webhook !== null });
  return task;
}

/** @throws ServiceError `task-not-found`. */
export async function listItems(
  ctx: CallContext,
  taskId: string,
  filter: { readonly verdict: ItemVerdict | undefined; readonly afterPosition: number; readonly limit: number },
): Promise<items.ItemPage> {
  await getTask(ctx, taskId);
  return items.listItems(ctx.db, ctx.namespaceId, taskId, filter);
}
