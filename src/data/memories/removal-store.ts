import { sql, type SQL } from "drizzle-orm";
import type { Position } from "../../domain/page";
import { forgetEmptyTexts } from "../collections/text-count-store";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";

/** Where memories are removed or brought back. */
export interface MemoryScope {
  readonly namespaceId: string;
  readonly collectionId: string;
}

export interface RemovalMode {
  /** Remove them for good, instead of marking them as deleted. */
  readonly hard: boolean;
}

/**
 * Removes one memory of a live collection, and counts it, in one transaction.
 * @returns false when there was nothing to remove: it is not there, or deleted already (unless `hard`).
 */
export async function removeMemory(db: Database, scope: MemoryScope, id: string, mode: RemovalMode): Promise<boolean> {
  const chosen = sql`SELECT seq FROM memories
    WHERE id = ${id} AND collection_id = ${scope.collectionId} AND namespace_id = ${scope.namespaceId}`;
  const [, rows] = await db.batch([
    countOut(db, scope, chosen),
    remove(db, scope, chosen, mode),
    forgetEmptyTexts(db, scope.collectionId),
  ]);
  return rows.length > 0;
}

/**
 * One step through the memories of a live collection, oldest first: removes those among the next `size`, and counts
 * them, in one transaction.
 * @param after the last memory of the step before, or null for the first.
 * @returns the last memory of this step, or null when it was the last step.
 */
export async function truncateStep(
  db: Database,
  scope: MemoryScope,
  after: Position | null,
  { size, ...mode }: RemovalMode & { readonly size: number },
): Promise<Position | null> {
  const from = after === null ? sql`` : sql`AND (created_at_ms, id) > (${after.createdAtMs}, ${after.id})`;
  const walk = sql`FROM memories WHERE collection_id = ${scope.collectionId} AND namespace_id = ${scope.namespaceId} ${from}
    ORDER BY created_at_ms, id LIMIT`;
  const chosen = sql`SELECT seq ${walk} ${size}`;
  const [ends] = await db.batch([
    db.all<Position>(sql`SELECT created_at_ms AS createdAtMs, id ${walk} 1 OFFSET ${size - 1}`),
    countOut(db, scope, chosen),
    remove(db, scope, chosen, mode),
    forgetEmptyTexts(db, scope.collectionId),
  ]);
  return ends[0] ?? null;
}

/**
 * Brings a deleted memory of a live collection back, unless another has its key by now, and counts it.
 * @returns whether it did.
 */
export async function restoreMemory(db: Database, scope: MemoryScope, id: string): Promise<boolean> {
  const chosen = sql`SELECT seq FROM memories AS gone
    WHERE id = ${id} AND collection_id = ${scope.collectionId} AND namespace_id = ${scope.namespaceId}
      AND deleted_at_ms IS NOT NULL AND ${isLive(scope)}
      AND NOT EXISTS (SELECT 1 FROM memories AS other WHERE other.collection_id = gone.collection_id
        AND other.same_key = gone.same_key AND other.deleted_at_ms IS NULL)`;
  const [, rows] = await db.batch([
    db.run(sql`UPDATE collections SET memory_count = memory_count + (SELECT count(*) FROM (${chosen}))
      WHERE id = ${scope.collectionId} AND namespace_id = ${scope.namespaceId}`),
    db.all<{ id: string }>(sql`UPDATE memories
      SET deleted_at_ms = NULL, version = version + 1, updated_at_ms = ${nowMs(db)}
      WHERE seq IN (${chosen}) RETURNING id`),
  ]);
  return rows.length > 0;
}

/** Before the memories go, in the same transaction: those that count no more. */
function countOut(db: Database, { namespaceId, collectionId }: MemoryScope, chosen: SQL) {
  return db.run(sql`UPDATE collections SET memory_count = memory_count - (SELECT count(*) FROM memories
      WHERE seq IN (${chosen}) AND deleted_at_ms IS NULL)
    WHERE id = ${collectionId} AND namespace_id = ${namespaceId} AND deleted_at_ms IS NULL`);
}

function remove(db: Database, scope: MemoryScope, chosen: SQL, { hard }: RemovalMode) {
  if (hard)
    return db.all<{ id: string }>(sql`DELETE FROM memories WHERE seq IN (${chosen}) AND ${isLive(scope)} RETURNING id`);
  return db.all<{ id: string }>(sql`UPDATE memories
    SET deleted_at_ms = ${nowMs(db)}, version = version + 1, updated_at_ms = ${nowMs(db)}
    WHERE seq IN (${chosen}) AND deleted_at_ms IS NULL AND ${isLive(scope)} RETURNING id`);
}

function isLive({ namespaceId, collectionId }: MemoryScope): SQL {
  return sql`EXISTS (SELECT 1 FROM collections
    WHERE id = ${collectionId} AND namespace_id = ${namespaceId} AND deleted_at_ms IS NULL)`;
}
