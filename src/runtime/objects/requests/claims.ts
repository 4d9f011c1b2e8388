import { reservationEndsAtMs } from "../../../domain/tasks/reservation";
import type { NewTask, TaskHead } from "../../../domain/tasks/task";
import type { ClaimRequest, RequestRecord } from "../../../services/ports/task-requests";
import { ClaimInvokes } from "./claim-invokes";
import { BLANK, CLAIM_COLUMNS, type ClaimRecord, type ClaimRow, parseValues, toRecord } from "./claim-record";
import { CREATE_CLAIMS, haveTable } from "./claim-tables";
import { newClaimRow, type NewClaimTimes, type Times } from "./new-claim";
import { toRequestRecord } from "./request-record";

/** What the counts of a claim grew by since they were last written. */
export interface Seen {
  readonly lastSeenAtMs: number;
  readonly replays: number;
  readonly mismatches: number;
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
   * Tasks whose row this object has written since it woke, and whose bell it has begun to ring: known without a write. When
   * it is forgotten, row and bell are done again, which changes nothing.
   */
  readonly #emptied = new Set<string>();
  /** Whether the tables were there when they were last looked for; undefined before that. */
  #made: boolean | undefined;
  /**
   * Records as they were written, while the creations that wrote them are answered; null: there is none. Each is looked at
   * several times, and read once. Any other write of a record takes it out.
   */
  readonly #fresh = new Map<string, ClaimRecord | null>();

  readonly invokes: ClaimInvokes;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.invokes = new ClaimInvokes(sql);
  }

  /** @throws RecordUnreadable */
  find(taskId: string): ClaimRecord | undefined {
    const fresh = this.#fresh.get(taskId);
    if (fresh !== undefined) return fresh ?? undefined;
    const record = this.#read(taskId);
    if (record?.state !== "claimed" || !this.#emptied.has(taskId)) return record;
    return { ...record, rowDone: true, bellDone: true };
  }

  #read(taskId: string): ClaimRecord | undefined {
    const row = this.findRow(taskId);
    return row && toRecord(row);
  }

  /** @throws RecordUnreadable */
  findRow(taskId: string): ClaimRow | undefined {
    const [values] = this.#ask(() => [...this.#sql.exec(FIND, taskId).raw()]);
    return values && parseValues(values);
  }

  /** Claims, also in place of a cancel that came before; with a task that has no command it is a reservation. */
  insert(request: ClaimRequest, task: NewTask, more: NewClaimTimes): void {
    const row = newClaimRow(request, task, more);
    this.put(row);
    this.#fresh.set(request.taskId, toRecord(row, task));
  }

  /** As {@link find}, for a creation: where there is none, that is remembered until it is answered. */
  findFor(taskId: string): ClaimRecord | undefined {
    const record = this.find(taskId);
    if (record === undefined) this.#fresh.set(taskId, null);
    return record;
  }

  /** A creation was answered: its record is read again when it is needed. */
  settle(taskId: string): void {
    this.#fresh.delete(taskId);
  }

  /** What was written since the transaction began is not there. */
  rolledBack(): void {
    this.#fresh.clear();
    this.#made = undefined;
  }

  /** Gives a reservation its content. If it was canceled, the content is born canceled. */
  fill(request: ClaimRequest, task: NewTask, { nowMs, dueAtMs }: Times): void {
    this.#emptied.delete(request.taskId);
    this.#write(
      request.taskId,
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

  /** The row is written and the bell begun, and the alarm will look in any case: known, and not written. */
  noteEmptied(taskId: string): void {
    this.#emptied.add(taskId);
    const fresh = this.#fresh.get(taskId);
    if (fresh?.state === "claimed") this.#fresh.set(taskId, { ...fresh, rowDone: true, bellDone: true });
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
    this.#write(
      taskId,
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
    this.#write(
      taskId,
      "UPDATE claims SET cancel_wanted = 1, due_at_ms = ? WHERE task_id = ? AND state = 'claimed'",
      dueAtMs,
      taskId,
    );
  }

  /** News of an earlier run does not end a later one. */
  markEnded(taskId: string, run: number, keepUntilMs: number): void {
    this.#emptied.delete(taskId);
    this.#write(
      taskId,
      `UPDATE claims SET row_done = 1, bell_done = 1, cancel_wanted = 0, ended = 1, tries = 0, due_at_ms = ?,
         keep_until_ms = ? WHERE task_id = ? AND run <= ? AND ended = 0 AND state = 'claimed'`,
      keepUntilMs,
      keepUntilMs,
      taskId,
      run,
    );
  }

  markBuried(taskId: string): void {
    this.#write(
      taskId,
      "UPDATE claims SET row_done = 1, due_at_ms = keep_until_ms WHERE task_id = ? AND state = 'retired'",
      taskId,
    );
  }

  /** Watched again. With `run`, a new run that was opened. */
  reopen(taskId: string, dueAtMs: number, run?: number): void {
    this.#write(
      taskId,
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
    this.#write(
      taskId,
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
    this.#write(taskId, "UPDATE claims SET due_at_ms = ? WHERE task_id = ?", dueAtMs, taskId);
  }

  forget(taskId: string): void {
    this.#emptied.delete(taskId);
    this.invokes.drop(taskId);
    this.#write(taskId, "DELETE FROM claims WHERE task_id = ?", taskId);
  }

  addSeen(taskId: string, seen: Seen): void {
    this.#write(
      taskId,
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
    return row && toRequestRecord(row);
  }

  /** When the next claim is due, or null when all sleep. */
  nextDueAtMs(): number | null {
    const [row] = this.#ask(() => this.#sql.exec("SELECT min(due_at_ms) AS due FROM claims").toArray());
    return typeof row?.["due"] === "number" ? row["due"] : null;
  }

  listDue(nowMs: number, limit: number): readonly string[] {
    const statement = "SELECT task_id FROM claims WHERE due_at_ms <= ? ORDER BY due_at_ms LIMIT ?";
    const rows = this.#ask(() => this.#sql.exec<{ task_id: string }>(statement, nowMs, limit).toArray());
    return rows.map((row) => row.task_id);
  }

  /**
   * Rows of a query, and none while there are no tables. Whether there are is asked once; they can be gone again, when
   * the storage was emptied, and then the query fails.
   */
  #ask<T>(query: () => readonly T[]): readonly T[] {
    this.#made ??= haveTable(this.#sql, "claims");
    if (!this.#made) return [];
    try {
      return query();
    } catch (error) {
      this.#made = haveTable(this.#sql, "claims");
      if (this.#made) throw error;
      return [];
    }
  }

  /** Writes a whole record, over whatever stands. */
  put(row: ClaimRow): void {
    this.#emptied.delete(row.task_id);
    if (!this.#made) this.#sql.exec(CREATE_CLAIMS);
    this.#made = true;
    this.#write(row.task_id, PUT, ...CLAIM_COLUMNS.map((column) => row[column]));
  }

  #write(taskId: string, statement: string, ...values: readonly SqlStorageValue[]): void {
    this.#fresh.delete(taskId);
    this.#sql.exec(statement, ...values);
  }
}

const FIND = `SELECT ${CLAIM_COLUMNS.join(", ")} FROM claims WHERE task_id = ?`;

const PUT = `INSERT OR REPLACE INTO claims (${CLAIM_COLUMNS.join(", ")})
  VALUES (${CLAIM_COLUMNS.map(() => "?").join(", ")})`;
