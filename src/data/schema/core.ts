import { sql } from "drizzle-orm";
import type { Metadata } from "../../domain/metadata";
import { MEMORY_TYPES } from "../../domain/memories/memory";
import type { MemorySettings } from "../../domain/recall/memory-settings";
import type { Voice } from "../../domain/agents/voice";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/*
 * Every table carries namespace_id, and every query names it. Times are integers: milliseconds since the epoch, UTC.
 * JSON columns hold what was validated on its way in. The full-text table `memory_words` and all triggers live in a
 * migration of their own, written by hand: drizzle has no words for them, nor for WITHOUT ROWID.
 */

export const namespaces = sqliteTable(
  "namespaces",
  {
    id: text().primaryKey(),
    name: text().notNull().unique(),
    createdAtMs: integer("created_at_ms").notNull(),
  },
  (t) => [index("namespaces_list").on(t.createdAtMs, t.id)],
);

export const apiKeys = sqliteTable(
  "api_keys",
  {
    id: text().primaryKey(),
    namespaceId: text("namespace_id").notNull(),
    name: text().notNull(),
    /** The first characters of the bearer key, so that a person can tell keys apart. */
    prefix: text().notNull(),
    /** SHA-256 of the secret, in hex. The secret has 256 random bits, so a slow hash would add nothing. */
    secretHash: text("secret_hash").notNull(),
    expiresAtMs: integer("expires_at_ms"),
    createdAtMs: integer("created_at_ms").notNull(),
  },
  (t) => [index("api_keys_list").on(t.namespaceId, t.createdAtMs, t.id)],
);

export const agents = sqliteTable(
  "agents",
  {
    id: text().primaryKey(),
    namespaceId: text("namespace_id").notNull(),
    name: text().notNull(),
    description: text(),
    persona: text(),
    voice: text({ mode: "json" }).$type<Voice>().notNull(),
    memorySettings: text("memory_settings", { mode: "json" }).$type<Partial<MemorySettings>>().notNull(),
    enabled: integer({ mode: "boolean" }).notNull(),
    managed: integer({ mode: "boolean" }).notNull(),
    metadata: text({ mode: "json" }).$type<Metadata>().notNull(),
    /** Counts updates: the ETag, and the fence of a conditional update. */
    version: integer().notNull(),
    /** Counts every change that a creation has to notice, those of its bindings too. Kept by triggers. */
    revision: integer().notNull().default(1),
    createdAtMs: integer("created_at_ms").notNull(),
    updatedAtMs: integer("updated_at_ms").notNull(),
    deletedAtMs: integer("deleted_at_ms"),
  },
  (t) => [
    uniqueIndex("agents_name")
      .on(t.namespaceId, t.name)
      .where(sql`deleted_at_ms IS NULL`),
    index("agents_list").on(t.namespaceId, t.createdAtMs, t.id),
  ],
);

export const collections = sqliteTable(
  "collections",
  {
    id: text().primaryKey(),
    namespaceId: text("namespace_id").notNull(),
    name: text().notNull(),
    description: text(),
    /** The agent that owns a re-voiced collection, else null. */
    agentId: text("agent_id"),
    metadata: text({ mode: "json" }).$type<Metadata>().notNull(),
    /** Kept in the same transaction as every insert and removal of memories. */
    memoryCount: integer("memory_count").notNull(),
    version: integer().notNull(),
    /** As of an agent. Memories that come and go do not count. */
    revision: integer().notNull().default(1),
    createdAtMs: integer("created_at_ms").notNull(),
    updatedAtMs: integer("updated_at_ms").notNull(),
    deletedAtMs: integer("deleted_at_ms"),
  },
  (t) => [
    index("collections_list").on(t.namespaceId, t.createdAtMs, t.id),
    index("collections_agent")
      .on(t.agentId)
      .where(sql`agent_id IS NOT NULL`),
  ],
);

/** Collections that were removed for good, while memories of theirs are still to be removed. */
export const collectionRemovals = sqliteTable("collection_removals", {
  collectionId: text("collection_id").primaryKey(),
  namespaceId: text("namespace_id").notNull(),
  createdAtMs: integer("created_at_ms").notNull(),
});

/** Which collections an agent may recall from. WITHOUT ROWID in the migration. */
export const agentCollections = sqliteTable(
  "agent_collections",
  {
    agentId: text("agent_id").notNull(),
    collectionId: text("collection_id").notNull(),
    namespaceId: text("namespace_id").notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.agentId, t.collectionId] }),
    index("agent_collections_collection").on(t.collectionId),
  ],
);

export const memories = sqliteTable(
  "memories",
  {
    /** The row id that the full-text table points to; memories are appended, so it also keeps inserts local. */
    seq: integer().primaryKey(),
    id: text().notNull(),
    namespaceId: text("namespace_id").notNull(),
    collectionId: text("collection_id").notNull(),
    agentId: text("agent_id"),
    text: text().notNull(),
    vectorText: text("vector_text"),
    type: text({ enum: MEMORY_TYPES }).notNull(),
    importance: integer().notNull(),
    memo: text(),
    metadata: text({ mode: "json" }).$type<Metadata>().notNull(),
    occurredAtMs: integer("occurred_at_ms"),
    createdAtMs: integer("created_at_ms").notNull(),
    updatedAtMs: integer("updated_at_ms").notNull(),
    accessedAtMs: integer("accessed_at_ms"),
    accessCount: integer("access_count").notNull(),
    childMemoryIds: text("child_memory_ids", { mode: "json" }).$type<readonly string[]>().notNull(),
    externalId: text("external_id"),
    /**
     * What makes an added memory the same as one that is there: "x:" + external id, else "h:" + SHA-256 of (text, type,
     * occurred_at, agent_id). Null for a re-voiced memory, which (task, source memory) identifies.
     */
    sameKey: text("same_key"),
    /** SHA-256 of all that an add may change: tells `updated` from `skipped`. */
    digest: text(),
    sourceMemoryId: text("source_memory_id"),
    taskId: text("task_id"),
    deletedAtMs: integer("deleted_at_ms"),
    /** Counts changes of what a client says of it: the ETag, and the fence of a conditional update. */
    version: integer().notNull().default(1),
  },
  (t) => [
    uniqueIndex("memories_id").on(t.id),
    uniqueIndex("memories_same")
      .on(t.collectionId, t.sameKey)
      .where(sql`same_key IS NOT NULL AND deleted_at_ms IS NULL`),
    // With the collection, because a client says of what it imports where it came from.
    uniqueIndex("memories_source")
      .on(t.sourceMemoryId, t.taskId, t.collectionId)
      .where(sql`task_id IS NOT NULL`),
    index("memories_list").on(t.collectionId, t.createdAtMs, t.id),
  ],
);

/**
 * How much text a collection holds, kept by triggers on `memories`: what the rarity of a word and the length of a memory
 * are measured against. WITHOUT ROWID in the migration.
 */
export const collectionTexts = sqliteTable("collection_texts", {
  collectionId: text("collection_id").primaryKey(),
  /** Memories that are not deleted. */
  memories: integer().notNull(),
  /** Their characters, as the word index has them. */
  characters: integer().notNull(),
  /** The range of `seq` in which they lie; a removal leaves it as it is. */
  firstSeq: integer("first_seq").notNull(),
  lastSeq: integer("last_seq").notNull(),
});
