import {
  cancelTasks as cancelStored,
  findBeforeCancel,
  findRemoved,
  findOpenTaskIds,
  type TaskBefore,
} from "../../data/tasks/cancel-store";
import { ID_CHARACTERS_MAX } from "../../domain/ids";
import { CANCELABLE_STATUSES, type TaskStatus } from "../../domain/tasks/task";
import type { CallContext } from "../context";
import { filterOf, type TaskSearch } from "./tasks";
import { announceEnds } from "./announce-end";

/** Tasks that one call cancels. */
export const CANCELED_PER_CALL_MAX = 10_000;
/** So many a search cancels where the caller names no number. */
export const CANCELED_BY_SEARCH_DEFAULT = 100;

export interface CancelManyInput {
  /** Those that are named, or the open ones of a search, oldest first. */
  readonly which: { readonly taskIds: readonly string[] } | { readonly search: TaskSearch };
  /** Change nothing: only say what would be. */
  readonly dryRun: boolean;
  /** How many are taken at most; undefined where the caller names no number. */
  readonly maxResults: number | undefined;
}

export interface CanceledMany {
  /** With their status after the call. */
  readonly done: readonly { readonly taskId: string; readonly status: TaskStatus }[];
  readonly skipped: readonly SkippedTask[];
  /** How many tasks were left out for `maxResults`. */
  readonly remaining: number;
}

export interface SkippedTask {
  readonly taskId: string;
  /** Null where it was not looked at, or there is none. */
  readonly status: TaskStatus | null;
  readonly reason: "ended" | "removed" | "not-found" | "over-limit";
}

/**
 * Cancels many tasks in one transaction, each with a verdict; an id that stands twice has one. It may be sent again at
 * any time: what it ended is then `ended`. Once it has answered, nothing is written any more for what is canceled.
 */
export async function cancelTasks(ctx: CallContext, input: CancelManyInput): Promise<CanceledMany> {
  const { db, namespaceId } = ctx;
  const { taskIds, over, remaining } = await choose(ctx, input);
  const known = taskIds.filter((id) => id.length <= ID_CHARACTERS_MAX);
  const read = await findBeforeCancel(db, namespaceId, known);
  // Each names the run that was read: one that was opened since is not this call's.
  const found = input.dryRun ? read : await cancelStored(db, namespaceId, read);
  const open = new Map(found.filter(isOpen).map((task) => [task.id, task]));
  const others = new Map(found.filter((task) => !isOpen(task)).map((task) => [task.id, task]));
  if (!input.dryRun) await announceEnds(ctx, mostUrgentFirst(ctx, [...open.values()]));
  const done = taskIds.flatMap((taskId) => {
    const task = open.get(taskId);
    return task === undefined ? [] : [{ taskId, status: input.dryRun ? task.status : CANCELED }];
  });
  const missing = known.filter((id) => !open.has(id) && !others.has(id));
  const removed = missing.length === 0 ? undefined : await findRemoved(db, namespaceId, missing);
  const skipped = taskIds.filter((id) => !open.has(id)).map((id) => skippedOf(id, others.get(id), removed?.get(id)));
  return { done, skipped: [...skipped, ...over.map(leftOut)], remaining };
}

const CANCELED = "canceled" satisfies TaskStatus;

interface Chosen {
  /** Each once. */
  readonly taskIds: readonly string[];
  /** Those that were named beyond the number. */
  readonly over: readonly string[];
  readonly remaining: number;
}

async function choose(ctx: CallContext, { which, maxResults }: CancelManyInput): Promise<Chosen> {
  if ("taskIds" in which) {
    const named = [...new Set(which.taskIds)];
    const over = named.slice(maxResults ?? CANCELED_PER_CALL_MAX);
    return { taskIds: named.slice(0, named.length - over.length), over, remaining: over.length };
  }
  const limit = maxResults ?? CANCELED_BY_SEARCH_DEFAULT;
  const { ids, matched } = await findOpenTaskIds(ctx.db, ctx.namespaceId, await filterOf(ctx, which.search), limit);
  return { taskIds: ids, over: [], remaining: matched - ids.length };
}

function isOpen({ status }: TaskBefore): boolean {
  return CANCELABLE_STATUSES.includes(status);
}

/** @param removed how a task ended that was removed; undefined where none was. */
function skippedOf(taskId: string, task: TaskBefore | undefined, removed: TaskStatus | null | undefined): SkippedTask {
  if (task !== undefined) return { taskId, status: task.status, reason: "ended" };
  if (removed !== undefined) return { taskId, status: removed, reason: "removed" };
  return { taskId, status: null, reason: "not-found" };
}

function leftOut(taskId: string): SkippedTask {
  return { taskId, status: null, reason: "over-limit" };
}

/** Those whose end is told first: what somebody watches, then what may be filled meanwhile, then what is at work. */
function mostUrgentFirst(ctx: CallContext, canceled: readonly TaskBefore[]): readonly TaskBefore[] {
  const nowMs = ctx.clock.nowMs();
  const urgency = ({ status, watchedUntilMs }: TaskBefore) =>
    (watchedUntilMs ?? 0) > nowMs ? 0 : status === "unbound" ? 1 : status === "created" ? 3 : 2;
  return canceled.toSorted((a, b) => urgency(a) - urgency(b));
}
