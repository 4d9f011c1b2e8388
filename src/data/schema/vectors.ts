import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { VECTOR_INDEXES } from "../../domain/vectors/vector-space";

/**
 * Which memories have a vector, in which space, and where it lies. Kept by triggers: a memory loses its row when its text
 * changes or it is deleted, and a block goes with its last row. What stands here is the truth; a block may hold more.
 */
export const memoryVectors = sqliteTable(
  "memory_vectors",
  {
    /** Of the memory. */
    seq: integer().primaryKey(),
    memoryId: text("memory_id").notNull(),
    namespaceId: text("namespace_id").notNull(),
    collectionId: text("collection_id").notNull(),
    embedderId: text("embedder_id").notNull(),
    dimensions: integer().notNull(),
    storedIn: text("stored_in", { enum: VECTOR_INDEXES }).notNull(),
    /** The block that holds it; null where another index does. */
    blockSeq: integer("block_seq"),
  },
  (t) => [
    index("memory_vectors_block")
      .on(t.blockSeq)
      .where(sql`block_seq IS NOT NULL`),
  ],
);

/** Vectors of up to VECTORS_PER_BLOCK_MAX memories of a collection: a search reads few rows. Never changed. */
export const memoryVectorBlocks = sqliteTable(
  "memory_vector_blocks",
  {
    seq: integer().primaryKey(),
    /** Of one write, which finds its block by it. */
    id: text().notNull().unique(),
    namespaceId: text("namespace_id").notNull(),
    collectionId: text("collection_id").notNull(),
    embedderId: text("embedder_id").notNull(),
    dimensions: integer().notNull(),
    /** The `seq` of the memories, in the order of their vectors. */
    memorySeqs: text("memory_seqs", { mode: "json" }).$type<readonly number[]>().notNull(),
    /** Base64, because D1 answers a blob as a list of numbers: see domain/vectors/vector-block. */
    vectors: text().notNull(),
  },
  (t) => [index("memory_vector_blocks_newest").on(t.collectionId, t.embedderId, t.dimensions, t.seq)],
);

/**
 * How many memories of a collection have a vector, for each space and place: kept by triggers. WITHOUT ROWID in the
 * migration.
 */
export const collectionVectors = sqliteTable(
  "collection_vectors",
  {
    collectionId: text("collection_id").notNull(),
    embedderId: text("embedder_id").notNull(),
    dimensions: integer().notNull(),
    storedIn: text("stored_in", { enum: VECTOR_INDEXES }).notNull(),
    memories: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.collectionId, t.embedderId, t.dimensions, t.storedIn] })],
);

/**
 * Memories whose vector in an index outside of the database speaks for nothing: written before a vector goes there, and by
 * a trigger when a memory loses its row in `memory_vectors`; taken back when it gets one.
 */
export const vectorRemovals = sqliteTable(
  "vector_removals",
  {
    memoryId: text("memory_id").primaryKey(),
    /** By the clock of the database. */
    sinceMs: integer("since_ms").notNull(),
  },
  (t) => [index("vector_removals_since").on(t.sinceMs, t.memoryId)],
);
