import { hasEnded, type TaskProgress, type TaskStatus } from "./task";
import type { Operation } from "./operations";

/**
 * What a task does now, in a word: it waits to be begun, or works, or waits for its next try after a failure, or has
 * ended. There is none for the planning: a plan is one transaction, so nobody ever sees a task in it.
 */
export const TASK_STAGES = [
  "waiting",
  "re-voicing",
  "exporting",
  "importing",
  "analyzing",
  "rebuilding",
  "retrying",
  "ended",
] as const;
export type TaskStage = (typeof TASK_STAGES)[number];

export interface TaskPace {
  readonly stage: TaskStage;
  /** Items a second in this run, those that failed too; null until one has ended. */
  readonly rate: number | null;
  /** Whole seconds until the end at this rate; null while that is unknown, and once the task has ended. */
  readonly etaSeconds: number | null;
}

/** A task at some time. */
interface Moment {
  readonly status: TaskStatus;
  /** Null while nobody has filled a reserved id. */
  readonly operation: Operation | null;
  readonly progress: TaskProgress;
  /** Null before the run began to work, or where it is not known. */
  readonly runStartedAtMs: number | null;
  /** Items that had an end before this run. */
  readonly runBase: number;
  readonly atMs: number;
}

const WORKING = {
  "re-voice": "re-voicing",
  export: "exporting",
  import: "importing",
  analyze: "analyzing",
  rebuild: "rebuilding",
} as const satisfies Record<Operation, TaskStage>;

export function paceOf(moment: Moment): TaskPace {
  const { status, progress } = moment;
  const perSecond = rateOf(moment);
  const left = progress.total === null ? null : Math.max(0, progress.total - progress.done - progress.failed);
  const isOpen = !hasEnded(status) && left !== null && perSecond !== null;
  return {
    stage: stageOf(moment),
    rate: perSecond === null ? null : Number(perSecond.toPrecision(RATE_DIGITS)),
    etaSeconds: isOpen ? Math.ceil(left / perSecond) : null,
  };
}

/** A slow model does one memory in a minute: decimal places would make that nothing. */
const RATE_DIGITS = 3;

function rateOf({ progress, runStartedAtMs, runBase, atMs }: Moment): number | null {
  if (runStartedAtMs === null || atMs <= runStartedAtMs) return null;
  const count = progress.done + progress.failed - runBase;
  return count > 0 ? (count * 1_000) / (atMs - runStartedAtMs) : null;
}

function stageOf({ status, operation }: Moment): TaskStage {
  if (hasEnded(status)) return "ended";
  if (status === "retry") return "retrying";
  return status === "running" && operation !== null ? WORKING[operation] : "waiting";
}
