import { errorText } from "../../domain/basics/error-text";
import * as items from "../../data/parts/item-store";
import { cancelTask as cancelStored } from "../../data/tasks/cancel-store";
import * as store from "../../data/tasks/task-store";
import { findRequest } from "../../data/requests/request-store";
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
  const task = await store.findTask(ctx.db, ctx.namespaceId, taskId);
  if (task === undefined) throw await whyMissing(ctx, taskId);
  return task;
}

/** Of a removed task its tombstone tells. */
async function whyMissing(ctx: CallContext, taskId: string): Promise<ServiceError> {
  const row = await findRequest(ctx.db, ctx.namespaceId, taskId);
  return row === undefined || row.retiredAtMs === null ? taskMissing() : taskRemoved();
}

export function taskMissing(): ServiceError {
  return notFound("task");
}

export function taskRemoved(): ServiceError {
  return new ServiceError("gone", "task-deleted", "This task was removed.");
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

/** The task as it is at its end, or after the time. With the wait broken, it is shown as it was. */
export async function waitForEnd(ctx: CallContext, task: Task, waitSeconds: number): Promise<Task> {
  if (hasEnded(task.status) || waitSeconds <= 0) return task;
  try {
    const of = { namespaceId: ctx.namespaceId, taskId: task.id };
    return (await ctx.requests.waitForEnd(of, Math.min(waitSeconds, WAIT_SECONDS_MAX) * 1_000)) ?? task;
  } catch (error) {
    ctx.log("warn", "wait-broken", { task_id: task.id, error: errorText(error) });
    return task;
  }
}

/** Each lost try means that an invoke came first. */
const CANCEL_TRIES_MAX = 5;

/**
 * Ends the present run of a task as canceled; one that has ended stays as it is. It names the run that it has read, so one
 * that lands late ends no later run.
 * @throws ServiceError `task-not-found`, `task-deleted`; `cancel-pending` when invokes always came first.
 */
export async function cancelTask(ctx: CallContext, taskId: string): Promise<Task> {
  for (let tries = 0; tries < CANCEL_TRIES_MAX; tries++) {
    const before = await getTask(ctx, taskId);
    const task = await cancelStored(ctx.db, ctx.namespaceId, before);
    // A reservation that is past its time is left as it is, and is no more.
    if (task?.status === "unbound") throw taskRemoved();
    if (task === undefined || task.run !== before.run) continue;
    // Also when an earlier call ended it: what it told may have been lost.
    await announceEnd(ctx, { ...task, hasWebhook: task.webhook !== null });
    return task;
  }
  const detail = "Other calls always came first. Send the same call again.";
  throw new ServiceError("unavailable", "cancel-pending", detail, { extensions: { task_id: taskId } });
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
