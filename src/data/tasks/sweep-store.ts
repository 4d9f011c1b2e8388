import { and, asc, isNull, lte, sql } from "drizzle-orm";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { among } from "../parts/part-sql";
import { tasks } from "../schema/tasks";
import type { TaskToRemove } from "./removal-store";

/** Where a page of ended tasks stops. */
export interface EndedCursor {
  readonly endedAtMs: number;
  readonly id: string;
}

const { id, namespaceId, run, operation } = tasks;
const TO_REMOVE = { id, namespaceId, run, operation };

/** The ids of open tasks of all namespaces that are due, the longest due first. Reservations are not among them. */
export async function listDueTasks(db: Database, limit: number): Promise<readonly string[]> {
  const rows = await db
    .select({ id: tasks.id })
    .from(tasks)
    .where(and(isNull(tasks.endedAtMs), lte(tasks.ringAtMs, nowMs(db)), sql`${tasks.status} <> 'unbound'`))
    .orderBy(asc(tasks.ringAtMs), asc(tasks.id))
    .limit(limit);
  return rows.map((task) => task.id);
}

/** The reservations of all namespaces whose 24 hours have passed, the oldest first. */
export function listOverdueReservations(db: Database, limit: number): Promise<readonly TaskToRemove[]> {
  return db
    .select(TO_REMOVE)
    .from(tasks)
    .where(and(sql`${tasks.status} = 'unbound'`, lte(tasks.ringAtMs, nowMs(db))))
    .orderBy(asc(tasks.ringAtMs), asc(tasks.id))
    .limit(limit);
}

const FIRST_DELAY_MS = 30_000;
const DOUBLINGS_MAX = 5;
const DELAY_MS_MAX = 600_000;

/**
 * Makes tasks that were looked after due again later: after 30 s, and each time after twice as long, up to 10 minutes. A
 * task that ended meanwhile, or that somebody has taken up, is not due any more and stays as it is.
 */
export async function delayDueTasks(db: Database, taskIds: readonly string[]): Promise<void> {
  const delayMs = sql`min(${FIRST_DELAY_MS} << min(${tasks.rings}, ${DOUBLINGS_MAX}), ${DELAY_MS_MAX})`;
  await db
    .update(tasks)
    .set({ ringAtMs: sql`${nowMs(db)} + ${delayMs}`, rings: sql`${tasks.rings} + 1` })
    .where(and(among(tasks.id, taskIds), isNull(tasks.endedAtMs), lte(tasks.ringAtMs, nowMs(db))));
}

/** Tasks of all namespaces that ended `olderThanMs` ago or earlier, in the order of their ends, after the cursor. */
export function listRetainedTasks(
  db: Database,
  {
    olderThanMs,
    after,
    limit,
  }: { readonly olderThanMs: number; readonly after: EndedCursor | null; readonly limit: number },
): Promise<readonly (TaskToRemove & { readonly endedAtMs: number | null })[]> {
  const isAfter =
    after === null ? undefined : sql`(${tasks.endedAtMs}, ${tasks.id}) > (${after.endedAtMs}, ${after.id})`;
  return db
    .select({ ...TO_REMOVE, endedAtMs: tasks.endedAtMs })
    .from(tasks)
    .where(and(lte(tasks.endedAtMs, sql`${nowMs(db)} - ${olderThanMs}`), isAfter))
    .orderBy(asc(tasks.endedAtMs), asc(tasks.id))
    .limit(limit);
}
