import { and, count, eq, lt, sql, type SQL } from "drizzle-orm";
import type { Operation } from "../../domain/tasks/operations";
import { deliveryIdOf } from "../../domain/tasks/task-end";
import { RESERVATION_MS } from "../../domain/tasks/reservation";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { RESULT_OF_PARTS, type Watched } from "../parts/part-sql";
import { retireDependents } from "../requests/retire-store";
import { tasks } from "../schema/tasks";
import type { RunOfTask } from "./cancel-store";

/** What is to be removed: a run of a task, as it was read. */
export interface TaskToRemove extends RunOfTask {
  readonly namespaceId: string;
  readonly operation: Operation | null;
}

/** What must still be so when it is removed: between the read and the write an invoke or a fill may have come. */
export type RemovalCondition =
  /** In whatever state. An open task is canceled by it. */
  | { readonly kind: "any" }
  /** It ended so long ago. */
  | { readonly kind: "ended"; readonly olderThanMs: number }
  /** It is a reservation that nobody has filled in its 24 hours. */
  | { readonly kind: "overdue" };

export interface RemovedTask extends Watched {
  readonly run: number;
  /** Whether the message of its end was not sent yet. */
  readonly hasWaitingDelivery: boolean;
  /** Rows that hang on it are left. */
  readonly hasLeftovers: boolean;
}

/** Rows of one table that go in one statement: D1 serves nobody else during it. */
export const LEFTOVERS_PER_STEP = 1_000;

/**
 * Removes a task in one transaction: it is ended if it is open, with its event and its message; its request becomes a
 * tombstone, which keeps how it ended and no text of a client; and its row goes. So an insert that is still under way finds
 * the tombstone. What hangs on the task goes with it, as far as one page does: with the row gone nobody can write under a
 * lease. Its events stay for a while where somebody watches: watchers are seconds behind.
 * @returns undefined where nothing was removed: the task has moved on, or was removed before.
 */
export async function removeTask(
  db: Database,
  task: TaskToRemove,
  condition: RemovalCondition,
): Promise<RemovedTask | undefined> {
  const { id, namespaceId, run } = task;
  const now = nowMs(db);
  const isRun = sql`id = ${id} AND namespace_id = ${namespaceId} AND run = ${run}`;
  const isGone = sql`EXISTS (SELECT 1 FROM requests WHERE requests.id = ${id} AND retired_at_ms IS NOT NULL)`;
  const isUnwatched = sql`NOT EXISTS (SELECT 1 FROM tasks WHERE ${isRun} AND watched_until_ms > ${now})`;
  const page = (table: HangingTable, more: SQL) =>
    removePage(db, table, { id, namespaceId, size: LEFTOVERS_PER_STEP, more });
  const [, retired, [waiting], , , , , marked] = await db.batch([
    db.run(sql`UPDATE tasks SET status = 'canceled', ended_at_ms = ${now}, updated_at_ms = ${now},
        result = ${RESULT_OF_PARTS} WHERE ${isRun} AND ended_at_ms IS NULL AND ${conditionOf(db, condition)}`),
    db.all<Watched & { run: number }>(sql`UPDATE requests SET retired_at_ms = ${now}, request = NULL,
        held_until_ms = NULL, leftovers = 1, status = task.status, run = task.run, ended_at_ms = task.ended_at_ms,
        target_id = task.command ->> '$.target.collectionId'
      FROM tasks AS task WHERE requests.id = ${id} AND requests.namespace_id = ${namespaceId}
        AND requests.retired_at_ms IS NULL AND task.id = ${id} AND task.run = ${run}
        AND task.ended_at_ms IS NOT NULL AND ${stillSo(db, condition)}
      RETURNING (SELECT watched_until_ms FROM tasks WHERE id = ${id}) AS watchedUntilMs, run`),
    db.all<{ id: string }>(sql`SELECT id FROM webhook_deliveries WHERE state = 'pending' AND attempts = 0
      AND id = ${deliveryIdOf(id, run)}`),
    page("task_items", isGone),
    page("task_parts", isGone),
    page("task_events", sql`${isGone} AND ${isUnwatched}`),
    db.run(sql`DELETE FROM tasks WHERE ${isRun} AND ${isGone}`),
    markCleared(db, { id, namespaceId }),
    ...retireDependents(db, namespaceId, id),
  ]);
  const [removed] = retired;
  return removed && { ...removed, hasWaitingDelivery: waiting !== undefined, hasLeftovers: marked.length === 0 };
}

/** For the statement that ends an open task. */
function conditionOf(db: Database, { kind }: RemovalCondition): SQL {
  if (kind === "any") return sql`TRUE`;
  if (kind === "ended") return sql`FALSE`;
  return sql`status = 'unbound' AND created_at_ms + ${RESERVATION_MS} <= ${nowMs(db)}`;
}

/** For the statement that makes the tombstone, where the task has ended. */
function stillSo(db: Database, condition: RemovalCondition): SQL {
  if (condition.kind === "any") return sql`TRUE`;
  if (condition.kind === "ended") return sql`task.ended_at_ms <= ${nowMs(db)} - ${condition.olderThanMs}`;
  return sql`task.command IS NULL AND task.created_at_ms + ${RESERVATION_MS} <= ${nowMs(db)}`;
}

/** The tables whose rows hang on a task, and what tells the rows of one task apart. */
const HANGING = { task_items: "position", task_parts: "part", task_events: "sequence" } as const;

type HangingTable = keyof typeof HANGING;

interface OfTask {
  readonly id: string;
  readonly namespaceId: string;
}

function removePage(
  db: Database,
  table: HangingTable,
  { id, namespaceId, size, more }: OfTask & { readonly size: number; readonly more: SQL },
) {
  const [name, key] = [sql.identifier(table), sql.raw(HANGING[table])];
  const isOf = sql`task_id = ${id} AND namespace_id = ${namespaceId}`;
  return db.all<{ id: string }>(sql`DELETE FROM ${name} WHERE ${isOf} AND ${more} AND ${key} IN (
    SELECT ${key} FROM ${name} WHERE ${isOf} LIMIT ${size}) RETURNING task_id AS id`);
}

/** The tombstone says when nothing is left. */
function markCleared(db: Database, { id, namespaceId }: OfTask) {
  const nothing = Object.keys(HANGING).map(
    (table) => sql`NOT EXISTS (SELECT 1 FROM ${sql.identifier(table)} WHERE task_id = ${id})`,
  );
  return db.all<{ id: string }>(sql`UPDATE requests SET leftovers = 0 WHERE id = ${id} AND namespace_id = ${namespaceId}
    AND retired_at_ms IS NOT NULL AND ${sql.join(nothing, sql` AND `)} RETURNING id`);
}

/** Removes a page of what hangs on a removed task still. @returns whether nothing is left. */
export async function removeLeftovers(db: Database, of: OfTask): Promise<boolean> {
  const page = (table: HangingTable) =>
    removePage(db, table, {
      ...of,
      size: LEFTOVERS_PER_STEP,
      more: sql`NOT EXISTS (SELECT 1 FROM tasks WHERE id = ${of.id})`,
    });
  const [, , , marked] = await db.batch([
    page("task_items"),
    page("task_parts"),
    page("task_events"),
    markCleared(db, of),
  ]);
  return marked.length > 0;
}

/** Tasks of a namespace that ended `olderThanMs` ago or earlier, in the order of their ends. */
export function listEndedTasks(
  db: Database,
  namespaceId: string,
  olderThanMs: number,
  limit: number,
): Promise<readonly TaskToRemove[]> {
  const { id, run, operation } = tasks;
  return db
    .select({ id, namespaceId: tasks.namespaceId, run, operation })
    .from(tasks)
    .where(endedBefore(db, namespaceId, olderThanMs))
    .orderBy(tasks.endedAtMs)
    .limit(limit);
}

export async function countEndedTasks(db: Database, namespaceId: string, olderThanMs: number): Promise<number> {
  const [counted] = await db
    .select({ n: count() })
    .from(tasks)
    .where(endedBefore(db, namespaceId, olderThanMs));
  return counted?.n ?? 0;
}

function endedBefore(db: Database, namespaceId: string, olderThanMs: number) {
  return and(eq(tasks.namespaceId, namespaceId), lt(tasks.endedAtMs, sql`${nowMs(db)} - ${olderThanMs}`));
}
