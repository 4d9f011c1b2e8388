import { and, eq, sql } from "drizzle-orm";
import { retireMade } from "../requests/retire-store";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { agentCollections, collectionRemovals, collections } from "../schema/core";
import { forgetEmptyTexts } from "./text-count-store";

/** A collection that was removed for good, while memories of it are still there. */
export interface CollectionRemoval {
  readonly collectionId: string;
  readonly namespaceId: string;
}

/**
 * Removes a collection for good, with its bindings, in one transaction: from then on nobody finds it or its memories.
 * They are removed in steps of bounded size, which a row of their own keeps in mind.
 */
export async function removeCollection(db: Database, namespaceId: string, id: string): Promise<void> {
  await db.batch([
    db.run(sql`INSERT INTO collection_removals (collection_id, namespace_id, created_at_ms)
      SELECT id, namespace_id, ${nowMs(db)} FROM collections WHERE id = ${id} AND namespace_id = ${namespaceId}
      ON CONFLICT (collection_id) DO NOTHING`),
    db
      .delete(agentCollections)
      .where(and(eq(agentCollections.namespaceId, namespaceId), eq(agentCollections.collectionId, id))),
    retireMade(db, namespaceId, id),
    db.delete(collections).where(and(eq(collections.namespaceId, namespaceId), eq(collections.id, id))),
  ]);
}

export async function findRemoval(
  db: Database,
  namespaceId: string,
  id: string,
): Promise<CollectionRemoval | undefined> {
  const [row] = await db
    .select({ collectionId: collectionRemovals.collectionId, namespaceId: collectionRemovals.namespaceId })
    .from(collectionRemovals)
    .where(and(eq(collectionRemovals.namespaceId, namespaceId), eq(collectionRemovals.collectionId, id)));
  return row;
}

/** Removals of all namespaces that are not done. */
export function listRemovals(db: Database, limit: number): Promise<CollectionRemoval[]> {
  return db
    .select({ collectionId: collectionRemovals.collectionId, namespaceId: collectionRemovals.namespaceId })
    .from(collectionRemovals)
    .orderBy(collectionRemovals.collectionId)
    .limit(limit);
}

/**
 * One step of a removal: removes at most `size` memories, and the row of the removal with the last of them.
 * @returns whether more are left.
 */
export async function removeStep(db: Database, removal: CollectionRemoval, size: number): Promise<boolean> {
  const { collectionId, namespaceId } = removal;
  const [, , , rows] = await db.batch([
    db.run(sql`DELETE FROM memories WHERE seq IN (SELECT seq FROM memories
      WHERE collection_id = ${collectionId} AND namespace_id = ${namespaceId} LIMIT ${size})`),
    forgetEmptyTexts(db, collectionId),
    db.run(sql`DELETE FROM collection_removals WHERE collection_id = ${collectionId} AND namespace_id = ${namespaceId}
      AND NOT EXISTS (SELECT 1 FROM memories WHERE collection_id = ${collectionId})`),
    db.all<{ id: string }>(sql`SELECT collection_id AS id FROM collection_removals
      WHERE collection_id = ${collectionId} AND namespace_id = ${namespaceId}`),
  ]);
  return rows.length > 0;
}
