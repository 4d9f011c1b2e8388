/**
 * Every SQL text that the Worker under test executes in this file, each with values of one execution. What stands here
 * is explained when the file is done: see `explain-sql.ts`.
 */
const texts = new Map<string, readonly unknown[]>();

export function noteSql(sql: string, bound: readonly unknown[]): void {
  if (!texts.has(sql)) texts.set(sql, bound);
}

export function notedSql(): ReadonlyMap<string, readonly unknown[]> {
  return texts;
}

/** Scans that are meant, each with the reason why it needs no index. */
const ALLOWED: readonly { readonly sql: string; readonly reason: string }[] = [];

/** A step of a plan that reads a whole table, row by row, through no index. */
export function isScan(step: string): boolean {
  return /^SCAN (?!CONSTANT ROW|\(|.* VIRTUAL TABLE)/.test(step) && !/ USING (COVERING )?INDEX /.test(step);
}

export function isAllowed(sql: string): boolean {
  return ALLOWED.some((allowed) => sql.includes(allowed.sql));
}
