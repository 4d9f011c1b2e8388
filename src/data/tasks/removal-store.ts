import { and, count, eq, isNotNull, isNull, lt, sql } from "drizzle-orm";
import type { TaskHead } from "../../domain/tasks/task";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { releaseId } from "./held-id-store";
import { RESULT_OF_PARTS, type Watched } from "../parts/part-sql";
import { taskEvents, taskItems, taskParts, tasks } from "../schema/tasks";

/** Events of a removed task that watchers may have to be told still: they are seconds behind, not minutes. */
const UNHEARD_EVENTS_MAX = 1_000;

export interface RemovedTask extends Watched {
  readonly run: number;
  /** Whether the message of its end was not sent yet. */
  readonly hasWaitingDelivery: boolean;
}

/**
 * Ends the task if it is open, and empties its row to a tombstone, in one transaction. It is an upsert, because an
 * insert of the same task may still be under way: that one finds the tombstone, and does nothing. Parts and items go,
 * and with them every lease; what the task wrote stays with its collection. The result of a re-voicing is counts; those
 * of other operations may hold words of the client.
 */
export async function removeTask(db: Database, head: TaskHead): Promise<RemovedTask> {
  const own = (table: typeof taskParts | typeof taskItems) =>
    and(eq(table.namespaceId, head.namespaceId), eq(table.taskId, head.id));
  const [[removed], [waiting]] = await db.batch([
    db.all<
      Watched & { run: number }
    >(sql`INSERT INTO tasks (id, namespace_id, request_id, key_id, type, operation, status, tags, metadata,
        fingerprint, command, run, attempts, created_at_ms, updated_at_ms, ended_at_ms, ring_at_ms, deleted_at_ms)
      VALUES (${head.id}, ${head.namespaceId}, ${head.requestId}, ${head.keyId}, ${head.type}, ${head.operation},
        'canceled', '[]', '{}', ${head.fingerprint}, NULL, 1, 0, ${head.createdAtMs}, ${nowMs(db)}, ${nowMs(db)}, ${nowMs(db)},
        ${nowMs(db)})
      ON CONFLICT (id) DO UPDATE SET
        status = CASE WHEN ended_at_ms IS NULL THEN 'canceled' ELSE status END,
        ended_at_ms = coalesce(ended_at_ms, ${nowMs(db)}), updated_at_ms = ${nowMs(db)},
        deleted_at_ms = coalesce(deleted_at_ms, ${nowMs(db)}),
        result = CASE WHEN operation <> 're-voice' THEN NULL WHEN ended_at_ms IS NULL THEN ${RESULT_OF_PARTS} ELSE result END,
        name = NULL, tags = '[]', memo = NULL, metadata = '{}', command = NULL, error = NULL, webhook = NULL
      WHERE namespace_id = ${head.namespaceId}
      RETURNING watched_until_ms AS watchedUntilMs, run`),
    db.all<{ id: string }>(sql`SELECT id FROM webhook_deliveries WHERE state = 'pending' AND attempts = 0
      AND id = (SELECT 'delivery_' || substr(id, 6) || '_' || run FROM tasks
        WHERE id = ${head.id} AND namespace_id = ${head.namespaceId})`),
    db.delete(taskItems).where(own(taskItems)),
    db.delete(taskParts).where(own(taskParts)),
    // The last one stays with the tombstone; while somebody watches, those that the watchers may not have heard yet too.
    db.run(sql`DELETE FROM task_events WHERE task_id = ${head.id} AND namespace_id = ${head.namespaceId}
      AND sequence < (SELECT max(sequence) FROM task_events WHERE task_id = ${head.id})
        - (SELECT CASE WHEN watched_until_ms > ${nowMs(db)} THEN ${UNHEARD_EVENTS_MAX} ELSE 0 END FROM tasks
          WHERE id = ${head.id})`),
    releaseId(db, head),
  ]);
  // It returns no row for an id of another namespace, which does not happen: an id is made of its namespace.
  const { run, watchedUntilMs } = removed ?? { run: 1, watchedUntilMs: null };
  return { run, watchedUntilMs, hasWaitingDelivery: waiting !== undefined };
}

/** Forgets a tombstone whose time is over. */
export async function purgeTask(db: Database, namespaceId: string, taskId: string): Promise<void> {
  await db.batch([
    db.delete(tasks).where(and(eq(tasks.namespaceId, namespaceId), eq(tasks.id, taskId), isNotNull(tasks.deletedAtMs))),
    db
      .delete(taskEvents)
      .where(
        and(
          eq(taskEvents.namespaceId, namespaceId),
          eq(taskEvents.taskId, taskId),
          sql`NOT EXISTS (SELECT 1 FROM tasks WHERE id = ${taskId})`,
        ),
      ),
  ]);
}

/** Tasks of a namespace that ended `olderThanMs` ago or earlier and are not removed, in the order of their ends. */
export function listEndedTasks(
  db: Database,
  namespaceId: string,
  olderThanMs: number,
  limit: number,
): Promise<readonly TaskHead[]> {
  const { id, requestId, keyId, type, operation, fingerprint, createdAtMs } = tasks;
  return db
    .select({ id, namespaceId: tasks.namespaceId, requestId, keyId, type, operation, fingerprint, createdAtMs })
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
  return and(
    eq(tasks.namespaceId, namespaceId),
    lt(tasks.endedAtMs, sql`${nowMs(db)} - ${olderThanMs}`),
    isNull(tasks.deletedAtMs),
  );
}
