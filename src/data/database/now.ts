import { sql, type SQL } from "drizzle-orm";
import type { Database } from "./database";

const D1_NOW_MS = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/**
 * The time of all SQL: D1's own clock as the statement runs, in milliseconds since the epoch, plus what the clock port
 * is put forward by. No statement takes its time from the isolate that sends it: clocks of isolates differ, and what is late
 * must be told by the clock that wrote what it is compared with. Within one statement it stands still; two statements of
 * one batch may see two times, so none may rely on another's.
 */
export function nowMs(db: Database): SQL<number> {
  return sql<number>`${sql.raw(nowText(db))}`;
}

/** As {@link nowMs}, for a statement that is a text. */
export function nowText({ $clock }: Database): string {
  const { offsetMs } = $clock;
  return offsetMs === 0 ? D1_NOW_MS : `(${D1_NOW_MS} + ${offsetMs})`;
}

/** The same, for a statement whose text is fixed. It takes one value: {@link nowOffset}. */
export const NOW_WITH_OFFSET = `(${D1_NOW_MS} + ?)`;

/** What the time of all SQL is put forward by, in milliseconds. */
export function nowOffset({ $clock }: Database): number {
  return $clock.offsetMs;
}
