import { and, asc, isNull, lte, sql } from "drizzle-orm";
import { RESERVATION_MS } from "../../domain/tasks/reservation";
import type { TaskHead } from "../../domain/tasks/task";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { among } from "../parts/part-sql";
import { taskEvents, tasks } from "../schema/tasks";

/** A reserved id without content whose time has come. */
export interface DueReservation extends TaskHead {
  /** Whether its 24 hours have passed, by the database's clock. */
  readonly isOver: boolean;
}

/** Where a page of ended tasks stops. */
export interface EndedCursor {
  readonly endedAtMs: number;
  readonly id: string;
}

const { id, namespaceId, requestId, keyId, type, operation, fingerprint, createdAtMs } = tasks;
const HEAD = { id, namespaceId, requestId, keyId, type, operation, fingerprint, createdAtMs };

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

/** The reservations of all namespaces that are due, the longest due first. */
export async function listDueReservations(db: Database, limit: number): Promise<readonly DueReservation[]> {
  const rows = await db
    .select({ ...HEAD, isOver: sql<number>`${tasks.createdAtMs} + ${RESERVATION_MS} <= ${nowMs(db)}` })
    .from(tasks)
    .where(and(sql`${tasks.status} = 'unbound'`, lte(tasks.ringAtMs, nowMs(db))))
    .orderBy(asc(tasks.ringAtMs), asc(tasks.id))
    .limit(limit);
  return rows.map((row) => ({ ...row, isOver: row.isOver === 1 }));
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

/**
 * Tasks of all namespaces that ended `olderThanMs` ago or earlier and are not removed, in the order of their ends, after the
 * cursor.
 */
export function listRetainedTasks(
  db: Database,
  {
    olderThanMs,
    after,
    limit,
  }: { readonly olderThanMs: number; readonly after: EndedCursor | null; readonly limit: number },
): Promise<readonly (TaskHead & { readonly endedAtMs: number | null })[]> {
  const isAfter =
    after === null ? undefined : sql`(${tasks.endedAtMs}, ${tasks.id}) > (${after.endedAtMs}, ${after.id})`;
  return db
    .select({ ...HEAD, endedAtMs: tasks.endedAtMs })
    .from(tasks)
    .where(and(isNull(tasks.deletedAtMs), lte(tasks.endedAtMs, sql`${nowMs(db)} - ${olderThanMs}`), isAfter))
    .orderBy(asc(tasks.endedAtMs), asc(tasks.id))
    .limit(limit);
}

/**
 * Forgets tombstones that were made `olderThanMs` ago or earlier, the oldest first, with what is left of their events.
 * @returns how many.
 */
export async function purgeTombstones(db: Database, olderThanMs: number, limit: number): Promise<number> {
  const isOver = lte(tasks.deletedAtMs, sql`${nowMs(db)} - ${olderThanMs}`);
  const found = await db
    .select({ id: tasks.id })
    .from(tasks)
    .where(isOver)
    .orderBy(asc(tasks.deletedAtMs), asc(tasks.id))
    .limit(limit);
  if (found.length === 0) return 0;
  const ids = found.map((task) => task.id);
  const [removed] = await db.batch([
    db
      .delete(tasks)
      .where(and(among(tasks.id, ids), isOver))
      .returning({ id: tasks.id }),
    db
      .delete(taskEvents)
      .where(and(among(taskEvents.taskId, ids), sql`NOT EXISTS (SELECT 1 FROM tasks WHERE id = ${taskEvents.taskId})`)),
  ]);
  return removed.length;
}
