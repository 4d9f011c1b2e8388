import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";

const OPEN_PARTS = sql`FROM task_parts WHERE task_parts.task_id = tasks.id AND task_parts.status = 'open'`;
const FIRST_LEASE_END = sql`(SELECT min(lease_expires_at_ms) ${OPEN_PARTS} AND lease_token IS NOT NULL)`;

/**
 * When the sweeper must look at an open task, for an UPDATE of tasks that follows a change of its parts: at the end of
 * the lease that ends first, lapsed ones too, because their parts wait to be taken; with no lease, when the part that
 * waits the shortest may be taken; and not before a bell that was just rung has had its time.
 * @param ringMs how long a bell may take to be heard.
 */
function ringTime(db: Database, ringMs: number): SQL {
  const soonest = sql`${nowMs(db)} + ${ringMs}`;
  return sql`coalesce(${FIRST_LEASE_END}, max(${soonest}, (SELECT min(not_before_ms) ${OPEN_PARTS})), ${soonest})`;
}

/** Sets `ring_at_ms` after the statement before it in the batch, if that has changed a row: a sign of life. */
export function setRingTime(
  db: Database,
  task: { readonly namespaceId: string; readonly taskId: string },
  ringMs: number,
) {
  return db.run(sql`UPDATE tasks SET ring_at_ms = ${ringTime(db, ringMs)}, rings = 0
    WHERE id = ${task.taskId} AND namespace_id = ${task.namespaceId} AND ended_at_ms IS NULL AND changes() > 0`);
}

/** As {@link setRingTime}, for tasks whose leases were just extended. */
export function setRingTimesByLease(db: Database, taskIds: readonly string[]) {
  return db.run(sql`UPDATE tasks SET ring_at_ms = ${FIRST_LEASE_END}, rings = 0
    WHERE id IN (SELECT value FROM json_each(${JSON.stringify(taskIds)})) AND ended_at_ms IS NULL AND changes() > 0
      AND ${FIRST_LEASE_END} IS NOT NULL`);
}
