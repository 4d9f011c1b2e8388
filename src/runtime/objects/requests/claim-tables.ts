/** The version of the records that this code writes, and the only one it reads. */
export const RECORD_VERSION = 2;

/** The table as the first claim of an object makes it. */
export const CREATE_CLAIMS = `CREATE TABLE IF NOT EXISTS claims (
  task_id TEXT PRIMARY KEY, version INTEGER NOT NULL, request_id TEXT NOT NULL, state TEXT NOT NULL,
  material TEXT NOT NULL, fingerprint TEXT NOT NULL, task TEXT NOT NULL, call_id TEXT NOT NULL,
  first_seen_at_ms INTEGER NOT NULL, last_seen_at_ms INTEGER NOT NULL,
  replay_count INTEGER NOT NULL, mismatch_count INTEGER NOT NULL, row_done INTEGER NOT NULL,
  bell_done INTEGER NOT NULL, cancel_wanted INTEGER NOT NULL, run INTEGER NOT NULL, ended INTEGER NOT NULL,
  tries INTEGER NOT NULL, keep_until_ms INTEGER, due_at_ms INTEGER,
  reserved_fingerprint TEXT, unfilled INTEGER NOT NULL DEFAULT 0, moved_to TEXT);
CREATE INDEX IF NOT EXISTS claims_due ON claims (due_at_ms)`;

/** The ids of invokes that had one. */
export const CREATE_INVOKES = `CREATE TABLE IF NOT EXISTS invokes (
  task_id TEXT NOT NULL, invoke_id TEXT NOT NULL, run INTEGER NOT NULL, PRIMARY KEY (task_id, invoke_id)) WITHOUT ROWID`;

const FROM_1_TO_2 = `ALTER TABLE claims ADD COLUMN reserved_fingerprint TEXT;
ALTER TABLE claims ADD COLUMN unfilled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE claims ADD COLUMN moved_to TEXT;
CREATE INDEX IF NOT EXISTS claims_due ON claims (due_at_ms);
UPDATE claims SET version = 2,
  task = CASE WHEN state = 'claimed' THEN json_set(task, '$.acceptedAtMs', json_extract(task, '$.createdAtMs')) ELSE task END
  WHERE version = 1`;

/** The statement that made a table, or undefined while there is none. */
function tableSqlOf(sql: SqlStorage, name: string): string | undefined {
  const statement = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?";
  return sql.exec<{ sql: string }>(statement, name).toArray()[0]?.sql;
}

/** Tables are made with the first row of each, so that asking an object for what it does not have writes nothing. */
export function haveTable(sql: SqlStorage, name: "claims" | "invokes"): boolean {
  return tableSqlOf(sql, name) !== undefined;
}

/**
 * Brings tables that an older version made to this one. To be called inside `transactionSync`. A record of a version
 * that is not known stays as it is, and is refused when it is read.
 */
export function migrateTables(sql: SqlStorage): void {
  const made = tableSqlOf(sql, "claims");
  if (made !== undefined && !made.includes("reserved_fingerprint")) sql.exec(FROM_1_TO_2);
}
