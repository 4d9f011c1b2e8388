import { reservationEndsAtMs } from "../domain/reservation";
import type { NewTask, TaskHead } from "../domain/task";
import type { ClaimRequest, RequestRecord } from "../services/ports";
import { ClaimInvokes } from "./claim-invokes";
import { BLANK, CLAIM_COLUMNS, type ClaimRecord, type ClaimRow, parseRow, toRecord } from "./claim-record";
import { CREATE_TABLES, haveTables } from "./claim-tables";

/** What the counts of a claim grew by since they were last written. */
export interface Seen {
  readonly lastSeenAtMs: number;
  readonly replays: number;
  readonly mismatches: number;
}

interface Times {
  readonly nowMs: number;
  readonly dueAtMs: number;
}

/** What the row that stands in D1 says, where it is older than the claim. */
interface OlderRow {
  readonly fingerprint: string;
  readonly createdAtMs: number;
  readonly unfilled: boolean;
}

/**
 * The records of an object in its own storage, keyed by task: one object may hold one or many. To be changed inside
 * `transactionSync`, together with the alarm.
 */
export class Claims {
  readonly #sql: SqlStorage;
  /**
   * Tasks whose outbox was emptied by this object since it woke: known without a write. When it is forgotten, row and
   * bell are done again, which changes nothing.
   */
  readonly #emptied = new Set<string>();

  readonly invokes: ClaimInvokes;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.invokes = new ClaimInvokes(sql);
  }

  /** @throws RecordUnreadable */
  find(taskId: string): ClaimRecord | undefined {
    const row = this.findRow(taskId);
    const record = row && toRecord(row);
    if (record?.state !== "claimed" || !this.#emptied.has(taskId)) return record;
    return { ...record, rowDone: true, bellDone: true };
  }

  /** @throws RecordUnreadable */
  findRow(taskId: string): ClaimRow | undefined {
    if (!haveTables(this.#sql)) return undefined;
    const row = this.#sql.exec("SELECT * FROM claims WHERE task_id = ?", taskId).toArray()[0];
    return row && parseRow(row);
  }

  /** Claims, also in place of a cancel that came before; with a task that has no command it is a reservation. */
  insert(request: ClaimRequest, task: NewTask, more: Times & More): void {
    const unfilled = task.command === null;
    this.put({
      ...BLANK,
      task_id: request.taskId,
      request_id: task.requestId,
      state: "claimed",
      material: request.material,
      fingerprint: request.fingerprint,
      task: JSON.stringify(task),
      call_id: request.callId,
      first_seen_at_ms: more.nowMs,
      last_seen_at_ms: more.nowMs,
      // A reserved id has no work: there is nothing to ring for.
      bell_done: Number(unfilled),
      cancel_wanted: Number(more.cancelWanted),
      keep_until_ms: more.keepUntilMs,
      due_at_ms: more.dueAtMs,
      reserved_fingerprint: unfilled ? request.fingerprint : more.fills,
      unfilled: Number(unfilled),
    });
  }

  /** Gives a reservation its content. If it was canceled, the content is born canceled. */
  fill(request: ClaimRequest, task: NewTask, { nowMs, dueAtMs }: Times): void {
    this.#emptied.delete(request.taskId);
    this.#sql.exec(
      `UPDATE claims SET material = ?, fingerprint = ?, task = ?, call_id = ?, last_seen_at_ms = ?, row_done = 0,
         bell_done = 0, cancel_wanted = max(cancel_wanted, ended), ended = 0, tries = 0, keep_until_ms = NULL,
         due_at_ms = ?, unfilled = 0 WHERE task_id = ? AND state = 'claimed' AND unfilled = 1`,
      request.material,
      request.fingerprint,
      JSON.stringify(task),
      request.callId,
      nowMs,
      dueAtMs,
      request.taskId,
    );
  }

  insertStone(taskId: string, requestId: string, nowMs: number, keepUntilMs: number): void {
    this.put({
      ...BLANK,
      task_id: taskId,
      request_id: requestId,
      state: "stone",
      first_seen_at_ms: nowMs,
      last_seen_at_ms: nowMs,
      keep_until_ms: keepUntilMs,
      due_at_ms: keepUntilMs,
    });
  }

  /** Whatever stands becomes a tombstone, and its outbox is cleared of all but the tombstone in D1. */
  retire(head: TaskHead, keepUntilMs: number, { nowMs, dueAtMs }: Times): void {
    const seen = this.findRow(head.id);
    if (seen !== undefined) this.invokes.drop(head.id);
    this.put({
      ...BLANK,
      task_id: head.id,
      request_id: head.requestId,
      state: "retired",
      fingerprint: head.fingerprint,
      task: JSON.stringify(head),
      first_seen_at_ms: seen?.first_seen_at_ms ?? nowMs,
      last_seen_at_ms: nowMs,
      keep_until_ms: keepUntilMs,
      due_at_ms: dueAtMs,
    });
  }

  /** Row and bell are done, and the alarm will look in any case: known, and not written. */
  noteEmptied(taskId: string): void {
    this.#emptied.add(taskId);
  }

  /** After a try at the outbox, or a look at the task. */
  mark(
    taskId: string,
    state: {
      readonly rowDone: boolean;
      readonly bellDone: boolean;
      readonly tries: number;
      readonly dueAtMs: number;
      readonly run?: number;
    },
  ): void {
    this.#emptied.delete(taskId);
    this.#sql.exec(
      `UPDATE claims SET row_done = ?, bell_done = ?, tries = ?, due_at_ms = ?, run = max(run, ?)
       WHERE task_id = ? AND ended = 0 AND state = 'claimed'`,
      Number(state.rowDone),
      Number(state.bellDone),
      state.tries,
      state.dueAtMs,
      state.run ?? 1,
      taskId,
    );
  }

  wantCancel(taskId: string, dueAtMs: number): void {
    this.#sql.exec(
      "UPDATE claims SET cancel_wanted = 1, due_at_ms = ? WHERE task_id = ? AND state = 'claimed'",
      dueAtMs,
      taskId,
    );
  }

  /** News of an earlier run does not end a later one. */
  markEnded(taskId: string, run: number, keepUntilMs: number): void {
    this.#emptied.delete(taskId);
    this.#sql.exec(
      `UPDATE claims SET row_done = 1, bell_done = 1, cancel_wanted = 0, ended = 1, tries = 0, due_at_ms = ?,
         keep_until_ms = ? WHERE task_id = ? AND run <= ? AND ended = 0 AND state = 'claimed'`,
      keepUntilMs,
      keepUntilMs,
      taskId,
      run,
    );
  }

  markBuried(taskId: string): void {
    this.#sql.exec(
      "UPDATE claims SET row_done = 1, due_at_ms = keep_until_ms WHERE task_id = ? AND state = 'retired'",
      taskId,
    );
  }

  /** Watched again. With `run`, a new run that was opened. */
  reopen(taskId: string, dueAtMs: number, run?: number): void {
    this.#sql.exec(
      `UPDATE claims SET ended = 0, cancel_wanted = 0, tries = 0, due_at_ms = ?, keep_until_ms = NULL,
         run = coalesce(?, run) WHERE task_id = ? AND state = 'claimed'`,
      dueAtMs,
      run ?? null,
      taskId,
    );
  }

  /**
   * The row in D1 is older than this claim: it wins, and no call of now made it. If it holds another request, what that
   * request said is not at hand any more. One that is unfilled can be filled until its own time is up.
   */
  adopt(taskId: string, row: OlderRow): void {
    this.#sql.exec(
      `UPDATE claims SET material = CASE WHEN fingerprint = ? THEN material ELSE '' END, fingerprint = ?,
         call_id = '', first_seen_at_ms = ?, unfilled = ?, keep_until_ms = ?,
         reserved_fingerprint = coalesce(?, reserved_fingerprint)
       WHERE task_id = ? AND state = 'claimed'`,
      row.fingerprint,
      row.fingerprint,
      row.createdAtMs,
      Number(row.unfilled),
      row.unfilled ? reservationEndsAtMs(row.createdAtMs) : null,
      row.unfilled ? row.fingerprint : null,
      taskId,
    );
  }

  setDue(taskId: string, dueAtMs: number): void {
    this.#sql.exec("UPDATE claims SET due_at_ms = ? WHERE task_id = ?", dueAtMs, taskId);
  }

  forget(taskId: string): void {
    this.#emptied.delete(taskId);
    this.invokes.drop(taskId);
    this.#sql.exec("DELETE FROM claims WHERE task_id = ?", taskId);
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
    const row = this.findRow(taskId);
    if (row === undefined || row.state === "moved") return undefined;
    return {
      taskId,
      requestId: row.request_id,
      firstSeenAtMs: row.first_seen_at_ms,
      lastSeenAtMs: row.last_seen_at_ms,
      replayCount: row.replay_count,
      mismatchCount: row.mismatch_count,
      expiresAtMs: row.keep_until_ms,
      retired: row.state === "retired",
      givenUp: row.state === "stone",
      cancelWanted: row.cancel_wanted === 1,
    };
  }

  /** When the next claim is due, or null when all sleep. */
  nextDueAtMs(): number | null {
    if (!haveTables(this.#sql)) return null;
    const due = this.#sql.exec("SELECT min(due_at_ms) AS due FROM claims").one()["due"];
    return typeof due === "number" ? due : null;
  }

  listDue(nowMs: number, limit: number): readonly string[] {
    if (!haveTables(this.#sql)) return [];
    const statement = "SELECT task_id FROM claims WHERE due_at_ms <= ? ORDER BY due_at_ms LIMIT ?";
    const rows = this.#sql.exec<{ task_id: string }>(statement, nowMs, limit).toArray();
    return rows.map((row) => row.task_id);
  }

  /** Writes a whole record, over whatever stands. */
  put(row: ClaimRow): void {
    this.#emptied.delete(row.task_id);
    this.#sql.exec(CREATE_TABLES);
    this.#sql.exec(PUT, ...CLAIM_COLUMNS.map((column) => row[column]));
  }
}

interface More {
  readonly cancelWanted: boolean;
  /** The fingerprint of the reservation that this fills, of which no record was left; else null. */
  readonly fills: string | null;
  /** Until when an open reservation is kept; null for a task. */
  readonly keepUntilMs: number | null;
}

const PUT = `INSERT OR REPLACE INTO claims (${CLAIM_COLUMNS.join(", ")})
  VALUES (${CLAIM_COLUMNS.map(() => "?").join(", ")})`;
