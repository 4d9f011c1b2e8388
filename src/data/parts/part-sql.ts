import { and, eq, isNotNull, sql, type SQL } from "drizzle-orm";
import type { TurnExtras } from "../../domain/tasks/budget";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { taskParts, tasks } from "../schema/tasks";

/** One part of one task, and the token of the lease under which it is worked on. */
export interface LeasedPart {
  readonly namespaceId: string;
  readonly taskId: string;
  readonly part: number;
  /** Random, made before the lease was written: time decides when to try, the token who may write. */
  readonly token: string;
  /** What its turn used up besides what its items tell: written when the part is given back. */
  readonly extras?: TurnExtras;
}

/**
 * Ends a lease, and adds what its turn used up besides what its items tell. For the SET of an UPDATE of task_parts that
 * stands under {@link heldBy}: sent twice, it finds no lease the second time, and adds nothing.
 */
export function givenBack({ extras }: LeasedPart): SQL {
  const { modelCalls = 0, inputTokens = 0, outputTokens = 0 } = extras?.usage ?? {};
  return sql`lease_token = NULL, lease_expires_at_ms = NULL, calls_limit = NULL,
    extra_model_calls = extra_model_calls + ${modelCalls}, extra_input_tokens = extra_input_tokens + ${inputTokens},
    extra_output_tokens = extra_output_tokens + ${outputTokens},
    unanswered_calls = unanswered_calls + ${extras?.unansweredCalls ?? 0}`;
}

/** True while the part is held under this token and its task runs. Every write of a consumer carries it. */
export function heldBy(lease: LeasedPart): SQL {
  return sql`EXISTS (SELECT 1 FROM task_parts AS held JOIN tasks AS run ON run.id = held.task_id
    WHERE held.task_id = ${lease.taskId} AND held.part = ${lease.part} AND held.namespace_id = ${lease.namespaceId}
      AND held.lease_token = ${lease.token} AND run.status = 'running')`;
}

/**
 * What came of a task, from its parts: what its cursor says, else the sums of a re-voicing. Null for a task that was
 * never planned. For an UPDATE of tasks.
 */
export const RESULT_OF_PARTS = sql`CASE WHEN tasks.planned_at_ms IS NULL THEN NULL ELSE coalesce(
  (SELECT json_extract(cursor, '$.result') FROM task_parts
    WHERE task_parts.task_id = tasks.id AND part = 0 AND cursor IS NOT NULL),
  (SELECT json_object(
    'collectionId', json_extract(tasks.command, '$.target.collectionId'),
    'reVoiced', coalesce(sum(re_voiced), 0), 'flagged', coalesce(sum(flagged), 0),
    'skipped', coalesce(sum(skipped), 0), 'failed', coalesce(sum(failed), 0))
    FROM task_parts WHERE task_parts.task_id = tasks.id)) END`;

/** Until when somebody watches a task, as a statement that changes it says. */
export interface Watched {
  /** Null where nobody did. */
  readonly watchedUntilMs: number | null;
}

/** The column of {@link Watched}, for a statement on task_parts. */
export const WATCHED_UNTIL = sql`(SELECT watched_until_ms FROM tasks WHERE tasks.id = task_parts.task_id) AS watchedUntilMs`;

/**
 * Takes every lease of a task away: to be sent in one batch with what ended it. Whether it has ended is asked once, before
 * any part is read: this stands in every checkpoint.
 */
export function clearLeases(db: Database, namespaceId: string, taskId: string) {
  return clearWhere(db, namespaceId, eq(taskParts.taskId, taskId), sql`${taskId}`);
}

/** As {@link clearLeases}, for those of several tasks that have ended. */
export function clearLeasesOf(db: Database, namespaceId: string, taskIds: readonly string[]) {
  return clearWhere(db, namespaceId, among(taskParts.taskId, taskIds), sql`${taskParts.taskId}`);
}

function clearWhere(db: Database, namespaceId: string, isOfTask: SQL, taskId: SQL) {
  return db
    .update(taskParts)
    .set({ leaseToken: null, leaseExpiresAtMs: null })
    .where(
      and(
        eq(taskParts.namespaceId, namespaceId),
        isOfTask,
        isNotNull(taskParts.leaseToken),
        sql`EXISTS (SELECT 1 FROM tasks WHERE tasks.id = ${taskId} AND tasks.ended_at_ms IS NOT NULL)`,
      ),
    );
}

/** True for the ids of a list: they travel as one value, because D1 takes a hundred in all. */
export function among(column: SQLiteColumn, ids: readonly string[]): SQL {
  return sql`${column} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`;
}

/**
 * True for tasks of this namespace. The plus keeps it out of the choice of an index: beside a list of ids the planner
 * would else go through all tasks of the namespace.
 */
export function inNamespace(namespaceId: string): SQL {
  return sql`+${tasks.namespaceId} = ${namespaceId}`;
}

/**
 * Ends the task as complete if its plan is sealed and no part is open. Stands in the batch of whatever may be the last
 * step: the settle of a part, and the seal of the plan.
 */
export function completeIfDone(db: Database, namespaceId: string, taskId: string) {
  return db.all<{ id: string }>(sql`UPDATE tasks
    SET status = 'complete', ended_at_ms = ${nowMs(db)}, updated_at_ms = ${nowMs(db)}, result = ${RESULT_OF_PARTS}
    WHERE id = ${taskId} AND namespace_id = ${namespaceId} AND status = 'running' AND planned_at_ms IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM task_parts WHERE task_id = ${taskId} AND status = 'open')
    RETURNING id`);
}

/**
 * Binds a collection that the task made to its agent, once the task is complete. It comes right after
 * {@link completeIfDone} in a batch, and binds only if that has completed the task: a later call must not bind what was
 * unbound since.
 */
export function bindNewTarget(db: Database, namespaceId: string, taskId: string) {
  return db.run(sql`INSERT INTO agent_collections (agent_id, collection_id, namespace_id, created_at_ms)
    SELECT json_extract(command, '$.agent.id'), json_extract(command, '$.target.collectionId'), namespace_id, ${nowMs(db)}
    FROM tasks WHERE id = ${taskId} AND namespace_id = ${namespaceId} AND status = 'complete'
      AND changes() > 0 AND json_extract(command, '$.target.newName') IS NOT NULL
    ON CONFLICT (agent_id, collection_id) DO NOTHING`);
}
