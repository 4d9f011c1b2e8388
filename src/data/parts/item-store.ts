import { and, eq, gt, sql } from "drizzle-orm";
import type { ItemProblem, ItemVerdict, TaskItem, TaskUsage } from "../../domain/tasks/task";
import type { ReVoiceCommand } from "../../domain/tasks/operations";
import { parseOwnJson } from "../../domain/basics/own-json";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { taskItems } from "../schema/tasks";
import { tokensLeft } from "./budget-sql";
import { clearLeases, heldBy, type LeasedPart, RESULT_OF_PARTS, WATCHED_UNTIL, type Watched } from "./part-sql";

/** An item that is still to be done, with its source as it is now. */
export interface PendingItem {
  readonly position: number;
  readonly sourceMemoryId: string;
  /** Turns in which the model answered another call, after it had not answered for this item. */
  readonly strikes: number;
  /** Turns in which the model did not answer for this item. */
  readonly unanswered: number;
  /** Null when the source was deleted after the task began. */
  readonly source: {
    readonly text: string;
    readonly occurredAtMs: number | null;
    /** Children that are items of the task too, and so have a re-voiced twin. */
    readonly childMemoryIds: readonly string[];
  } | null;
}

interface PendingRow {
  readonly position: number;
  readonly sourceMemoryId: string;
  readonly strikes: number;
  readonly unanswered: number;
  readonly text: string | null;
  readonly occurredAtMs: number | null;
  readonly childMemoryIds: string | null;
}

/**
 * The items of a part that have no verdict yet, and whether the task's references still stand. One round trip. Those for
 * which the model did not answer come last: they hold up no other.
 * CROSS JOIN fixes the order: from the few links to their memories, not through the whole collection.
 */
export async function loadPart(
  db: Database,
  lease: LeasedPart,
  command: ReVoiceCommand,
): Promise<{ readonly items: readonly PendingItem[]; readonly referencesStand: boolean }> {
  const { taskId, part, namespaceId } = lease;
  const stands = (table: "collections" | "agents", id: string) =>
    sql`EXISTS (SELECT 1 FROM ${sql.identifier(table)} WHERE id = ${id} AND namespace_id = ${namespaceId}
      AND deleted_at_ms IS NULL)`;
  const [rows, references] = await db.batch([
    db.all<PendingRow>(sql`SELECT item.position AS position, item.source_memory_id AS sourceMemoryId,
        item.strikes AS strikes, item.unanswered AS unanswered, source.text AS text, source.occurred_at_ms AS occurredAtMs,
        (SELECT json_group_array(child.id) FROM json_each(source.child_memory_ids) AS link
          CROSS JOIN memories AS child ON child.id = link.value
          WHERE child.collection_id = source.collection_id AND child.deleted_at_ms IS NULL
            AND EXISTS (SELECT 1 FROM task_items AS twin
              WHERE twin.task_id = part.task_id AND twin.source_memory_id = child.id)) AS childMemoryIds
      FROM task_parts AS part
      JOIN task_items AS item ON item.task_id = part.task_id
        AND item.position >= part.first_position AND item.position < part.end_position
      LEFT JOIN memories AS source ON source.id = item.source_memory_id AND source.deleted_at_ms IS NULL
      WHERE part.task_id = ${taskId} AND part.part = ${part} AND part.namespace_id = ${namespaceId}
        AND item.verdict IS NULL
      ORDER BY item.unanswered, item.position`),
    db.all<{ stand: number }>(sql`SELECT (${stands("collections", command.collectionId)}
      AND ${stands("collections", command.target.collectionId)} AND ${stands("agents", command.agent.id)}) AS stand`),
  ]);
  return { items: rows.map(toPendingItem), referencesStand: references[0]?.stand === 1 };
}

function toPendingItem(row: PendingRow): PendingItem {
  const { position, sourceMemoryId, strikes, unanswered, text, occurredAtMs } = row;
  const item = { position, sourceMemoryId, strikes, unanswered };
  if (text === null) return { ...item, source: null };
  const childMemoryIds = parseOwnJson<string[]>(row.childMemoryIds ?? "[]");
  return { ...item, source: { text, occurredAtMs, childMemoryIds } };
}

/** What became of an item. `memory` is the re-voiced one, where there is one. */
export interface ItemResult {
  readonly position: number;
  readonly sourceMemoryId: string;
  readonly verdict: ItemVerdict;
  readonly memory: { readonly id: string; readonly text: string; readonly childMemoryIds: readonly string[] } | null;
  readonly problem: ItemProblem | null;
  readonly usage: TaskUsage;
}

/** What stands after a checkpoint. */
export interface Checkpointed extends Watched {
  /** Positions of results that could not be written, because the memory's source or target vanished: they stay open. */
  readonly openPositions: readonly number[];
  /** Of the task's budget; null without one. */
  readonly tokensLeft: number | null;
}

/**
 * Writes results that ended together, in one transaction, and extends the lease with it. Every statement carries the
 * token and the status, because a batch goes on after a statement that changed nothing.
 * @returns undefined when the lease is lost: nothing was written then.
 */
export async function checkpoint(
  db: Database,
  lease: LeasedPart,
  command: ReVoiceCommand,
  results: readonly ItemResult[],
  leaseMs: number,
): Promise<Checkpointed | undefined> {
  const json = JSON.stringify(results);
  const batch = await db.batch([
    insertMemories(db, lease, command, json),
    db.run(sql`UPDATE collections SET memory_count = memory_count + changes()
      WHERE id = ${command.target.collectionId} AND namespace_id = ${lease.namespaceId} AND changes() > 0`),
    updateItems(db, lease, json),
    updatePart(db, lease, leaseMs),
    failOnFailedItem(db, lease),
    clearLeases(db, lease.namespaceId, lease.taskId),
    db.all<{ open: string; tokensLeft: number | null }>(sql`SELECT (SELECT json_group_array(position) FROM task_items
        WHERE task_id = ${lease.taskId} AND verdict IS NULL
          AND position IN (SELECT json_extract(value, '$.position') FROM json_each(${json}))) AS open,
      ${tokensLeft(lease.taskId)} AS tokensLeft`),
  ]);
  const [[written], [stands]] = [batch[3], batch[6]];
  if (written === undefined || stands === undefined) return undefined;
  return {
    watchedUntilMs: written.watchedUntilMs,
    openPositions: parseOwnJson<number[]>(stands.open),
    tokensLeft: stands.tokensLeft,
  };
}

/** The source row gives all that is carried over; the unique index on (source, task) is the last fence. */
function insertMemories(db: Database, lease: LeasedPart, command: ReVoiceCommand, json: string) {
  return db.run(sql`INSERT INTO memories (id, namespace_id, collection_id, agent_id, text, type, importance, memo,
      metadata, occurred_at_ms, created_at_ms, updated_at_ms, accessed_at_ms, access_count, child_memory_ids,
      source_memory_id, task_id)
    SELECT json_extract(result.value, '$.memory.id'), ${lease.namespaceId}, ${command.target.collectionId},
      ${command.agent.id}, json_extract(result.value, '$.memory.text'), source.type, source.importance, source.memo,
      source.metadata, source.occurred_at_ms, source.created_at_ms, ${nowMs(db)}, source.accessed_at_ms,
      source.access_count, json_extract(result.value, '$.memory.childMemoryIds'), source.id, ${lease.taskId}
    FROM json_each(${json}) AS result
    JOIN collections AS target ON target.id = ${command.target.collectionId} AND target.namespace_id = ${lease.namespaceId}
    JOIN memories AS source ON source.id = json_extract(result.value, '$.sourceMemoryId')
      AND source.namespace_id = ${lease.namespaceId}
    WHERE json_extract(result.value, '$.memory.id') IS NOT NULL AND ${heldBy(lease)}
      AND NOT EXISTS (SELECT 1 FROM memories AS known WHERE known.id = json_extract(result.value, '$.memory.id'))`);
}

/**
 * The list of positions is there for the planner: without it, it reads every item of the task.
 * An item whose memory could not be written (its source or its target vanished) stays open; the next load tells.
 * What a former run spent on a memory that failed stays counted: each run adds its own.
 */
function updateItems(db: Database, lease: LeasedPart, json: string) {
  return db.run(sql`UPDATE task_items SET
      verdict = json_extract(result.value, '$.verdict'),
      result_memory_id = json_extract(result.value, '$.memory.id'),
      problem = json_extract(result.value, '$.problem'),
      model_calls = task_items.model_calls + json_extract(result.value, '$.usage.modelCalls'),
      input_tokens = task_items.input_tokens + json_extract(result.value, '$.usage.inputTokens'),
      output_tokens = task_items.output_tokens + json_extract(result.value, '$.usage.outputTokens'),
      ended_at_ms = ${nowMs(db)}
    FROM json_each(${json}) AS result
    WHERE task_items.task_id = ${lease.taskId} AND task_items.namespace_id = ${lease.namespaceId}
      AND task_items.position IN (SELECT json_extract(value, '$.position') FROM json_each(${json}))
      AND task_items.position = json_extract(result.value, '$.position') AND task_items.verdict IS NULL
      AND (json_extract(result.value, '$.memory.id') IS NULL OR EXISTS (
        SELECT 1 FROM memories WHERE memories.id = json_extract(result.value, '$.memory.id')))
      AND ${heldBy(lease)}`);
}

/** A checkpoint is progress: the count of vain attempts begins anew. */
function updatePart(db: Database, lease: LeasedPart, leaseMs: number) {
  const own = sql`FROM task_items WHERE task_items.task_id = task_parts.task_id
    AND position >= first_position AND position < end_position`;
  return db.all<Watched>(sql`UPDATE task_parts SET attempts = 0,
      lease_expires_at_ms = ${nowMs(db)} + ${leaseMs}, updated_at_ms = ${nowMs(db)},
      (re_voiced, flagged, skipped, failed, model_calls, input_tokens, output_tokens) = (SELECT
        coalesce(sum(verdict IN ('re_voiced', 'flagged')), 0), coalesce(sum(verdict = 'flagged'), 0),
        coalesce(sum(verdict = 'skipped'), 0), coalesce(sum(verdict = 'failed'), 0),
        sum(task_items.model_calls), sum(task_items.input_tokens), sum(task_items.output_tokens) ${own})
    WHERE task_id = ${lease.taskId} AND part = ${lease.part} AND ${heldBy(lease)} RETURNING ${WATCHED_UNTIL}`);
}

function failOnFailedItem(db: Database, lease: LeasedPart) {
  const error = JSON.stringify({
    code: "item-failed",
    detail: "A memory failed, and on_item_error is `fail`. See the items of the task.",
  });
  return db.run(sql`UPDATE tasks SET status = 'error', error = ${error}, ended_at_ms = ${nowMs(db)},
      updated_at_ms = ${nowMs(db)}, result = ${RESULT_OF_PARTS}
    WHERE id = ${lease.taskId} AND namespace_id = ${lease.namespaceId}
      AND json_extract(command, '$.onItemError') = 'fail'
      AND EXISTS (SELECT 1 FROM task_parts WHERE task_id = ${lease.taskId} AND part = ${lease.part} AND failed > 0)
      AND ${heldBy(lease)}`);
}

export interface ItemPage {
  readonly items: readonly TaskItem[];
  /** The position after which the next page begins, or null at the end. */
  readonly next: number | null;
}

export async function listItems(
  db: Database,
  namespaceId: string,
  taskId: string,
  filter: { readonly verdict: ItemVerdict | undefined; readonly afterPosition: number; readonly limit: number },
): Promise<ItemPage> {
  const rows = await db
    .select()
    .from(taskItems)
    .where(
      and(
        eq(taskItems.namespaceId, namespaceId),
        eq(taskItems.taskId, taskId),
        gt(taskItems.position, filter.afterPosition),
        filter.verdict === undefined ? undefined : eq(taskItems.verdict, filter.verdict),
      ),
    )
    .orderBy(taskItems.position)
    .limit(filter.limit + 1);
  const items = rows.slice(0, filter.limit);
  const more = rows.length > filter.limit;
  return { items, next: more ? (items.at(-1)?.position ?? null) : null };
}
