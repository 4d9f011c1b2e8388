import { sql, type SQL } from "drizzle-orm";
import type { MemoryContent } from "../../domain/memories/memory";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";

/** A memory to be added, under an id that was made for this call alone. */
export interface NewMemory extends MemoryContent {
  readonly id: string;
  /** Two memories of a collection with the same key are the same memory. */
  readonly sameKey: string;
  /** Equal for equal content. */
  readonly digest: string;
}

export interface InsertedMemory {
  /** The new memory's own id, or that of the memory that was there under the same key. */
  readonly id: string;
  /** True when the content of the memory that was there was replaced. */
  readonly updated: boolean;
}

interface KeyedRow {
  readonly id: string;
  readonly sameKey: string;
}

/** A row or a bound value of D1 has at most 2 MB; this leaves room. */
const STATEMENT_BYTES_MAX = 900_000;

/**
 * Adds memories to a live collection, in one transaction: a memory whose key is new is inserted; one with a known
 * external id and other content replaces that content; all else is left as it is. Counts what was inserted. Keys must
 * differ within the call.
 * @returns by key; empty when the collection is not there or deleted: nothing was written then.
 */
export async function insertMemories(
  db: Database,
  namespaceId: string,
  collectionId: string,
  added: readonly NewMemory[],
): Promise<ReadonlyMap<string, InsertedMemory>> {
  const [first, ...others] = chunksOf(added).map((json) =>
    db.all<KeyedRow>(upsert(db, namespaceId, collectionId, json)),
  );
  if (first === undefined) return new Map();
  const results = await db.batch([
    first,
    ...others,
    db.all<KeyedRow>(countNew(namespaceId, collectionId, added)),
    db.all<KeyedRow>(selectKeyed(namespaceId, collectionId, added)),
  ]);
  const newIds = new Set(added.map((memory) => memory.id));
  const written = new Set(results.slice(0, -2).flatMap((rows) => rows.map((row) => row.id)));
  const present = results.at(-1) ?? [];
  return new Map(
    present.map(({ id, sameKey }) => [sameKey, { id, updated: written.has(id) && !newIds.has(id) }] as const),
  );
}

/** The memories travel as one JSON parameter: a query has at most 100 parameters, and its text at most 100 KB. */
function upsert(db: Database, namespaceId: string, collectionId: string, json: string): SQL {
  return sql`
    INSERT INTO memories (id, namespace_id, collection_id, agent_id, text, vector_text, type, importance, memo, metadata,
      occurred_at_ms, created_at_ms, updated_at_ms, access_count, child_memory_ids, external_id, same_key, digest)
    SELECT value ->> 'id', ${namespaceId}, ${collectionId}, value ->> 'agentId', value ->> 'text',
      value ->> 'vectorText', value ->> 'type', value ->> 'importance', value ->> 'memo', value ->> 'metadata',
      value ->> 'occurredAtMs', ${nowMs(db)}, ${nowMs(db)}, 0, value ->> 'childMemoryIds', value ->> 'externalId',
      value ->> 'sameKey', value ->> 'digest'
    FROM json_each(${json})
    WHERE EXISTS (SELECT 1 FROM collections
      WHERE id = ${collectionId} AND namespace_id = ${namespaceId} AND deleted_at_ms IS NULL)
    ON CONFLICT (collection_id, same_key) WHERE same_key IS NOT NULL AND deleted_at_ms IS NULL
    DO UPDATE SET agent_id = excluded.agent_id, text = excluded.text, vector_text = excluded.vector_text,
      type = excluded.type, importance = excluded.importance, memo = excluded.memo, metadata = excluded.metadata,
      occurred_at_ms = excluded.occurred_at_ms, updated_at_ms = excluded.updated_at_ms,
      child_memory_ids = excluded.child_memory_ids, digest = excluded.digest, version = memories.version + 1
    WHERE memories.external_id IS NOT NULL AND memories.digest <> excluded.digest
    RETURNING id, same_key AS sameKey`;
}

/** Exact, because the ids are random and of this call alone: the ones that exist now were inserted by it. */
function countNew(namespaceId: string, collectionId: string, added: readonly NewMemory[]): SQL {
  return sql`
    UPDATE collections SET memory_count = memory_count + (SELECT count(*) FROM memories
      WHERE id IN (SELECT value FROM json_each(${JSON.stringify(added.map((memory) => memory.id))})))
    WHERE id = ${collectionId} AND namespace_id = ${namespaceId}`;
}

function selectKeyed(namespaceId: string, collectionId: string, added: readonly NewMemory[]): SQL {
  return sql`
    SELECT id, same_key AS sameKey FROM memories
    WHERE namespace_id = ${namespaceId} AND collection_id = ${collectionId} AND deleted_at_ms IS NULL
      AND same_key IS NOT NULL AND EXISTS (SELECT 1 FROM collections WHERE id = ${collectionId} AND deleted_at_ms IS NULL)
      AND same_key IN (SELECT value FROM json_each(${JSON.stringify(added.map((memory) => memory.sameKey))}))`;
}

/** JSON arrays of the memories in their order, each of bounded size. JSON columns go as text, to be stored as they are. */
function chunksOf(added: readonly NewMemory[]): readonly string[] {
  const chunks: string[][] = [];
  let room = 0;
  for (const memory of added) {
    const { metadata, childMemoryIds, ...columns } = memory;
    const json = JSON.stringify({
      ...columns,
      metadata: JSON.stringify(metadata),
      childMemoryIds: JSON.stringify(childMemoryIds),
    });
    const bytes = new TextEncoder().encode(json).byteLength;
    if (bytes > room) {
      chunks.push([]);
      room = STATEMENT_BYTES_MAX;
    }
    room -= bytes;
    chunks.at(-1)?.push(json);
  }
  return chunks.map((rows) => `[${rows.join(",")}]`);
}
