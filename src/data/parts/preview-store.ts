import { sql } from "drizzle-orm";
import type { Database } from "../database/database";
import type { PendingItem } from "./item-store";

interface FirstRow {
  readonly id: string;
  readonly text: string;
  readonly occurredAtMs: number | null;
}

/** The memories that a task would begin with, in its order, as items without links. */
export async function findFirstItems(
  db: Database,
  from: { readonly namespaceId: string; readonly collectionId: string; readonly limit: number },
): Promise<readonly PendingItem[]> {
  const rows = await db.all<FirstRow>(sql`SELECT id, text, occurred_at_ms AS occurredAtMs FROM memories
    WHERE collection_id = ${from.collectionId} AND namespace_id = ${from.namespaceId} AND deleted_at_ms IS NULL
    ORDER BY coalesce(occurred_at_ms, created_at_ms), seq LIMIT ${from.limit}`);
  return rows.map(({ id, text, occurredAtMs }, position) => ({
    position,
    sourceMemoryId: id,
    strikes: 0,
    unanswered: 0,
    source: { text, occurredAtMs, childMemoryIds: [] },
  }));
}
