import { and, eq, getTableColumns, sql, type SQL } from "drizzle-orm";
import type { Database } from "./database/database";
import { nowMs } from "./database/now";
import { type agents, type collections, creations } from "./schema/core";

/** What was asked under a request id. */
export interface StoredCreation {
  /** Canonical JSON as sent; null once what it made was removed for good. */
  readonly body: string | null;
  readonly createdAtMs: number;
}

export async function findCreation(db: Database, namespaceId: string, id: string): Promise<StoredCreation | undefined> {
  const [row] = await db
    .select({ body: creations.body, createdAtMs: creations.createdAtMs })
    .from(creations)
    .where(and(eq(creations.namespaceId, namespaceId), eq(creations.id, id)));
  return row;
}

/** The row of an agent or collection as a `SELECT`, empty when its id was used before: also by one that is removed. */
export function unlessCreated(
  db: Database,
  table: typeof agents | typeof collections,
  row: Readonly<Record<string, unknown>> & { readonly id: string },
): SQL {
  const values = Object.entries(getTableColumns(table)).map(([name, column]) =>
    name === "createdAtMs" || name === "updatedAtMs" ? nowMs(db) : sql.param(row[name] ?? null, column),
  );
  return sql`SELECT ${sql.join(values, sql`, `)} WHERE NOT EXISTS (SELECT 1 FROM creations WHERE id = ${row.id})`;
}

/** Keeps what was asked, in the transaction that makes it: nothing when nothing was made. */
export function insertCreation(db: Database, table: typeof agents | typeof collections, id: string, body: string) {
  return db.run(sql`INSERT INTO creations (id, namespace_id, body, created_at_ms)
    SELECT id, namespace_id, ${body}, created_at_ms FROM ${table} WHERE id = ${id}
    ON CONFLICT (id) DO NOTHING`);
}

/** Forgets the words of what is removed for good, and keeps that its request id is used. */
export function retireCreation(db: Database, namespaceId: string, id: string) {
  return db
    .update(creations)
    .set({ body: null })
    .where(and(eq(creations.namespaceId, namespaceId), eq(creations.id, id)));
}
