import { desc, sql, type SQL } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Page, PageRequest, Position } from "../../domain/page";

/** `WHERE` of a keyset page, newest first by (created_at, id). */
export function after(position: Position | null, createdAtMs: SQLiteColumn, id: SQLiteColumn): SQL | undefined {
  if (position === null) return undefined;
  // A comparison of pairs: an index is entered at the place, where `OR` would walk to it from the beginning.
  return sql`(${createdAtMs}, ${id}) < (${position.createdAtMs}, ${position.id})`;
}

/** `ORDER BY` that goes with {@link after}. */
export function newestFirst(createdAtMs: SQLiteColumn, id: SQLiteColumn): SQL[] {
  return [desc(createdAtMs), desc(id)];
}

/** Makes a page of `limit + 1` rows: the surplus row tells that there is a next page. */
export function toPage<T extends Position>(rows: readonly T[], request: PageRequest): Page<T> {
  const items = rows.slice(0, request.limit);
  const last = items.at(-1);
  const next = rows.length > request.limit && last !== undefined;
  return { items, next: next ? { createdAtMs: last.createdAtMs, id: last.id } : null };
}
