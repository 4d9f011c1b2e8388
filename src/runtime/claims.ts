import { z } from "zod";
import type { NewTask } from "../domain/task";
import { parseOwnJson } from "../domain/own-json";
import type { ClaimRequest, RequestRecord } from "../services/ports";

const RECORD_VERSION = 1;

const Row = z.object({
  version: z.literal(RECORD_VERSION),
  task_id: z.string(),
  request_id: z.string(),
  material: z.string(),
  fingerprint: z.string(),
  task: z.string(),
  call_id: z.string(),
  first_seen_at_ms: z.number(),
  last_seen_at_ms: z.number(),
  replay_count: z.number(),
  mismatch_count: z.number(),
  row_done: z.number(),
  bell_done: z.number(),
  ended: z.number(),
  tries: z.number(),
  due_at_ms: z.number().nullable(),
});

/** The durable record of one creation. */
export interface Claim {
  readonly taskId: string;
  readonly requestId: string;
  readonly material: string;
  readonly fingerprint: string;
  readonly task: NewTask;
  readonly callId: string;
  readonly firstSeenAtMs: number;
  /** The outbox: what is still to be done outside. */
  readonly rowDone: boolean;
  readonly bellDone: boolean;
  readonly ended: boolean;
  /** Looks of the alarm in a row that found nothing moving. */
  readonly tries: number;
  /** When the alarm is to look after it; null when it sleeps. */
  readonly dueAtMs: number | null;
}

/** What the counts of a claim grew by since they were last written. */
export interface Seen {
  readonly lastSeenAtMs: number;
  readonly replays: number;
  readonly mismatches: number;
}

/** The table of claims in an object's own storage, keyed by task: one object may hold one or many. */
export class Claims {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** The table is made with the first claim, so that asking an object for what it does not have writes nothing. */
  get exist(): boolean {
    const tables = this.#sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'claims'");
    return tables.toArray().length > 0;
  }

  find(taskId: string): Claim | undefined {
    if (!this.exist) return undefined;
    const row = this.#sql.exec("SELECT * FROM claims WHERE task_id = ?", taskId).toArray()[0];
    return row && toClaim(row);
  }

  /** To be called inside `transactionSync`: claim and alarm are one unit. */
  insert(request: ClaimRequest, task: NewTask, times: { readonly nowMs: number; readonly dueAtMs: number }): void {
    this.#create();
    this.#sql.exec(
      `INSERT INTO claims (version, task_id, request_id, material, fingerprint, task, call_id, first_seen_at_ms,
         last_seen_at_ms, replay_count, mismatch_count, row_done, bell_done, ended, tries, due_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 0, ?)`,
      RECORD_VERSION,
      request.taskId,
      task.requestId,
      request.material,
      request.fingerprint,
      JSON.stringify(task),
      request.callId,
      times.nowMs,
      times.nowMs,
      times.dueAtMs,
    );
  }

  /** After a try at the outbox, or a look at the task. */
  mark(
    taskId: string,
    state: { readonly rowDone: boolean; readonly bellDone: boolean; readonly tries: number; readonly dueAtMs: number },
  ): void {
    this.#sql.exec(
      "UPDATE claims SET row_done = ?, bell_done = ?, tries = ?, due_at_ms = ? WHERE task_id = ? AND ended = 0",
      Number(state.rowDone),
      Number(state.bellDone),
      state.tries,
      state.dueAtMs,
      taskId,
    );
  }

  markEnded(taskId: string): void {
    this.#sql.exec(
      "UPDATE claims SET row_done = 1, bell_done = 1, ended = 1, due_at_ms = NULL WHERE task_id = ?",
      taskId,
    );
  }

  reopen(taskId: string): void {
    this.#sql.exec("UPDATE claims SET ended = 0, tries = 0 WHERE task_id = ?", taskId);
  }

  /**
   * The row in D1 is older than this claim: it wins, and no call of now made it. If it holds another request, what that
   * request said is not at hand any more.
   */
  adopt(taskId: string, row: { readonly fingerprint: string; readonly createdAtMs: number }): void {
    this.#sql.exec(
      `UPDATE claims SET material = CASE WHEN fingerprint = ? THEN material ELSE '' END, fingerprint = ?,
         call_id = '', first_seen_at_ms = ? WHERE task_id = ?`,
      row.fingerprint,
      row.fingerprint,
      row.createdAtMs,
      taskId,
    );
  }

  setDue(taskId: string, dueAtMs: number): void {
    this.#sql.exec("UPDATE claims SET due_at_ms = ? WHERE task_id = ? AND ended = 0", dueAtMs, taskId);
  }

  addSeen(taskId: string, seen: Seen): void {
    this.#sql.exec(
      `UPDATE claims SET last_seen_at_ms = max(last_seen_at_ms, ?), replay_count = replay_count + ?,
         mismatch_count = mismatch_count + ? WHERE task_id = ?`,
      seen.lastSeenAtMs,
      seen.replays,
      seen.mismatches,
      taskId,
    );
  }

  record(taskId: string): RequestRecord | undefined {
    if (!this.exist) return undefined;
    const rows = this.#sql.exec("SELECT * FROM claims WHERE task_id = ?", taskId).toArray();
    if (rows[0] === undefined) return undefined;
    const row = Row.parse(rows[0]);
    return {
      taskId,
      requestId: row.request_id,
      firstSeenAtMs: row.first_seen_at_ms,
      lastSeenAtMs: row.last_seen_at_ms,
      replayCount: row.replay_count,
      mismatchCount: row.mismatch_count,
    };
  }

  /** When the next claim is due, or null when all sleep. */
  nextDueAtMs(): number | null {
    if (!this.exist) return null;
    const due = this.#sql.exec("SELECT min(due_at_ms) AS due FROM claims").one()["due"];
    return typeof due === "number" ? due : null;
  }

  listDue(nowMs: number, limit: number): readonly string[] {
    if (!this.exist) return [];
    const statement = "SELECT task_id FROM claims WHERE due_at_ms <= ? ORDER BY due_at_ms LIMIT ?";
    const rows = this.#sql.exec<{ task_id: string }>(statement, nowMs, limit).toArray();
    return rows.map((row) => row.task_id);
  }

  #create(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS claims (
      task_id TEXT PRIMARY KEY, version INTEGER NOT NULL, request_id TEXT NOT NULL, material TEXT NOT NULL,
      fingerprint TEXT NOT NULL, task TEXT NOT NULL, call_id TEXT NOT NULL, first_seen_at_ms INTEGER NOT NULL,
      last_seen_at_ms INTEGER NOT NULL, replay_count INTEGER NOT NULL, mismatch_count INTEGER NOT NULL,
      row_done INTEGER NOT NULL, bell_done INTEGER NOT NULL, ended INTEGER NOT NULL, tries INTEGER NOT NULL,
      due_at_ms INTEGER)`);
  }
}

/** @throws ZodError when the record is of a version that this code does not know: never guessed at. */
function toClaim(record: unknown): Claim {
  const row = Row.parse(record);
  return {
    taskId: row.task_id,
    requestId: row.request_id,
    material: row.material,
    fingerprint: row.fingerprint,
    // Written by `insert`, under the version that was just checked.
    task: parseOwnJson<NewTask>(row.task),
    callId: row.call_id,
    firstSeenAtMs: row.first_seen_at_ms,
    rowDone: row.row_done === 1,
    bellDone: row.bell_done === 1,
    ended: row.ended === 1,
    tries: row.tries,
    dueAtMs: row.due_at_ms,
  };
}
