import { and, eq, inArray, sql, type SQL } from "drizzle-orm";
import { RESERVATION_MS } from "../../domain/tasks/reservation";
import { CANCELABLE_STATUSES, type Task, type TaskStatus } from "../../domain/tasks/task";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { among, clearLeasesOf, inNamespace, RESULT_OF_PARTS } from "../parts/part-sql";
import { toTask } from "../parts/task-row";
import { requests } from "../schema/requests";
import { tasks } from "../schema/tasks";
import { conditionsOf, selectTask, type TaskFilter } from "./task-store";

/** A run of a task, as a caller has read it: a change that lands late changes no other. */
export interface RunOfTask {
  readonly id: string;
  readonly run: number;
}

/**
 * Ends a run of a task as canceled, if it has not ended. One transaction: the state, the leases with it, so that no
 * consumer can write any more, and the look at what came of it. One that has ended stays as it is.
 * @returns the task then; undefined where there is none.
 */
export async function cancelTask(db: Database, namespaceId: string, of: RunOfTask): Promise<Task | undefined> {
  const [, , found] = await db.batch([
    cancelRuns(db, namespaceId, [of]),
    clearLeasesOf(db, namespaceId, [of.id]),
    selectTask(db, namespaceId, of.id),
  ]);
  return found[0] && toTask(found[0]);
}

/** A task as it was just before it was to be canceled. */
export interface TaskBefore extends RunOfTask {
  readonly status: TaskStatus;
  readonly watchedUntilMs: number | null;
  /** Whether somebody wants to hear of its end. */
  readonly hasWebhook: boolean;
}

/**
 * As {@link cancelTask}, for many at once: three statements, however many they are, and one transaction with the look at
 * how each was. Those whose status was cancelable are canceled; no other is touched.
 * @returns those of the namespace that there are, in no order, as they were.
 */
export async function cancelTasks(
  db: Database,
  namespaceId: string,
  of: readonly RunOfTask[],
): Promise<readonly TaskBefore[]> {
  const ids = of.map(({ id }) => id);
  const [before] = await db.batch([
    selectBefore(db, namespaceId, ids),
    cancelRuns(db, namespaceId, of),
    clearLeasesOf(db, namespaceId, ids),
  ]);
  return before.map(toBefore);
}

/** How tasks are that {@link cancelTasks} would cancel. */
export async function findBeforeCancel(
  db: Database,
  namespaceId: string,
  taskIds: readonly string[],
): Promise<readonly TaskBefore[]> {
  return (await selectBefore(db, namespaceId, taskIds)).map(toBefore);
}

/** Those of the ids whose tasks were removed, with how each ended. */
export async function findRemoved(
  db: Database,
  namespaceId: string,
  taskIds: readonly string[],
): Promise<ReadonlyMap<string, TaskStatus | null>> {
  const rows = await db
    .select({ id: requests.id, status: requests.status })
    .from(requests)
    .where(
      and(among(requests.id, taskIds), eq(requests.namespaceId, namespaceId), sql`${requests.retiredAtMs} IS NOT NULL`),
    );
  return new Map(rows.map(({ id, status }) => [id, status]));
}

/**
 * Of a run that has ended the revision alone moves on: an invoke that read it before is under way no more. A reservation
 * past its 24 hours is left as it is: it has ended.
 */
export function cancelRuns(db: Database, namespaceId: string, of: readonly RunOfTask[]) {
  const isOpen = inArray(tasks.status, [...CANCELABLE_STATUSES]);
  const ifOpen = (then: SQL, column: SQL): SQL => sql`CASE WHEN ${isOpen} THEN ${then} ELSE ${column} END`;
  const now = nowMs(db);
  const runs = JSON.stringify(of.map(({ id, run }) => ({ id, run })));
  return db
    .update(tasks)
    .set({
      status: ifOpen(sql`'canceled'`, sql`status`),
      endedAtMs: ifOpen(now, sql`ended_at_ms`),
      updatedAtMs: ifOpen(now, sql`updated_at_ms`),
      result: ifOpen(RESULT_OF_PARTS, sql`result`),
      revision: sql`revision + 1`,
    })
    .where(
      and(
        sql`(${tasks.id}, ${tasks.run}) IN (SELECT value ->> 'id', value ->> 'run' FROM json_each(${runs}))`,
        inNamespace(namespaceId),
        sql`NOT (${tasks.status} = 'unbound' AND ${tasks.createdAtMs} + ${RESERVATION_MS} <= ${now})`,
      ),
    );
}

function selectBefore(db: Database, namespaceId: string, taskIds: readonly string[]) {
  const { id, status, run, watchedUntilMs } = tasks;
  return db
    .select({ id, status, run, watchedUntilMs, webhooks: sql<number>`${tasks.webhook} IS NOT NULL` })
    .from(tasks)
    .where(and(among(tasks.id, taskIds), inNamespace(namespaceId)));
}

type BeforeRow = Awaited<ReturnType<typeof selectBefore>>[number];

function toBefore({ webhooks, ...before }: BeforeRow): TaskBefore {
  return { ...before, hasWebhook: webhooks === 1 };
}

/**
 * The open tasks of a filter, oldest first. It goes through the open tasks of all namespaces by their own index: they are
 * few beside the tasks that a namespace has ever had.
 * @returns the first of them, up to the limit, and how many there are.
 */
export async function findOpenTaskIds(
  db: Database,
  namespaceId: string,
  filter: TaskFilter,
  limit: number,
): Promise<{ readonly ids: readonly string[]; readonly matched: number }> {
  const wanted = and(sql`ended_at_ms IS NULL`, eq(tasks.namespaceId, namespaceId), ...conditionsOf(filter));
  const rows = await db.all<{ id: string; matched: number }>(sql`SELECT id, count(*) OVER () AS matched
    FROM tasks INDEXED BY tasks_ring WHERE ${wanted} ORDER BY created_at_ms, id LIMIT ${limit}`);
  return { ids: rows.map(({ id }) => id), matched: rows[0]?.matched ?? 0 };
}
