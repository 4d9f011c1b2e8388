import { sql } from "drizzle-orm";
import { parseOwnJson } from "../../domain/basics/own-json";
import type { RecallFilters } from "../../domain/recall/recall-filters";
import { fromBase64, toBase64 } from "../../domain/vectors/vector-block";
import type { VectorSpace } from "../../domain/vectors/vector-space";
import type { Database } from "../database/database";
import { recallFilterSql } from "../memories/filter-sql";
import { memories } from "../schema/core";
import { memoryVectorBlocks } from "../schema/vectors";
import { type CollectionPlace, type EmbeddedText, vectorMarks } from "./vector-store";

/** Packed vectors of some memories of a collection. */
export interface VectorBlock {
  readonly seq: number;
  /** In the order of their vectors; some may have no vector here any more. */
  readonly memorySeqs: readonly number[];
  readonly vectors: Int8Array;
  /** Those of the memories whose vector this is, which are live and pass the filters. */
  readonly liveSeqs: ReadonlySet<number>;
}

export interface BlocksQuery extends CollectionPlace {
  readonly filters: RecallFilters;
  /** Only blocks older than this one; null for the newest. */
  readonly before: number | null;
  readonly limit: number;
}

interface Row {
  readonly seq: number;
  readonly memorySeqs: string;
  readonly vectors: string;
  readonly liveSeqs: string;
}

/** Blocks of each collection, the newest first; one round trip. Each memory in them is looked up once by its row number. */
export async function findBlocks(
  db: Database,
  space: VectorSpace,
  queries: readonly BlocksQuery[],
): Promise<readonly (readonly VectorBlock[])[]> {
  const [first, ...rest] = queries.map((query) => blocksOf(db, space, query));
  if (first === undefined) return [];
  const answers = await db.batch([first, ...rest]);
  return answers.map((rows) => rows.map(toBlock));
}

function blocksOf(db: Database, space: VectorSpace, query: BlocksQuery) {
  const { namespaceId, collectionId, filters, before, limit } = query;
  const condition = recallFilterSql(filters);
  // The plus keeps SQLite from walking the whole collection instead of looking up the rows.
  return db.all<Row>(sql`
    SELECT seq, memory_seqs AS memorySeqs, vectors,
      (SELECT json_group_array(memories.seq) FROM memory_vectors CROSS JOIN ${memories} ON memories.seq = memory_vectors.seq
        WHERE memory_vectors.block_seq = memory_vector_blocks.seq AND memories.namespace_id = ${namespaceId}
          AND +memories.collection_id = ${collectionId} AND memories.deleted_at_ms IS NULL
          ${condition === undefined ? sql`` : sql`AND ${condition}`}) AS liveSeqs
    FROM ${memoryVectorBlocks}
    WHERE collection_id = ${collectionId} AND embedder_id = ${space.embedderId} AND dimensions = ${space.dimensions}
      AND namespace_id = ${namespaceId} ${before === null ? sql`` : sql`AND seq < ${before}`}
    ORDER BY seq DESC LIMIT ${limit}`);
}

function toBlock({ seq, memorySeqs, vectors, liveSeqs }: Row): VectorBlock {
  return {
    seq,
    memorySeqs: parseOwnJson<readonly number[]>(memorySeqs),
    vectors: fromBase64(vectors),
    liveSeqs: new Set(parseOwnJson<readonly number[]>(liveSeqs)),
  };
}

/** What a block is made of: vectors that were made now, and those of blocks that it takes the place of. */
export interface NewBlock {
  readonly id: string;
  readonly memorySeqs: readonly number[];
  readonly vectors: Int8Array;
  readonly embedded: readonly EmbeddedText[];
  readonly mergedSeqs: readonly number[];
}

/**
 * Writes a block and notes whose vectors it holds, in one transaction. Blocks that were merged into it lose their memories
 * to it, and go. When two writes merge the same block, the memories go to the first, and the other holds them in vain.
 * @returns how many memories have a vector now that had none.
 */
export async function insertBlock(
  db: Database,
  place: CollectionPlace,
  space: VectorSpace,
  block: NewBlock,
): Promise<number> {
  const { namespaceId, collectionId } = place;
  const merged = JSON.stringify(block.mergedSeqs);
  const [, , marked] = await db.batch([
    db.all(sql`
      INSERT INTO memory_vector_blocks (id, namespace_id, collection_id, embedder_id, dimensions, memory_seqs, vectors)
      VALUES (${block.id}, ${namespaceId}, ${collectionId}, ${space.embedderId}, ${space.dimensions},
        ${JSON.stringify(block.memorySeqs)}, ${toBase64(block.vectors)})
      ON CONFLICT (id) DO NOTHING`),
    ...vectorMarks(db, place, space, block.embedded, block.id),
    db.all(sql`UPDATE memory_vectors SET block_seq = (SELECT seq FROM memory_vector_blocks WHERE id = ${block.id})
      WHERE block_seq IN (SELECT value FROM json_each(${merged}))`),
    // Where every memory changed meanwhile.
    db.all(sql`DELETE FROM memory_vector_blocks WHERE id = ${block.id}
      AND NOT EXISTS (SELECT 1 FROM memory_vectors WHERE block_seq = memory_vector_blocks.seq)`),
  ]);
  return marked.length;
}
