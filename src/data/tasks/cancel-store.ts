import { and, eq, inArray, lte, sql } from "drizzle-orm";
import { CANCELABLE_STATUSES, type Task, type TaskStatus } from "../../domain/tasks/task";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { releaseEndedIds } from "./held-id-store";
import { among, clearLeasesOf, inNamespace, RESULT_OF_PARTS } from "../parts/part-sql";
import { toTask } from "./task-row";
import { tasks } from "../schema/tasks";
import { conditionsOf, selectTask, type TaskFilter } from "./task-store";

/**
 * Ends a task as canceled, if it has not ended. One transaction: the state, the leases with it, so that no consumer can
 * write any more, the look at what came of it (a task that is returned has ended), and the hold on a reserved id.
 * @param runMax spares a later run: news that comes late is not for it.
 */
export async function cancelTask(
  db: Database,
  namespaceId: string,
  taskId: string,
  runMax?: number,
): Promise<Task | undefined> {
  const { end, clear, release } = cancellation(db, { namespaceId, taskIds: [taskId], runMax });
  const [, , found] = await db.batch([end, clear, selectTask(db, namespaceId, taskId), release]);
  return found[0] && toTask(found[0]);
}

/** A task as it was just before it was to be canceled. */
export interface TaskBefore {
  readonly id: string;
  readonly status: TaskStatus;
  readonly run: number;
  /** True for a tombstone. */
  readonly removed: boolean;
  readonly watchedUntilMs: number | null;
  /** Whether somebody wants to hear of its end. */
  readonly hasWebhook: boolean;
}

/**
 * As {@link cancelTask}, for many at once: three statements, however many they are, and one transaction with the look at
 * how each was. Those whose status was cancelable are canceled; no other is touched.
 * @returns those of the namespace that there are, in no order.
 */
export async function cancelTasks(
  db: Database,
  namespaceId: string,
  taskIds: readonly string[],
): Promise<readonly TaskBefore[]> {
  const { end, clear, release } = cancellation(db, { namespaceId, taskIds });
  const [before] = await db.batch([selectBefore(db, namespaceId, taskIds), end, clear, release]);
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

/** The statements that cancel, to be sent in one batch and in this order. */
function cancellation(
  db: Database,
  which: { readonly namespaceId: string; readonly taskIds: readonly string[]; readonly runMax?: number | undefined },
) {
  const { namespaceId, taskIds, runMax } = which;
  const inTime = runMax === undefined ? undefined : lte(tasks.run, runMax);
  return {
    end: db
      .update(tasks)
      .set({ status: "canceled", endedAtMs: nowMs(db), updatedAtMs: nowMs(db), result: RESULT_OF_PARTS })
      .where(
        and(
          among(tasks.id, taskIds),
          inNamespace(namespaceId),
          inTime,
          inArray(tasks.status, [...CANCELABLE_STATUSES]),
        ),
      ),
    clear: clearLeasesOf(db, namespaceId, taskIds),
    release: releaseEndedIds(db, namespaceId, taskIds),
  };
}

function selectBefore(db: Database, namespaceId: string, taskIds: readonly string[]) {
  const { id, status, run, deletedAtMs, watchedUntilMs } = tasks;
  return db
    .select({ id, status, run, deletedAtMs, watchedUntilMs, webhooks: sql<number>`${tasks.webhook} IS NOT NULL` })
    .from(tasks)
    .where(and(among(tasks.id, taskIds), inNamespace(namespaceId)));
}

type BeforeRow = Awaited<ReturnType<typeof selectBefore>>[number];

function toBefore({ deletedAtMs, webhooks, ...before }: BeforeRow): TaskBefore {
  return { ...before, removed: deletedAtMs !== null, hasWebhook: webhooks === 1 };
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
