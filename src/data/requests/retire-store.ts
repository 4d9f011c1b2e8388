import { and, asc, eq, lte, sql } from "drizzle-orm";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { among } from "../parts/part-sql";
import { requests } from "../schema/requests";

/** Where a page of tombstones stops. */
export interface RetiredCursor {
  readonly retiredAtMs: number;
  readonly id: string;
}

/**
 * Turns the rows of other request ids into tombstones that live as long as what was just removed, in the batch of the
 * removal: those that refer to it, as an invoke does to its task, and the bulk of which nothing is left.
 * @param id of the task, agent or collection that goes.
 */
export function retireDependents(db: Database, namespaceId: string, id: string) {
  const now = nowMs(db);
  const isGone = sql`EXISTS (SELECT 1 FROM requests AS gone WHERE gone.id = ${id} AND gone.retired_at_ms IS NOT NULL)`;
  const isWhole = sql`NOT EXISTS (SELECT 1 FROM requests AS item WHERE item.bulk_id = requests.id
    AND item.retired_at_ms IS NULL)`;
  return [
    db.run(sql`UPDATE requests SET retired_at_ms = ${now}, request = NULL WHERE made_id = ${id}
      AND namespace_id = ${namespaceId} AND retired_at_ms IS NULL AND door = 'invoke' AND ${isGone}`),
    db.run(sql`UPDATE requests SET retired_at_ms = ${now}, request = NULL
      WHERE id IN (SELECT bulk_id FROM requests WHERE id = ${id} AND bulk_id IS NOT NULL
          UNION SELECT id FROM requests WHERE made_id = ${id} AND door = 'bulk')
        AND namespace_id = ${namespaceId} AND retired_at_ms IS NULL AND ${isGone} AND ${isWhole}`),
  ] as const;
}

/** Turns the row of the request that made an agent or a collection into a tombstone, in the batch of its removal. */
export function retireMade(db: Database, namespaceId: string, madeId: string) {
  return db
    .update(requests)
    .set({ retiredAtMs: nowMs(db), request: null })
    .where(and(eq(requests.madeId, madeId), eq(requests.namespaceId, namespaceId), sql`retired_at_ms IS NULL`));
}

/** A task that was removed, while rows or files of it are still there. */
export interface LeftoversOf {
  readonly id: string;
  readonly namespaceId: string;
  readonly retiredAtMs: number;
}

/** Of all namespaces, removed `olderThanMs` ago or earlier, the oldest first. */
export async function listLeftovers(
  db: Database,
  { olderThanMs, limit }: { readonly olderThanMs: number; readonly limit: number },
): Promise<readonly LeftoversOf[]> {
  const rows = await db
    .select({ id: requests.id, namespaceId: requests.namespaceId, retiredAtMs: requests.retiredAtMs })
    .from(requests)
    .where(and(eq(requests.leftovers, true), lte(requests.retiredAtMs, sql`${nowMs(db)} - ${olderThanMs}`)))
    .orderBy(asc(requests.retiredAtMs), asc(requests.id))
    .limit(limit);
  return rows.map((row) => ({ ...row, retiredAtMs: row.retiredAtMs ?? 0 }));
}

/**
 * Forgets a page of tombstones that are past their time, and of cancels that nothing followed. A tombstone stays while the
 * collection exists that its task was to make, or memories of it: what its id derives would meet its old work.
 * @param after where the page before stopped.
 * @returns how many there were, and how many were forgotten.
 */
export async function purgeTombstones(
  db: Database,
  {
    olderThanMs,
    after,
    limit,
  }: {
    readonly olderThanMs: number;
    readonly after: RetiredCursor | null;
    readonly limit: number;
  },
): Promise<{ readonly found: readonly RetiredCursor[]; readonly purged: number }> {
  const isOver = lte(requests.retiredAtMs, sql`${nowMs(db)} - ${olderThanMs}`);
  const isAfter = after && sql`(${requests.retiredAtMs}, ${requests.id}) > (${after.retiredAtMs}, ${after.id})`;
  const found = await db
    .select({ id: requests.id, retiredAtMs: requests.retiredAtMs })
    .from(requests)
    .where(and(isOver, isAfter ?? undefined))
    .orderBy(asc(requests.retiredAtMs), asc(requests.id))
    .limit(limit);
  if (found.length === 0) return { found: [], purged: 0 };
  const ids = found.map(({ id }) => id);
  const rows = await db
    .delete(requests)
    .where(and(among(requests.id, ids), isOver, eq(requests.leftovers, false), HAS_NO_TARGET))
    .returning({ id: requests.id });
  return { found: found.map(({ id, retiredAtMs }) => ({ id, retiredAtMs: retiredAtMs ?? 0 })), purged: rows.length };
}

const HAS_NO_TARGET = sql`NOT EXISTS (SELECT 1 FROM collections WHERE collections.id = requests.target_id)
  AND NOT EXISTS (SELECT 1 FROM collection_removals WHERE collection_id = requests.target_id)`;

/** Forgets cancels that nothing followed in their time. @returns how many. */
export async function purgeCancels(db: Database, limit: number): Promise<number> {
  const page = sql`SELECT id FROM requests WHERE door = 'cancel' AND held_until_ms <= ${nowMs(db)}
    ORDER BY held_until_ms, id LIMIT ${limit}`;
  const rows = await db
    .delete(requests)
    .where(and(sql`${requests.id} IN (${page})`, eq(requests.door, "cancel"), lte(requests.heldUntilMs, nowMs(db))))
    .returning({ id: requests.id });
  return rows.length;
}
