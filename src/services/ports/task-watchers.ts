import type { Task } from "../../domain/tasks/task";
import type { TaskEvent } from "../../domain/tasks/task-event";

/** Those who watch the events of tasks, wherever their streams are held. */
export interface TaskWatchers {
  /** Says that a task has changed. Best effort, and soon back: who watches looks by itself too. Never throws. */
  tell(taskId: string): Promise<void>;
  /** @throws ServiceError `unavailable` when they cannot be reached. */
  watch(request: WatchRequest): Promise<WatchAnswer>;
}

export interface WatchRequest {
  readonly namespaceId: string;
  readonly taskId: string;
  /** The sequence after which the stream begins; null for a snapshot, and then all. */
  readonly after: number | null;
}

/** What a stream says, in its order. */
export type WatchRecord =
  | { readonly kind: "snapshot"; readonly task: Task }
  | { readonly kind: "event"; readonly event: TaskEvent }
  /** Nothing happened for a while. */
  | { readonly kind: "beat" };

export type WatchRefusal =
  /** The task has ended, and its last event is the cursor. */
  | { readonly kind: "over" }
  /** The cursor is of an event that there is not yet. */
  | { readonly kind: "ahead"; readonly last: number }
  | { readonly kind: "missing" | "removed" | "task-full" | "object-full" };

export type WatchAnswer =
  /** It ends with the task, when its reader falls behind for long, or with the object: a reader then goes on by its cursor. */
  { readonly kind: "stream"; readonly records: ReadableStream<readonly WatchRecord[]> } | WatchRefusal;
