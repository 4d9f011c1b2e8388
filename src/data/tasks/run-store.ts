import { sql, type SQL } from "drizzle-orm";
import type { StandingRequest } from "../../domain/requests/request";
import type { RunFrom } from "../../domain/tasks/task";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { claimRequest, type DirectClaim, isClaimedBy, selectNow, selectRequest } from "../requests/request-store";

/** Items that keep their end in the next run. For an UPDATE of tasks, before what failed is opened again. */
const ENDED_BEFORE = sql`(SELECT coalesce(sum(re_voiced + skipped + done
  + CASE WHEN cursor IS NULL THEN 0 ELSE failed END), 0) FROM task_parts WHERE task_parts.task_id = tasks.id)`;

export interface RunToOpen {
  readonly id: string;
  readonly namespaceId: string;
  /** The run that is to be followed, and how often it was canceled: as they were read. */
  readonly expectedRun: number;
  readonly revision: number;
  readonly from: RunFrom;
  /** The request id of the invoke, where it has one. */
  readonly claim: DirectClaim | null;
}

/** What stands after an invoke. */
export interface OpenedRun {
  /** The number of the run that this very call opened. */
  readonly opened: number | undefined;
  /** The row of its request id, where it has one. */
  readonly request: StandingRequest | undefined;
}

/**
 * Opens the next run of a task that has ended, in one transaction. It goes on from its checkpoints:
 * what has a verdict keeps it, but what failed is tried again; a cursor stays where it is. Leases were cleared when the task ended, and their tokens
 * never come again, so nobody of the former run can write into this one.
 * Nothing is opened when the task is not in an end from which such a run is opened, or was changed since it was read: by
 * another invoke, or by a cancel of the run that had ended. With a request id its row is written first, whether a run is
 * opened or not, and names none where none is. So a repeat opens none either.
 */
export async function openNextRun(db: Database, task: RunToOpen, ringMs: number): Promise<OpenedRun> {
  const { id, namespaceId, expectedRun, revision, from, claim } = task;
  const mayOpen = sql`id = ${id} AND namespace_id = ${namespaceId} AND run = ${expectedRun} AND revision = ${revision}
    AND operation IS NOT NULL AND ${OPENS[from]}`;
  // Another call may have opened this run: as long as nobody has begun it, to reset it once more changes nothing.
  const opened = sql`EXISTS (SELECT 1 FROM tasks WHERE id = ${id} AND run = ${expectedRun + 1}
    AND ended_at_ms IS NULL AND attempts = 0)`;
  const [, moved, , , found] = await db.batch([
    claim === null ? selectNow(db) : claimInvoke(db, claim, mayOpen),
    db.all<{ run: number }>(sql`UPDATE tasks SET run = run + 1, attempts = 0, error = NULL, result = NULL,
        status = CASE WHEN planned_at_ms IS NULL THEN 'created' ELSE 'retry' END,
        run_started_at_ms = CASE WHEN planned_at_ms IS NULL THEN NULL ELSE ${nowMs(db)} END, run_base = ${ENDED_BEFORE},
        ended_at_ms = NULL, updated_at_ms = ${nowMs(db)}, ring_at_ms = ${nowMs(db)} + ${ringMs}, rings = 0
      WHERE ${mayOpen} AND ${claim === null ? sql`TRUE` : isClaimedBy(claim)}
      RETURNING run`),
    db.run(sql`UPDATE task_items SET verdict = NULL, problem = NULL, ended_at_ms = NULL, unanswered = 0, strikes = 0
      WHERE task_id = ${id} AND namespace_id = ${namespaceId}
        AND (verdict = 'failed' OR (verdict IS NULL AND unanswered > 0)) AND ${opened}`),
    db.run(sql`UPDATE task_parts SET
        status = CASE WHEN cursor IS NULL AND failed > 0 THEN 'open' ELSE status END,
        failed = CASE WHEN cursor IS NULL THEN 0 ELSE failed END, attempts = 0, not_before_ms = 0, last_error = NULL, lease_token = NULL, lease_expires_at_ms = NULL
      WHERE task_id = ${id} AND namespace_id = ${namespaceId} AND ${opened}`),
    selectRequest(db, namespaceId, claim?.id ?? ""),
  ]);
  return { opened: moved[0]?.run, request: found[0] };
}

/** The row of an invoke names the run only where that may be opened. */
function claimInvoke(db: Database, claim: DirectClaim, mayOpen: SQL) {
  const isThere = sql`EXISTS (SELECT 1 FROM tasks WHERE id = ${claim.madeId} AND namespace_id = ${claim.namespaceId})`;
  return claimRequest(db, claim, isThere, sql`(SELECT ${claim.madeRun} FROM tasks WHERE ${mayOpen})`);
}

/** The ends from which a run is opened. The sums say the same of failed items as `progress` does. */
const OPENS: Readonly<Record<RunFrom, SQL>> = {
  checkpoints: sql`status IN ('error', 'canceled')`,
  failed: sql`status IN ('complete', 'error', 'canceled') AND operation = 're-voice'
    AND (SELECT sum(failed) > 0 AND sum(re_voiced + skipped + failed) = tasks.total FROM task_parts
      WHERE task_parts.task_id = tasks.id)`,
};
