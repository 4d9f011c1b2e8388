import type { NewTask, TaskHead } from "../domain/task";
import type { ClaimRequest, RequestRecord } from "../services/ports";
import { type ClaimRecord, CREATE_TABLES, parseRow, RECORD_VERSION, toRecord } from "./claim-record";

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

  find(taskId: string): ClaimRecord | undefined {
    const row = this.#row(taskId);
    return row && toRecord(row);
  }

  /**
   * Claims, also in place of a cancel that came before. To be called inside `transactionSync`: claim and alarm are one
   * unit.
   */
  insert(request: ClaimRequest, task: NewTask, cancelWanted: boolean, times: Times): void {
    this.#put({
      taskId: request.taskId,
      requestId: task.requestId,
      state: "claimed",
      material: request.material,
      fingerprint: request.fingerprint,
      task: JSON.stringify(task),
      callId: request.callId,
      cancelWanted,
      keepUntilMs: null,
      ...times,
    });
  }

  insertStone(taskId: string, requestId: string, nowMs: number, keepUntilMs: number): void {
    const empty = { material: "", fingerprint: "", task: "null", callId: "", cancelWanted: false };
    this.#put({ taskId, requestId, state: "stone", ...empty, keepUntilMs, nowMs, dueAtMs: keepUntilMs });
  }

  /** Whatever stands becomes a tombstone, and its outbox is cleared of all but the tombstone in D1. */
  retire(head: TaskHead, keepUntilMs: number, { nowMs, dueAtMs }: Times): void {
    const seen = this.#row(head.id);
    this.#sql.exec(CREATE_TABLES);
    this.#sql.exec("DELETE FROM invokes WHERE task_id = ?", head.id);
    const empty = { material: "", fingerprint: head.fingerprint, callId: "", cancelWanted: false };
    const { id: taskId, requestId } = head;
    this.#put({
      taskId,
      requestId,
      state: "retired",
      ...empty,
      task: JSON.stringify(head),
      keepUntilMs,
      nowMs: seen?.first_seen_at_ms ?? nowMs,
      dueAtMs,
    });
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
    this.#sql.exec("UPDATE claims SET cancel_wanted = 1, due_at_ms = ? WHERE task_id = ?", dueAtMs, taskId);
  }

  /** News of an earlier run does not end a later one. */
  markEnded(taskId: string, run: number, keepUntilMs: number): void {
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

  /** The run that an invoke of this id was to follow, or undefined when it never came. */
  findInvoke(taskId: string, invokeId: string): number | undefined {
    const statement = "SELECT run FROM invokes WHERE task_id = ? AND invoke_id = ?";
    return this.#sql.exec<{ run: number }>(statement, taskId, invokeId).toArray()[0]?.run;
  }

  addInvoke(taskId: string, invokeId: string, run: number): void {
    this.#sql.exec("INSERT OR IGNORE INTO invokes (task_id, invoke_id, run) VALUES (?, ?, ?)", taskId, invokeId, run);
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
    this.#sql.exec("UPDATE claims SET due_at_ms = ? WHERE task_id = ?", dueAtMs, taskId);
  }

  forget(taskId: string): void {
    this.#sql.exec("DELETE FROM invokes WHERE task_id = ?", taskId);
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
    const row = this.#row(taskId);
    if (row === undefined) return undefined;
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

  #row(taskId: string): ReturnType<typeof parseRow> | undefined {
    if (!this.exist) return undefined;
    const row = this.#sql.exec("SELECT * FROM claims WHERE task_id = ?", taskId).toArray()[0];
    return row && parseRow(row);
  }

  #put(claim: {
    readonly taskId: string;
    readonly requestId: string;
    readonly state: ClaimRecord["state"];
    readonly material: string;
    readonly fingerprint: string;
    readonly task: string;
    readonly callId: string;
    readonly cancelWanted: boolean;
    readonly keepUntilMs: number | null;
    readonly nowMs: number;
    readonly dueAtMs: number;
  }): void {
    this.#sql.exec(CREATE_TABLES);
    this.#sql.exec(
      `INSERT OR REPLACE INTO claims (version, task_id, request_id, state, material, fingerprint, task, call_id,
         first_seen_at_ms, last_seen_at_ms, replay_count, mismatch_count, row_done, bell_done,
         cancel_wanted, run, ended, tries, keep_until_ms, due_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, ?, 1, 0, 0, ?, ?)`,
      RECORD_VERSION,
      claim.taskId,
      claim.requestId,
      claim.state,
      claim.material,
      claim.fingerprint,
      claim.task,
      claim.callId,
      claim.nowMs,
      claim.nowMs,
      Number(claim.cancelWanted),
      claim.keepUntilMs,
      claim.dueAtMs,
    );
  }
}
