import { sql } from "drizzle-orm";
import type { Database } from "./database";

/**
 * Opens the next run of a task that ended in `error` or `canceled`, in one transaction. It goes on from its checkpoints:
 * what has a verdict keeps it, but what failed is tried again; a cursor stays where it is. Leases were cleared when the task ended, and their tokens
 * never come again, so nobody of the former run can write into this one.
 * @returns the number of the new run, or undefined when the task is not in such an end, or not in the expected run.
 */
export async function openNextRun(
  db: Database,
  task: { readonly id: string; readonly namespaceId: string; readonly expectedRun: number },
  nowMs: number,
): Promise<number | undefined> {
  const { id, namespaceId, expectedRun } = task;
  const opened = sql`EXISTS (SELECT 1 FROM tasks WHERE id = ${id} AND run = ${expectedRun + 1}
    AND ended_at_ms IS NULL AND attempts = 0 AND updated_at_ms = ${nowMs})`;
  const [moved] = await db.batch([
    db.all<{ run: number }>(sql`UPDATE tasks SET run = run + 1, attempts = 0, error = NULL, result = NULL,
        status = CASE WHEN planned_at_ms IS NULL THEN 'created' ELSE 'retry' END,
        ended_at_ms = NULL, updated_at_ms = ${nowMs}, poked_at_ms = ${nowMs}
      WHERE id = ${id} AND namespace_id = ${namespaceId} AND run = ${expectedRun} AND deleted_at_ms IS NULL
        AND status IN ('error', 'canceled') AND operation IS NOT NULL
      RETURNING run`),
    db.run(sql`UPDATE task_items SET verdict = NULL, problem = NULL, ended_at_ms = NULL, unanswered = 0, strikes = 0
      WHERE task_id = ${id} AND namespace_id = ${namespaceId}
        AND (verdict = 'failed' OR (verdict IS NULL AND unanswered > 0)) AND ${opened}`),
    db.run(sql`UPDATE task_parts SET
        status = CASE WHEN cursor IS NULL AND failed > 0 THEN 'open' ELSE status END,
        failed = CASE WHEN cursor IS NULL THEN 0 ELSE failed END, attempts = 0, not_before_ms = 0, last_error = NULL, lease_token = NULL, lease_expires_at_ms = NULL
      WHERE task_id = ${id} AND namespace_id = ${namespaceId} AND ${opened}`),
  ]);
  return moved[0]?.run;
}
