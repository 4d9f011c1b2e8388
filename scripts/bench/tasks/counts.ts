import { z } from "zod";

const Statement = z.object({
  sql: z.string(),
  /** Round trips whose first statement it was. */
  trips: z.number(),
  calls: z.number(),
  rowsRead: z.number(),
  rowsWritten: z.number(),
  /** How many values it was given. */
  values: z.number(),
});
export type Statement = z.infer<typeof Statement>;

/** What the counting Worker tells: what the service asked of its bindings since the counts began. */
export const Counts = z.object({
  fetches: z.number(),
  queueRuns: z.number(),
  d1: z.object({ roundTrips: z.number() }),
  queue: z.object({ written: z.number(), read: z.number(), deleted: z.number() }),
  objectCalls: z.record(z.string(), z.number()),
  objectAlarms: z.record(z.string(), z.number()),
  objectRows: z.object({ read: z.number(), written: z.number() }),
  bucket: z.object({ a: z.number(), b: z.number() }),
  statements: z.array(Statement),
});
export type Counts = z.infer<typeof Counts>;

/**
 * A memory in FTS5 is one row for the local runtime, and three for the platform: its words, its place, and its size.
 * What SQLite merges later is not counted.
 */
const WORDS_ROWS_LOCAL = 1;
const WORDS_ROWS_BILLED = 3;

/** Rows by their kind that stand in the database after the task and did not before. */
export interface NewRows {
  readonly memories: number;
  readonly events: Readonly<Record<"status" | "end" | "progress" | "item", number>>;
}

export interface Written {
  readonly what: string;
  readonly rows: number;
}

const EVENT_KINDS_OF: Readonly<Record<string, readonly (keyof NewRows["events"])[]>> = {
  "change tasks": ["status", "end"],
  "change task_parts": ["progress"],
  "change task_items": ["item"],
};

/**
 * The rows written, as the platform bills them, each with what it is for; most first. Triggers write in the name of the
 * statement that fires them: what they wrote is known by the rows that are new, and taken out of its statement.
 */
export function rowsWritten(statements: readonly Statement[], { memories, events }: NewRows): readonly Written[] {
  const byPlace = new Map<string, number>();
  for (const { sql, rowsWritten: rows } of statements) {
    if (rows > 0) byPlace.set(placeOf(sql), (byPlace.get(placeOf(sql)) ?? 0) + rows);
  }
  const inserted = byPlace.get("add memories");
  const triggered = inserted === undefined ? 0 : memories;
  const written: Written[] = [...byPlace].map(([what, rows]) => {
    if (what === "add memories")
      return { what: `${what}, with their indexes`, rows: rows - triggered * (1 + WORDS_ROWS_LOCAL) };
    const kinds = EVENT_KINDS_OF[what] ?? [];
    return { what, rows: rows - kinds.reduce((sum, kind) => sum + events[kind], 0) };
  });
  written.push(
    { what: "words of memories, to find them by (FTS5)", rows: triggered * WORDS_ROWS_BILLED },
    { what: "counts of a collection's texts (trigger)", rows: triggered },
    ...Object.entries(events).map(([kind, rows]) => ({ what: `events: ${kind} (trigger)`, rows })),
  );
  return written.filter(({ rows }) => rows !== 0).toSorted((a, b) => b.rows - a.rows);
}

/** Round trips by what their first statement does; most first. */
export function tripsByPurpose(statements: readonly Statement[]): readonly (Written & { readonly rowsRead: number })[] {
  const byPlace = new Map<string, { rows: number; rowsRead: number }>();
  for (const { sql, trips, rowsRead } of statements) {
    const place = placeOf(sql);
    const sums = byPlace.get(place) ?? { rows: 0, rowsRead: 0 };
    byPlace.set(place, { rows: sums.rows + trips, rowsRead: sums.rowsRead + rowsRead });
  }
  return Array.from(byPlace, ([what, sums]) => ({ what, ...sums })).toSorted((a, b) => b.rows - a.rows);
}

const VERBS: Readonly<Record<string, string>> = { INSERT: "add", REPLACE: "add", UPDATE: "change", DELETE: "remove" };

/** Which table a statement writes to, and how; what only reads is told by the first table that it names. */
export function placeOf(sql: string): string {
  const write = /\b(INSERT|REPLACE|UPDATE|DELETE)\s+(?:OR\s+\w+\s+)?(?:INTO\s+|FROM\s+)?["`]?(\w+)/iu.exec(sql);
  const verb = VERBS[write?.[1]?.toUpperCase() ?? ""];
  if (verb !== undefined && write?.[2] !== undefined) return `${verb} ${write[2]}`;
  const read = [...sql.matchAll(/\b(?:FROM|JOIN)\s+["`]?(\w+)/giu)].map((match) => match[1] ?? "");
  return `read ${read.find((name) => name !== "json_each") ?? "nothing"}`;
}

/** Writes, reads and deletes of single messages, as the platform counts operations. */
export function queueOperations({ queue }: Counts): number {
  return queue.written + queue.read + queue.deleted;
}

export function objectRequests({ objectCalls, objectAlarms }: Counts): number {
  return sum(Object.values(objectCalls)) + sum(Object.values(objectAlarms));
}

export function rowsRead({ statements }: Counts): number {
  return sum(statements.map((each) => each.rowsRead));
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
