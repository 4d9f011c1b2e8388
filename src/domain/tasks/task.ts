import type { Metadata } from "../metadata";
import type { Operation, TaskCommand, TaskResult } from "./operations";
import type { TaskWebhook } from "./task-end";

/** CheckMate's words. `unbound` is a reserved id that nobody has filled yet. */
export const TASK_STATUSES = ["unbound", "created", "running", "retry", "complete", "canceled", "error"] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

export const TASK_TYPES = ["batch", "interactive"] as const;
export type TaskType = (typeof TASK_TYPES)[number];

/** The end states absorb: within a run nothing leaves them. */
export const END_STATUSES: readonly TaskStatus[] = ["complete", "canceled", "error"];
export const CANCELABLE_STATUSES: readonly TaskStatus[] = ["unbound", "created", "running", "retry"];

export function hasEnded(status: TaskStatus): boolean {
  return END_STATUSES.includes(status);
}

/** Work is cut into parts of so many memories: a part ends within seconds, so that tasks take turns. */
export const PART_MEMORIES = 25;
/** Runs of a part in a row without a checkpoint, after which its task ends as `error`. */
export const PART_ATTEMPTS_MAX = 8;

/** Where a next run begins: it does all that is left, or no more than what failed in a task that has nothing else left. */
export type RunFrom = "checkpoints" | "failed";

export const ITEM_VERDICTS = ["re_voiced", "flagged", "skipped", "failed"] as const;
/** `flagged` is re-voiced too, but the fact guard found something lost or added. */
export type ItemVerdict = (typeof ITEM_VERDICTS)[number];

export interface TaskProgress {
  /** What ended well: memories, or lines of a file. */
  readonly done: number;
  readonly failed: number;
  /** Null until the run has fixed what it will do. */
  readonly total: number | null;
}

export interface TaskUsage {
  readonly modelCalls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export const NO_USAGE: TaskUsage = { modelCalls: 0, inputTokens: 0, outputTokens: 0 };

export interface TaskError {
  /** Stable kebab-case code. */
  readonly code: string;
  readonly detail: string;
}

/**
 * What the row of a task is inserted with, or a reservation filled. A reservation that nobody has filled has neither
 * operation nor command. Its times are the database's.
 */
export interface NewTask {
  readonly id: string;
  readonly namespaceId: string;
  readonly requestId: string;
  readonly keyId: string;
  readonly type: TaskType;
  readonly operation: Operation | null;
  readonly name: string | null;
  readonly tags: readonly string[];
  readonly memo: string | null;
  readonly metadata: Metadata;
  readonly command: TaskCommand | null;
  /** Who wants to hear of its end. */
  readonly webhook: TaskWebhook | null;
}

export interface Task extends NewTask {
  readonly status: TaskStatus;
  readonly run: number;
  /** Counts cancels, also of a task that has ended. */
  readonly revision: number;
  /** Times the run was begun or begun again after a failure. */
  readonly attempts: number;
  readonly progress: TaskProgress;
  readonly usage: TaskUsage;
  readonly result: TaskResult | null;
  readonly error: TaskError | null;
  /** When its id came to be: at the creation, or the reservation. */
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
  readonly updatedAtMs: number;
  readonly endedAtMs: number | null;
  /** Somebody watches its events until then; null where nobody did. */
  readonly watchedUntilMs: number | null;
  /** When its present run began to work, and how many of its items had an end by then. */
  readonly runStartedAtMs: number | null;
  readonly runBase: number;
}

export interface ItemProblem {
  readonly code: string;
  readonly detail: string;
  /** Facts of the source that the result lost, and facts that it added. */
  readonly missing?: readonly string[];
  readonly added?: readonly string[];
}

/** One source memory of a task. */
export interface TaskItem {
  readonly position: number;
  readonly sourceMemoryId: string;
  /** Null while it is still to be done. */
  readonly verdict: ItemVerdict | null;
  readonly resultMemoryId: string | null;
  readonly problem: ItemProblem | null;
  readonly endedAtMs: number | null;
}

/** The error of a task whose agent, source or target was deleted. */
export const REFERENCE_GONE = {
  code: "reference-gone",
  detail: "The agent, the source or the target of this task was deleted.",
} as const satisfies TaskError;
