import type { RunFrom, Task, TaskHead, TaskType } from "../../domain/tasks/task";
import type { ErrorValue } from "../errors/errors";
import type { Outcome } from "../errors/outcome";
import type { TaskInput } from "./task-input";

/** The requests objects: creation happens there, and they see to it that a task ends. */
export interface TaskRequests {
  /** Claims creations, or finds those that are there; each has its answer, in its place. */
  claim(requests: readonly ClaimRequest[]): Promise<readonly ClaimAnswer[]>;
  /** What is known of a request id. @throws ServiceError `unavailable`. */
  find(taskId: string): Promise<RequestRecord | undefined>;
  /** Asks the object to look after its task now; false when it knows of no such task. */
  poke(taskId: string): Promise<boolean>;
  /**
   * Tells the object that a run of its task ended: wakes who waits. The object's alarm finds out too. @throws when the object
   * cannot be reached, or does not answer.
   */
  ended(taskId: string, run: number): Promise<void>;
  /** Cancels what has no row: what was claimed, or what may still come. */
  cancel(request: CancelRequest): Promise<CancelAnswer>;
  /** Ends the task, and turns its claim and its row into tombstones. */
  remove(head: TaskHead): Promise<RemoveAnswer>;
  /** The same for a task that has ended; `open`: it runs again, and stays as it is. */
  removeEnded(head: TaskHead): Promise<RemoveAnswer | "open">;
  /** Opens the next run. @throws ServiceError `unavailable` when it is not certain that it is open. */
  invoke(request: InvokeRequest): Promise<InvokeAnswer>;
  /** Resolves when the task ended, or after the time. Throws when the object cannot be reached. */
  waitForEnd(taskId: string, timeoutMs: number): Promise<void>;
}

/** `pending`: not yet proven, but it will be. */
export type RemoveAnswer = "removed" | "pending";

export interface CancelRequest {
  readonly taskId: string;
  readonly requestId: string;
  /** Whether one more id may be held for what has not come yet. */
  readonly mayHold: boolean;
}

/** `pending`: not yet proven, but it will be carried out. `refused`: nothing came, and nothing may be held. */
export type CancelAnswer = "canceled" | "retired" | "pending" | "refused";

export interface ClaimRequest {
  /** `create` makes a task, `reserve` holds its id, `fill` gives a held id its content. */
  readonly door: "create" | "reserve" | "fill";
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
  /** Stays the same over the Worker's own second try, so that it still counts as first. */
  readonly callId: string;
  /** What it asks for, or why its form is refused. */
  readonly wanted: Outcome<TaskInput>;
}

export type ClaimAnswer =
  /** This call made the task. Null: its row is not proven. */
  | { readonly kind: "claimed"; readonly task: Task | null }
  /** Made by an earlier call. The task as it is now; null when it could not be read. */
  | { readonly kind: "replayed"; readonly task: Task | null }
  | {
      readonly kind: "mismatch";
      readonly firstSeenAtMs: number;
      /** JSON Pointers into the body; "" when the two calls are not of the same operation. */
      readonly pointers: readonly string[];
    }
  /** `standing`: a row that is there though no claim is known of it. */
  | { readonly kind: "refused"; readonly error: ErrorValue; readonly standing: Task | null }
  /** The object could not be reached, or could not say: the claim may stand. The reason is for the log. */
  | { readonly kind: "unproven"; readonly reason: string }
  /** A fill of an id that nobody has reserved. */
  | { readonly kind: "unknown" }
  /** The id belongs to a task that was removed. `rowStands`: its row in D1 says so too. */
  | { readonly kind: "retired"; readonly rowStands: boolean };

export interface InvokeRequest {
  readonly taskId: string;
  readonly namespaceId: string;
  /** The run that is to be followed. */
  readonly run: number;
  /** The client's own id of this invoke, which makes it repeatable; null when it gave none. */
  readonly invokeId: string | null;
  readonly from: RunFrom;
  /** False for a task that cannot be opened: then it is only asked whether this invoke came before. */
  readonly mayOpen: boolean;
}

/**
 * `repeated`: this invoke came before. `unchanged`: the task has moved on, or may not be opened. `retired`: it was
 * removed, and `pending`: it is being removed.
 */
export type InvokeAnswer = "opened" | "repeated" | "unchanged" | "retired" | "pending";

export interface RequestRecord {
  readonly taskId: string;
  readonly requestId: string;
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
  readonly replayCount: number;
  readonly mismatchCount: number;
  /** When the record ends: null while its task is open. */
  readonly expiresAtMs: number | null;
  /** Removed, or past its retention: answers 410. */
  readonly retired: boolean;
  /** Canceled before anything came. */
  readonly givenUp: boolean;
  /** A cancel is kept that D1 does not show yet: the row will be canceled. */
  readonly cancelWanted: boolean;
}
