import { hasEnded, type ItemVerdict, type Task, type TaskProgress, type TaskStatus } from "./task";
import { paceOf, type TaskPace } from "./task-pace";

/** `item` tells of one that was not simply re-voiced. */
export const STORED_EVENT_KINDS = ["status", "progress", "item"] as const;
export type StoredEventKind = (typeof STORED_EVENT_KINDS)[number];
/** `end` is the change to an end state. */
export type TaskEventKind = StoredEventKind | "end";

export interface TaskEventItem {
  readonly position: number;
  readonly sourceMemoryId: string;
  readonly resultMemoryId: string | null;
  readonly verdict: ItemVerdict;
  /** The code of its problem. */
  readonly code: string | null;
}

/** One thing that happened to a task. Plain JSON: it travels out of an object. */
export interface TaskEvent {
  readonly taskId: string;
  /** 1, 2, 3 and so on, without a gap. */
  readonly sequence: number;
  readonly kind: TaskEventKind;
  readonly run: number;
  /** Of the task, after the event; as the progress. */
  readonly status: TaskStatus;
  readonly progress: TaskProgress;
  /** The rate is known for the task's present run alone. */
  readonly pace: TaskPace;
  readonly item: TaskEventItem | null;
  readonly atMs: number;
}

/** An event as it is stored: all but the first, which is told from the row of the task. */
export interface StoredEvent {
  readonly sequence: number;
  readonly kind: StoredEventKind;
  readonly run: number;
  readonly status: TaskStatus;
  /** Null where the status did not change. */
  readonly previousStatus: TaskStatus | null;
  readonly done: number;
  readonly failed: number;
  readonly total: number | null;
  readonly item: TaskEventItem | null;
  readonly atMs: number;
}

/** What the events are reckoned with. */
export type TaskOfEvents = Pick<
  Task,
  "id" | "operation" | "status" | "createdAtMs" | "run" | "runStartedAtMs" | "runBase"
>;

/**
 * The events after a sequence, of those that are stored after it.
 * @param stored in order. The first event is told only where the second is among them, or where there is none.
 */
export function taskEventsOf(task: TaskOfEvents, stored: readonly StoredEvent[], after: number): readonly TaskEvent[] {
  const [first] = stored;
  const isWhole = first === undefined || first.sequence === 2;
  const all = after < 1 && isWhole ? [birthOf(task, first), ...stored] : stored;
  return all.map((event) => toEvent(task, event));
}

/** What the task was born as is what it was before its first change. */
function birthOf(task: TaskOfEvents, second: StoredEvent | undefined): StoredEvent {
  const status = second?.previousStatus ?? task.status;
  return {
    sequence: 1,
    kind: "status",
    run: 1,
    status,
    previousStatus: null,
    done: 0,
    failed: 0,
    total: null,
    item: null,
    atMs: task.createdAtMs,
  };
}

function toEvent(task: TaskOfEvents, stored: StoredEvent): TaskEvent {
  const { sequence, run, status, done, failed, total, item, atMs } = stored;
  const kind = stored.kind === "status" && hasEnded(status) ? "end" : stored.kind;
  const progress = { done, failed, total };
  const runStartedAtMs = run === task.run ? task.runStartedAtMs : null;
  const pace = paceOf({ status, operation: task.operation, progress, runStartedAtMs, runBase: task.runBase, atMs });
  return { taskId: task.id, sequence, kind, run, status, progress, pace, item, atMs };
}
