import type { Task, TaskStatus, TaskType } from "../../domain/tasks/task";
import type { ErrorValue } from "../errors/errors";
import type { Outcome } from "../errors/outcome";
import type { TaskInput } from "./task-input";

/** The objects of request ids: where all calls of one id meet. They keep nothing. */
export interface TaskRequests {
  /** Makes tasks, or finds those that are there; each call has its answer, in its place. Never throws. */
  create(calls: readonly CreationCall[], bulk: CalledBulk | null): Promise<readonly CreationAnswer[]>;
  /** Tells the object that a run of its task ended: wakes who waits. @throws when it does not answer. */
  ended(taskId: string): Promise<void>;
  /** The task when it has ended, or after the time. @throws when the object does not answer. */
  waitForEnd(
    of: { readonly namespaceId: string; readonly taskId: string },
    timeoutMs: number,
  ): Promise<Task | undefined>;
}

/** One call that makes a task, reserves an id, or fills a reserved one. Plain: it travels to the object. */
export interface CreationCall {
  readonly door: "task" | "reservation" | "fill";
  readonly taskId: string;
  readonly namespaceId: string;
  /** Null for a fill: the row of the reservation knows. */
  readonly requestId: string | null;
  readonly keyId: string;
  readonly type: TaskType;
  /** Canonical JSON of what was asked: the fingerprint's material. Never holds credentials. */
  readonly material: string;
  /** SHA-256 of the material, hex. */
  readonly fingerprint: string;
  /** The same for all tries of a call, so that a second one still counts as the first. */
  readonly callId: string;
  /** Nothing of the call is written after it, by the database's clock. The same for all tries. */
  readonly deadlineMs: number;
  /** The object may have carried out an earlier try: from then on only a row answers this call, or doubt. */
  readonly isSecondTry: boolean;
  /** What it asks for, or why its form is refused. */
  readonly wanted: Outcome<TaskInput>;
}

/** The bulk whose items come in one call. */
export interface CalledBulk {
  readonly id: string;
  readonly namespaceId: string;
  readonly requestId: string;
  readonly callId: string;
  readonly material: string;
  readonly fingerprint: string;
}

export type CreationAnswer =
  /** This call made the task. */
  | { readonly kind: "made"; readonly task: Task }
  /** Made by an earlier call. The task as it is now. */
  | { readonly kind: "replayed"; readonly task: Task }
  | ({ readonly kind: "mismatch" } & Mismatch)
  | { readonly kind: "refused"; readonly error: ErrorValue }
  | ({ readonly kind: "retired" } & Retired)
  /** A fill of an id that nobody has reserved. */
  | { readonly kind: "unknown" }
  /** An insert may have been sent, and no row answers: in doubt until the deadline. The reason is for the log. */
  | { readonly kind: "unproven"; readonly reason: string };

/** The request id was used for another request. */
export interface Mismatch {
  /** What stands, by its wire name, such as `task_id`. */
  readonly made: Readonly<Record<string, string>>;
  readonly firstSeenAtMs: number;
  /** JSON Pointers into the body; "" when the two calls are not of the same operation. */
  readonly pointers: readonly string[];
  /** The whole bulk is refused, and not this item alone. */
  readonly isOfBulk: boolean;
}

/** The request id belongs to something that was removed. */
export interface Retired {
  readonly id: string;
  /** How its task ended; null where it made none. */
  readonly status: TaskStatus | null;
  readonly endedAtMs: number | null;
  readonly isOfBulk: boolean;
}
