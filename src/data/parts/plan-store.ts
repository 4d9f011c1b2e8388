import { sql, type SQL } from "drizzle-orm";
import { PART_MEMORIES, REFERENCE_GONE } from "../../domain/tasks/task";
import type { ReVoiceCommand, TaskCursor } from "../../domain/tasks/operations";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { bindNewTarget, completeIfDone } from "./part-sql";

interface PlanInput {
  readonly namespaceId: string;
  readonly taskId: string;
  readonly ringMs: number;
}

/**
 * Fixes what a re-voicing will do: its target collection, one item for each memory that is present now, and parts of
 * bounded size. One `batch()` is one transaction, and each statement stands only while the task is created and without
 * a plan; so of two planners one does all and the other nothing, and no reader ever sees half a plan. The last
 * statement seals, and completes a task that has nothing to do. A task whose references are gone ends instead.
 * @returns how many items it has, if this call made the plan.
 */
export async function planItems(
  db: Database,
  input: PlanInput & { readonly command: ReVoiceCommand },
): Promise<number | undefined> {
  const { namespaceId, taskId } = input;
  const [, , , , sealed] = await db.batch([
    failWithoutReferences(db, input),
    insertTarget(db, input),
    insertItems(db, input),
    insertParts(db, input),
    seal(db, input, sql`(SELECT count(*) FROM task_items WHERE task_id = ${taskId})`),
    completeIfDone(db, namespaceId, taskId),
    bindNewTarget(db, namespaceId, taskId),
  ]);
  return sealed[0]?.total;
}

/** What was removed for good before the plan leaves nothing to plan: without this the task would complete without work. */
function failWithoutReferences(db: Database, input: PlanInput & { readonly command: ReVoiceCommand }) {
  const { namespaceId, taskId, command } = input;
  const error = JSON.stringify(REFERENCE_GONE);
  const stands = (table: "collections" | "agents", id: string) =>
    sql`EXISTS (SELECT 1 FROM ${sql.identifier(table)} WHERE id = ${id} AND namespace_id = ${namespaceId}
      AND deleted_at_ms IS NULL)`;
  return db.run(sql`UPDATE tasks SET status = 'error', error = ${error}, ended_at_ms = ${nowMs(db)}, updated_at_ms = ${nowMs(db)}
    WHERE id = ${taskId} AND namespace_id = ${namespaceId} AND status = 'created' AND planned_at_ms IS NULL
      AND NOT (${stands("agents", command.agent.id)} AND ${stands("collections", command.collectionId)}
        AND (${command.target.newName} IS NOT NULL OR ${stands("collections", command.target.collectionId)}))`);
}

/**
 * Fixes that the work is one part, which goes by a cursor from where that stands. As {@link planItems}.
 * @param countOf the collection whose memories are the work; null when the total is found out on the way.
 */
export async function planCursor(
  db: Database,
  input: PlanInput & { readonly cursor: TaskCursor; readonly countOf: string | null },
): Promise<boolean> {
  const { namespaceId, taskId, cursor, countOf } = input;
  const count = sql`SELECT memory_count FROM collections WHERE id = ${countOf} AND namespace_id = ${namespaceId}`;
  const [, sealed] = await db.batch([
    db.run(sql`INSERT INTO task_parts
        (task_id, part, first_position, end_position, namespace_id, status, attempts, not_before_ms, re_voiced, flagged,
         skipped, failed, model_calls, input_tokens, output_tokens, updated_at_ms, cursor, done)
      SELECT ${taskId}, 0, 0, 0, ${namespaceId}, 'open', 0, 0, 0, 0, 0, 0, 0, 0, 0, ${nowMs(db)},
        ${JSON.stringify(cursor)}, 0
      WHERE ${unplanned(input)}
      ON CONFLICT (task_id, part) DO NOTHING`),
    seal(db, input, sql`(${count})`),
  ]);
  return sealed.length > 0;
}

function unplanned({ taskId, namespaceId }: PlanInput) {
  return sql`EXISTS (SELECT 1 FROM tasks WHERE id = ${taskId} AND namespace_id = ${namespaceId}
    AND status = 'created' AND planned_at_ms IS NULL)`;
}

function seal(db: Database, { taskId, namespaceId, ringMs }: PlanInput, total: SQL) {
  return db.all<{ total: number }>(sql`UPDATE tasks SET status = 'running', attempts = 1, planned_at_ms = ${nowMs(db)},
      started_at_ms = ${nowMs(db)}, run_started_at_ms = ${nowMs(db)}, run_base = 0, updated_at_ms = ${nowMs(db)}, total = ${total},
      ring_at_ms = ${nowMs(db)} + ${ringMs}, rings = 0
    WHERE id = ${taskId} AND namespace_id = ${namespaceId} AND status = 'created' AND planned_at_ms IS NULL
    RETURNING total`);
}

function insertTarget(db: Database, input: PlanInput & { readonly command: ReVoiceCommand }) {
  const { namespaceId, command } = input;
  return db.run(sql`INSERT INTO collections
      (id, namespace_id, name, agent_id, metadata, memory_count, version, created_at_ms, updated_at_ms)
    SELECT ${command.target.collectionId}, ${namespaceId}, ${command.target.newName}, ${command.agent.id}, '{}', 0, 1,
      ${nowMs(db)}, ${nowMs(db)}
    WHERE ${command.target.newName} IS NOT NULL AND ${unplanned(input)}
    ON CONFLICT (id) DO NOTHING`);
}

function insertItems(db: Database, input: PlanInput & { readonly command: ReVoiceCommand }) {
  const { namespaceId, taskId, command } = input;
  return db.run(sql`INSERT INTO task_items
      (task_id, position, namespace_id, source_memory_id, model_calls, input_tokens, output_tokens)
    SELECT ${taskId}, position, ${namespaceId}, id, 0, 0, 0 FROM (
      SELECT id, row_number() OVER (ORDER BY coalesce(occurred_at_ms, created_at_ms), seq) - 1 AS position
      FROM memories
      WHERE collection_id = ${command.collectionId} AND namespace_id = ${namespaceId} AND deleted_at_ms IS NULL)
    WHERE ${unplanned(input)}
    ON CONFLICT (task_id, position) DO NOTHING`);
}

function insertParts(db: Database, input: PlanInput & { readonly command: ReVoiceCommand }) {
  const { namespaceId, taskId } = input;
  // D1 binds every number as a float, so the quotient must be made whole.
  const part = sql`CAST(position / ${PART_MEMORIES} AS INTEGER)`;
  return db.run(sql`INSERT INTO task_parts
      (task_id, part, first_position, end_position, namespace_id, status, attempts, not_before_ms, re_voiced, flagged, skipped, failed,
       model_calls, input_tokens, output_tokens, updated_at_ms)
    SELECT ${taskId}, ${part}, min(position), max(position) + 1, ${namespaceId}, 'open',
      0, 0, 0, 0, 0, 0, 0, 0, 0, ${nowMs(db)}
    FROM task_items WHERE task_id = ${taskId} AND ${unplanned(input)}
    GROUP BY ${part}
    ON CONFLICT (task_id, part) DO NOTHING`);
}
