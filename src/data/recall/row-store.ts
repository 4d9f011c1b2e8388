import { and, eq, inArray, isNull, sql } from "drizzle-orm";
import type { Memory } from "../../domain/memories/memory";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { memoryColumns, toMemory } from "../memories/memory-store";
import { memories } from "../schema/core";

/** Asks for memories of a collection by their row numbers. */
export interface RowsQuery {
  readonly collectionId: string;
  readonly seqs: readonly number[];
}

/** Bounds what one answer may weigh: memories have up to 8,000 characters. */
export const ROWS_PER_BATCH_MAX = 2_000;

/**
 * Reads memories that are not deleted, nor their collection, by their row numbers: in as few round trips as the limit allows. What belongs to
 * another namespace or collection is left out, whatever its number.
 */
export async function findMemoriesBySeq(
  db: Database,
  namespaceId: string,
  queries: readonly RowsQuery[],
): Promise<ReadonlyMap<number, Memory>> {
  const found = new Map<number, Memory>();
  for (const chunk of chunksOf(queries)) {
    const [first, ...rest] = chunk.map(({ collectionId, seqs }) =>
      db
        .select({ seq: memories.seq, ...memoryColumns })
        .from(memories)
        .where(
          and(
            inArray(memories.seq, sql`(SELECT value FROM json_each(${JSON.stringify(seqs)}))`),
            eq(memories.namespaceId, namespaceId),
            // The plus keeps SQLite from walking the whole collection instead of looking up the rows.
            sql`+${memories.collectionId} = ${collectionId}`,
            isNull(memories.deletedAtMs),
            sql`EXISTS (SELECT 1 FROM collections WHERE id = ${collectionId} AND deleted_at_ms IS NULL)`,
          ),
        ),
    );
    if (first === undefined) continue;
    const answers = await db.batch([first, ...rest]);
    for (const { seq, ...row } of answers.flat()) found.set(seq, toMemory(row));
  }
  return found;
}

/** Notes that a user's recall brought these memories up; one write. */
export async function noteAccess(db: Database, namespaceId: string, memoryIds: readonly string[]): Promise<void> {
  await db
    .update(memories)
    .set({ accessedAtMs: nowMs(db), accessCount: sql`${memories.accessCount} + 1` })
    .where(
      and(
        inArray(memories.id, sql`(SELECT value FROM json_each(${JSON.stringify(memoryIds)}))`),
        eq(memories.namespaceId, namespaceId),
        isNull(memories.deletedAtMs),
      ),
    );
}

function* chunksOf(queries: readonly RowsQuery[]): Generator<readonly RowsQuery[]> {
  let chunk: RowsQuery[] = [];
  let room = ROWS_PER_BATCH_MAX;
  for (const { collectionId, seqs } of queries) {
    for (let start = 0; start < seqs.length;) {
      const part = seqs.slice(start, start + room);
      chunk.push({ collectionId, seqs: part });
      [start, room] = [start + part.length, room - part.length];
      if (room > 0) continue;
      yield chunk;
      [chunk, room] = [[], ROWS_PER_BATCH_MAX];
    }
  }
  if (chunk.length > 0) yield chunk;
}
