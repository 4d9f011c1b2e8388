import type { NewTask } from "../../../domain/tasks/task";
import type { ClaimRequest } from "../../../services/ports/task-requests";
import { BLANK, type ClaimRow } from "./claim-record";

export interface Times {
  readonly nowMs: number;
  readonly dueAtMs: number;
}

/** When a claim is made and looked after, and what it follows. */
export interface NewClaimTimes extends Times {
  readonly cancelWanted: boolean;
  /** The fingerprint of the reservation that this fills, of which no record was left; else null. */
  readonly fills: string | null;
  /** Until when an open reservation is kept; null for a task. */
  readonly keepUntilMs: number | null;
}

/** The record of a claim as it begins; with a task that has no command it is a reservation. */
export function newClaimRow(request: ClaimRequest, task: NewTask, more: NewClaimTimes): ClaimRow {
  const unfilled = task.command === null;
  return {
    ...BLANK,
    task_id: request.taskId,
    request_id: task.requestId,
    state: "claimed",
    material: request.material,
    fingerprint: request.fingerprint,
    task: JSON.stringify(task),
    call_id: request.callId,
    first_seen_at_ms: more.nowMs,
    last_seen_at_ms: more.nowMs,
    // A reserved id has no work: there is nothing to ring for.
    bell_done: Number(unfilled),
    cancel_wanted: Number(more.cancelWanted),
    keep_until_ms: more.keepUntilMs,
    due_at_ms: more.dueAtMs,
    reserved_fingerprint: unfilled ? request.fingerprint : more.fills,
    unfilled: Number(unfilled),
  };
}
