import { and, asc, desc, eq, getTableColumns, gt, isNull, sql } from "drizzle-orm";
import type { StandingRequest } from "../../domain/requests/request";
import type { Task } from "../../domain/tasks/task";
import type { StoredEvent, TaskOfEvents } from "../../domain/tasks/task-event";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { selectRequest } from "../requests/request-store";
import { taskColumns, type TaskRow, toTask } from "../parts/task-row";
import { taskEvents, tasks } from "../schema/tasks";

interface OfTask {
  readonly namespaceId: string;
  readonly taskId: string;
}

/** A task, and events of it that are stored, in their order, as they were at one time. */
export interface EventSight {
  /** Without its command, which is large, and nothing that a client sees of a task. Undefined where it was removed. */
  readonly task: Task | undefined;
  /** What its events are reckoned with: of a removed task what its tombstone says. */
  readonly about: TaskOfEvents;
  readonly stored: readonly StoredEvent[];
}

/** Undefined where the namespace has no such task. One round trip, as the next. */
export async function listEvents(
  db: Database,
  of: OfTask,
  page: { readonly after: number; readonly limit: number },
): Promise<(EventSight & { readonly last: number }) | undefined> {
  const [rows, [request], stored, [last]] = await db.batch([
    selectTaskOf(db, of),
    selectRequest(db, of.namespaceId, of.taskId),
    selectAfter(db, of, page),
    db
      .select({ sequence: sql<number | null>`max(${taskEvents.sequence})` })
      .from(taskEvents)
      .where(isOf(of)),
  ]);
  const sight = sightOf(rows[0], request, stored);
  return sight && { ...sight, last: last?.sequence ?? 1 };
}

/**
 * What a watcher's object needs: the task, and what came after a sequence, else the last that there is. Says in the same
 * transaction that the task is watched, if it is open; so whoever changes it later knows.
 */
export async function lookAtEvents(
  db: Database,
  of: OfTask,
  wanted: {
    /** Null for the last that there are. */
    readonly after: number | null;
    readonly limit: number;
    /** Null where it need not be said again. */
    readonly watchedForMs: number | null;
  },
): Promise<EventSight | undefined> {
  const { after, limit, watchedForMs } = wanted;
  const task = selectTaskOf(db, of);
  const events = after === null ? selectLast(db, of, limit) : selectAfter(db, of, { after, limit });
  const request = selectRequest(db, of.namespaceId, of.taskId);
  const [rows, [tombstone], stored] =
    watchedForMs === null
      ? await db.batch([task, request, events])
      : await db.batch([markWatched(db, of, watchedForMs), task, request, events]).then(([, ...found]) => found);
  return sightOf(rows[0], tombstone, after === null ? stored.toReversed() : stored);
}

function sightOf(
  row: TaskRow | undefined,
  request: StandingRequest | undefined,
  stored: readonly StoredEvent[],
): EventSight | undefined {
  if (row !== undefined) {
    const task = toTask(row);
    return { task, about: task, stored };
  }
  const { id, status, run, retiredAtMs, firstSeenAtMs: createdAtMs } = request ?? {};
  if (id === undefined || createdAtMs === undefined || !status || !run || !retiredAtMs) return undefined;
  const about = { id, status, run, createdAtMs, operation: null, runStartedAtMs: null, runBase: 0 };
  return { task: undefined, about, stored };
}

function markWatched(db: Database, { namespaceId, taskId }: OfTask, watchedForMs: number) {
  return db
    .update(tasks)
    .set({ watchedUntilMs: sql`${nowMs(db)} + ${watchedForMs}` })
    .where(and(eq(tasks.id, taskId), eq(tasks.namespaceId, namespaceId), isNull(tasks.endedAtMs)));
}

function selectTaskOf(db: Database, { namespaceId, taskId }: OfTask) {
  return db
    .select({ ...taskColumns, command: sql<null>`NULL` })
    .from(tasks)
    .where(and(eq(tasks.id, taskId), eq(tasks.namespaceId, namespaceId)));
}

const { taskId: _, namespaceId: __, ...columns } = getTableColumns(taskEvents);

function selectAfter(db: Database, of: OfTask, { after, limit }: { readonly after: number; readonly limit: number }) {
  return db
    .select(columns)
    .from(taskEvents)
    .where(and(isOf(of), gt(taskEvents.sequence, after)))
    .orderBy(asc(taskEvents.sequence))
    .limit(limit);
}

function selectLast(db: Database, of: OfTask, limit: number) {
  return db.select(columns).from(taskEvents).where(isOf(of)).orderBy(desc(taskEvents.sequence)).limit(limit);
}

function isOf({ namespaceId, taskId }: OfTask) {
  return and(eq(taskEvents.taskId, taskId), eq(taskEvents.namespaceId, namespaceId));
}
