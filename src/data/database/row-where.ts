import { getTableColumns, sql, type SQL } from "drizzle-orm";
import type { agents, collections } from "../schema/core";
import type { Database } from "./database";
import { nowMs } from "./now";

/** A row as a `SELECT`, for an insert that depends on a condition. Its times are the database's. */
export function rowWhere(
  db: Database,
  table: typeof agents | typeof collections,
  row: Readonly<Record<string, unknown>>,
  condition: SQL,
): SQL {
  const values = Object.entries(getTableColumns(table)).map(([name, column]) =>
    name === "createdAtMs" || name === "updatedAtMs" ? nowMs(db) : sql.param(row[name] ?? null, column),
  );
  return sql`SELECT ${sql.join(values, sql`, `)} WHERE ${condition}`;
}
