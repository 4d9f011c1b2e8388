import { and, eq, isNull, notExists, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import type { Memory } from "../../domain/memories/memory";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { collections, memories } from "../schema/core";
import { memoryColumns, toMemory } from "./memory-store";

/** A memory as it is to be, with what tells it from others: see {@link memories}. */
export interface ChangedMemory extends Memory {
  readonly sameKey: string | null;
  readonly digest: string | null;
}

/**
 * Writes what a client says of a memory, if it still has `expectedVersion`, stands in a live collection, and no other
 * live memory of it has the key. The word index follows in the same transaction.
 * @returns the memory as it is then, or undefined when nothing was written.
 */
export async function updateMemory(
  db: Database,
  namespaceId: string,
  changed: ChangedMemory,
  expectedVersion: number,
): Promise<Memory | undefined> {
  const { id, collectionId, text, vectorText, type, importance, memo, metadata, occurredAtMs, agentId } = changed;
  const { childMemoryIds, externalId, sameKey, digest, version } = changed;
  const content = { text, vectorText, type, importance, memo, metadata, occurredAtMs, agentId, childMemoryIds };
  const [row] = await db
    .update(memories)
    .set({ ...content, externalId, sameKey, digest, version, updatedAtMs: nowMs(db) })
    .where(
      and(
        eq(memories.namespaceId, namespaceId),
        eq(memories.collectionId, collectionId),
        eq(memories.id, id),
        eq(memories.version, expectedVersion),
        isNull(memories.deletedAtMs),
        sql`EXISTS (SELECT 1 FROM ${collections}
          WHERE id = ${collectionId} AND namespace_id = ${namespaceId} AND deleted_at_ms IS NULL)`,
        sameKey === null ? undefined : keyIsFree(db, changed, sameKey),
      ),
    )
    .returning(memoryColumns);
  return row && toMemory(row);
}

function keyIsFree(db: Database, { id, collectionId }: ChangedMemory, sameKey: string) {
  const other = alias(memories, "other");
  const holders = db
    .select({ id: other.id })
    .from(other)
    .where(
      and(
        eq(other.collectionId, collectionId),
        eq(other.sameKey, sameKey),
        isNull(other.deletedAtMs),
        sql`${other.id} <> ${id}`,
      ),
    );
  return notExists(holders);
}

/** The live memory of a collection that has the key. */
export async function findMemoryIdByKey(
  db: Database,
  namespaceId: string,
  collectionId: string,
  sameKey: string,
): Promise<string | undefined> {
  const [row] = await db
    .select({ id: memories.id })
    .from(memories)
    .where(
      and(
        eq(memories.namespaceId, namespaceId),
        eq(memories.collectionId, collectionId),
        eq(memories.sameKey, sameKey),
        isNull(memories.deletedAtMs),
      ),
    );
  return row?.id;
}

/** The key of a memory, deleted or not; null for a re-voiced one. */
export async function findMemoryKey(db: Database, namespaceId: string, id: string): Promise<string | null> {
  const [row] = await db
    .select({ sameKey: memories.sameKey })
    .from(memories)
    .where(and(eq(memories.namespaceId, namespaceId), eq(memories.id, id)));
  return row?.sameKey ?? null;
}
