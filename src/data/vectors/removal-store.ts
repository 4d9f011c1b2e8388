import { sql } from "drizzle-orm";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";

/**
 * Says that vectors of these memories will lie outside of the database: what is not noted as a memory's after that is to be
 * removed there.
 */
export async function announceVectors(db: Database, memoryIds: readonly string[]): Promise<void> {
  await db.run(sql`INSERT INTO vector_removals (memory_id, since_ms)
    SELECT value, ${nowMs(db)} FROM json_each(${JSON.stringify(memoryIds)}) WHERE true
    ON CONFLICT (memory_id) DO UPDATE SET since_ms = excluded.since_ms`);
}

/** Memories whose vectors outside have spoken for nothing for so long, the oldest first. */
export async function findVectorRemovals(
  db: Database,
  { afterMs, limit }: { readonly afterMs: number; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await db.all<{ id: string }>(sql`SELECT memory_id AS id FROM vector_removals
    WHERE since_ms <= ${nowMs(db)} - ${afterMs} ORDER BY since_ms LIMIT ${limit}`);
  return rows.map(({ id }) => id);
}

/** Notes that the vectors are gone; a memory that got one at the same moment has lost it, and is to get another. */
export async function forgetVectors(db: Database, memoryIds: readonly string[]): Promise<void> {
  const ids = sql`SELECT value FROM json_each(${JSON.stringify(memoryIds)})`;
  await db.batch([
    db.all(sql`DELETE FROM memory_vectors WHERE stored_in <> 'd1'
      AND seq IN (SELECT seq FROM memories WHERE id IN (${ids}))`),
    db.all(sql`DELETE FROM vector_removals WHERE memory_id IN (${ids})`),
  ]);
}
