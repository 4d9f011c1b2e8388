import { sql, type SQL } from "drizzle-orm";
import type { Memory } from "../../domain/memories/memory";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { type CursorStep, type StepOutcome, stepWritten, writeStep } from "../parts/cursor-store";

/** A memory of a file, as it will stand in the collection. */
export interface ImportedRow extends Omit<Memory, "collectionId" | "createdAtMs" | "deletedAtMs" | "version"> {
  /** As the file says; null for the time at which it is written. */
  readonly createdAtMs: number | null;
  /** What makes it the same as one that is there; null for one with a source, which (source, task) identifies. */
  readonly sameKey: string | null;
  /** Null as the key is. */
  readonly digest: string | null;
}

/** In which collection each of these memories is, deleted ones too, of whatever namespace: ids are unique over all. */
export async function findHomes(db: Database, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await db.all<{ id: string; home: string }>(sql`SELECT memories.id AS id, collection_id AS home
    FROM json_each(${JSON.stringify(ids)}) AS asked CROSS JOIN memories ON memories.id = asked.value`);
  return new Map(rows.map(({ id, home }) => [id, home]));
}

/**
 * Writes a step of an import: the memories that are new, those with a known external id and other content, the counts,
 * and the cursor. What was deleted from this collection softly comes back under its id.
 * @param step refused when another collection has taken an id meanwhile, or this one was deleted.
 */
export function importMemories(
  db: Database,
  step: CursorStep,
  collectionId: string,
  rows: readonly ImportedRow[],
): Promise<StepOutcome> {
  const ids = JSON.stringify(rows.map(({ id }) => id));
  const condition = sql`EXISTS (SELECT 1 FROM collections
      WHERE id = ${collectionId} AND namespace_id = ${step.lease.namespaceId} AND deleted_at_ms IS NULL)
    AND NOT EXISTS (SELECT 1 FROM json_each(${ids}) AS given
      CROSS JOIN memories ON memories.id = given.value AND memories.collection_id <> ${collectionId})`;
  const known = rows.filter(({ externalId }) => externalId !== null);
  return writeStep(db, { ...step, condition }, [
    insertNew(db, step, collectionId, JSON.stringify(rows.map(toColumns))),
    addChanges(db, step, "created"),
    countNew(db, step, collectionId),
    updateKnown(db, step, collectionId, JSON.stringify(known.map(toColumns))),
    addChanges(db, step, "updated"),
    countSkipped(db, step),
  ]);
}

/** JSON columns go as text, to be stored as they are. */
function toColumns({ metadata, childMemoryIds, source, ...columns }: ImportedRow) {
  return {
    ...columns,
    metadata: JSON.stringify(metadata),
    childMemoryIds: JSON.stringify(childMemoryIds),
    sourceMemoryId: source?.memoryId ?? null,
    taskId: source?.taskId ?? null,
  };
}

/** The columns that a file gives, and where each stands in the JSON of a row. */
const COLUMNS = {
  agent_id: "agentId",
  text: "text",
  vector_text: "vectorText",
  type: "type",
  importance: "importance",
  memo: "memo",
  metadata: "metadata",
  occurred_at_ms: "occurredAtMs",
  accessed_at_ms: "accessedAtMs",
  access_count: "accessCount",
  child_memory_ids: "childMemoryIds",
  external_id: "externalId",
  same_key: "sameKey",
  digest: "digest",
  source_memory_id: "sourceMemoryId",
  task_id: "taskId",
};
const NAMES = sql.raw(Object.keys(COLUMNS).join(", "));
const VALUES = sql.raw(
  Object.values(COLUMNS)
    .map((name) => `value ->> '${name}'`)
    .join(", "),
);
const EXCLUDED = sql.raw(
  Object.keys(COLUMNS)
    .map((name) => `${name} = excluded.${name}`)
    .join(", "),
);

function insertNew(db: Database, step: CursorStep, collectionId: string, json: string) {
  return db.run(sql`INSERT INTO memories (id, namespace_id, collection_id, created_at_ms, updated_at_ms, ${NAMES})
    SELECT value ->> 'id', ${step.lease.namespaceId}, ${collectionId},
      coalesce(value ->> 'createdAtMs', ${nowMs(db)}), ${nowMs(db)}, ${VALUES}
    FROM json_each(${json}) WHERE ${stepWritten(step)}
    ON CONFLICT (id) DO UPDATE SET created_at_ms = excluded.created_at_ms, updated_at_ms = excluded.updated_at_ms,
      deleted_at_ms = NULL, version = memories.version + 1, ${EXCLUDED}
      WHERE memories.collection_id = excluded.collection_id AND memories.deleted_at_ms IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM memories AS twin WHERE twin.collection_id = excluded.collection_id
          AND twin.same_key = excluded.same_key AND twin.same_key IS NOT NULL AND twin.deleted_at_ms IS NULL)
        AND NOT EXISTS (SELECT 1 FROM memories AS twin WHERE twin.source_memory_id = excluded.source_memory_id
          AND twin.task_id = excluded.task_id AND twin.collection_id = excluded.collection_id
          AND twin.task_id IS NOT NULL AND twin.id <> excluded.id)
    ON CONFLICT DO NOTHING`);
}

const given = (name: string): SQL => sql.raw(`given.value ->> '${name}'`);

/** As of an add: what has a known external id and other content replaces that content, and nothing else. */
function updateKnown(db: Database, step: CursorStep, collectionId: string, json: string) {
  return db.run(sql`UPDATE memories SET agent_id = ${given("agentId")}, text = ${given("text")},
      vector_text = ${given("vectorText")}, type = ${given("type")}, importance = ${given("importance")},
      memo = ${given("memo")}, metadata = ${given("metadata")}, occurred_at_ms = ${given("occurredAtMs")},
      child_memory_ids = ${given("childMemoryIds")}, digest = ${given("digest")}, updated_at_ms = ${nowMs(db)},
      version = memories.version + 1
    FROM json_each(${json}) AS given
    WHERE memories.collection_id = ${collectionId} AND memories.same_key IS NOT NULL AND memories.deleted_at_ms IS NULL
      AND memories.same_key IN (SELECT value ->> 'sameKey' FROM json_each(${json}))
      AND memories.same_key = given.value ->> 'sameKey'
      AND memories.external_id IS NOT NULL AND memories.digest <> given.value ->> 'digest' AND ${stepWritten(step)}`);
}

/** Notes how many rows the statement before changed, and adds them to a count of the result. Done again it is none. */
function addChanges(db: Database, step: CursorStep, count: "created" | "updated") {
  const path = `$.result.${count}`;
  return setCursor(db, step, sql`'$.changed', changes(), ${path}, json_extract(cursor, ${path}) + changes()`);
}

/** What was taken, and neither created nor updated, was there already. */
function countSkipped(db: Database, step: CursorStep) {
  const skipped = sql`CAST(done AS INTEGER) - json_extract(cursor, '$.result.created')
    - json_extract(cursor, '$.result.updated')`;
  return setCursor(db, step, sql`'$.result.skipped', ${skipped}`);
}

function setCursor(db: Database, step: CursorStep, pairs: SQL) {
  const { lease } = step;
  return db.run(sql`UPDATE task_parts SET cursor = json_set(cursor, ${pairs})
    WHERE task_id = ${lease.taskId} AND part = ${lease.part} AND ${stepWritten(step)}`);
}

function countNew(db: Database, step: CursorStep, collectionId: string) {
  const { lease } = step;
  return db.run(sql`UPDATE collections SET memory_count = memory_count + (SELECT json_extract(cursor, '$.changed')
      FROM task_parts WHERE task_id = ${lease.taskId} AND part = ${lease.part})
    WHERE id = ${collectionId} AND namespace_id = ${lease.namespaceId} AND ${stepWritten(step)}`);
}
