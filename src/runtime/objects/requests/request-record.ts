import type { RequestRecord } from "../../../services/ports/task-requests";
import type { ClaimRow } from "./claim-record";

/** What a client may know of a record; undefined for one that is another object's. */
export function toRequestRecord(row: ClaimRow): RequestRecord | undefined {
  if (row.state === "moved") return undefined;
  return {
    taskId: row.task_id,
    requestId: row.request_id,
    firstSeenAtMs: row.first_seen_at_ms,
    lastSeenAtMs: row.last_seen_at_ms,
    replayCount: row.replay_count,
    mismatchCount: row.mismatch_count,
    expiresAtMs: row.keep_until_ms,
    retired: row.state === "retired",
    givenUp: row.state === "stone",
    cancelWanted: row.cancel_wanted === 1,
  };
}
