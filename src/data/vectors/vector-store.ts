import { and, eq, isNull, sql } from "drizzle-orm";
import type { RecallFilters } from "../../domain/recall/recall-filters";
import type { VectorSpace } from "../../domain/vectors/vector-space";
import type { Database } from "../database/database";
import { recallFilterSql } from "../memories/filter-sql";
import { memories } from "../schema/core";
import { memoryVectors } from "../schema/vectors";

/** A collection of a namespace. */
export interface CollectionPlace {
  readonly namespaceId: string;
  readonly collectionId: string;
}

/** A live memory without a vector in the space that was asked for. */
export interface UnembeddedMemory {
  readonly seq: number;
  readonly id: string;
  readonly text: string;
  readonly vectorText: string | null;
  /** With `updatedAtMs`: tells whether the text is still the one that was read. */
  readonly digest: string | null;
  readonly updatedAtMs: number;
}

/** Which of these memories, at most 100, are live in the collection and have no vector in the space. */
export async function findUnembedded(
  db: Database,
  { namespaceId, collectionId }: CollectionPlace,
  memoryIds: readonly string[],
  space: VectorSpace,
): Promise<readonly UnembeddedMemory[]> {
  return db.all<UnembeddedMemory>(sql`
    SELECT memories.seq AS seq, memories.id AS id, text, vector_text AS vectorText, digest, updated_at_ms AS updatedAtMs
    FROM ${memories} LEFT JOIN ${memoryVectors} ON memory_vectors.seq = memories.seq
    WHERE memories.id IN (SELECT value FROM json_each(${JSON.stringify(memoryIds)}))
      AND memories.namespace_id = ${namespaceId} AND +memories.collection_id = ${collectionId}
      AND memories.deleted_at_ms IS NULL
      AND (memory_vectors.seq IS NULL OR memory_vectors.embedder_id <> ${space.embedderId}
        OR memory_vectors.dimensions <> ${space.dimensions} OR memory_vectors.stored_in <> ${space.storedIn})
    ORDER BY memories.seq`);
}

/** What the statements of {@link vectorMarks} are told of a memory. */
export type EmbeddedText = Pick<UnembeddedMemory, "seq" | "id" | "digest" | "updatedAtMs">;

/**
 * Statements that note which memories have a vector now: only those whose text is still the one that was embedded, and
 * which are still there. For a transaction; the second answers whose vectors were noted.
 * @param blockId of the block that the transaction has written before; null where the vectors lie elsewhere.
 */
export function vectorMarks(
  db: Database,
  { namespaceId, collectionId }: CollectionPlace,
  space: VectorSpace,
  embedded: readonly EmbeddedText[],
  blockId: string | null,
) {
  const json = JSON.stringify(embedded.map(({ seq, id, digest, updatedAtMs }) => ({ seq, id, digest, updatedAtMs })));
  const unchanged = sql`FROM json_each(${json}) AS given CROSS JOIN memories ON memories.seq = given.value ->> 'seq'
    WHERE memories.id = given.value ->> 'id' AND memories.digest IS given.value ->> 'digest'
      AND memories.updated_at_ms = given.value ->> 'updatedAtMs' AND memories.deleted_at_ms IS NULL
      AND memories.namespace_id = ${namespaceId} AND +memories.collection_id = ${collectionId}`;
  return [
    db.all<{ seq: number }>(sql`DELETE FROM memory_vectors WHERE seq IN (SELECT memories.seq ${unchanged})`),
    db.all<{ seq: number }>(sql`
      INSERT INTO memory_vectors (seq, memory_id, namespace_id, collection_id, embedder_id, dimensions, stored_in, block_seq)
      SELECT memories.seq, memories.id, memories.namespace_id, memories.collection_id, ${space.embedderId}, ${space.dimensions},
        ${space.storedIn}, (SELECT seq FROM memory_vector_blocks WHERE id = ${blockId})
      ${unchanged}
      RETURNING seq`),
  ] as const;
}

/** Notes vectors that lie outside of the database, which {@link announceVectors} has announced. @returns whose they are. */
export async function markVectors(
  db: Database,
  place: CollectionPlace,
  space: VectorSpace,
  embedded: readonly EmbeddedText[],
): Promise<ReadonlySet<number>> {
  const ids = JSON.stringify(embedded.map(({ id }) => id));
  const [, marked] = await db.batch([
    ...vectorMarks(db, place, space, embedded, null),
    db.all(sql`DELETE FROM vector_removals WHERE memory_id IN (SELECT memories.id FROM json_each(${ids}) AS given
      CROSS JOIN memories ON memories.id = given.value CROSS JOIN memory_vectors ON memory_vectors.seq = memories.seq)`),
  ]);
  return new Set(marked.map(({ seq }) => seq));
}

/** Forgets that these memories have a vector: they get a new one from a rebuild. */
export async function removeVectorMarks(
  db: Database,
  { namespaceId, collectionId }: CollectionPlace,
  seqs: readonly number[],
): Promise<void> {
  await db.run(sql`DELETE FROM memory_vectors WHERE seq IN (SELECT value FROM json_each(${JSON.stringify(seqs)}))
    AND namespace_id = ${namespaceId} AND +collection_id = ${collectionId}`);
}

/** The row numbers of those of these memories that are live in the collection, pass the filters and have a vector there. */
export async function findVectorSeqs(
  db: Database,
  { namespaceId, collectionId }: CollectionPlace,
  space: VectorSpace,
  asked: { readonly memoryIds: readonly string[]; readonly filters: RecallFilters },
): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .select({ id: memories.id, seq: memories.seq })
    .from(memories)
    .innerJoin(memoryVectors, eq(memoryVectors.seq, memories.seq))
    .where(
      and(
        sql`${memories.id} IN (SELECT value FROM json_each(${JSON.stringify(asked.memoryIds)}))`,
        eq(memories.namespaceId, namespaceId),
        sql`+${memories.collectionId} = ${collectionId}`,
        isNull(memories.deletedAtMs),
        eq(memoryVectors.embedderId, space.embedderId),
        eq(memoryVectors.dimensions, space.dimensions),
        eq(memoryVectors.storedIn, space.storedIn),
        recallFilterSql(asked.filters),
      ),
    );
  return new Map(rows.map(({ id, seq }) => [id, seq]));
}
