import { z } from "zod";
import { parseOwnJson } from "../domain/own-json";
import type { NewTask, TaskHead } from "../domain/task";

export const RECORD_VERSION = 1;

const Row = z.object({
  version: z.literal(RECORD_VERSION),
  task_id: z.string(),
  request_id: z.string(),
  state: z.enum(["claimed", "stone", "retired"]),
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
  cancel_wanted: z.number(),
  run: z.number(),
  ended: z.number(),
  tries: z.number(),
  keep_until_ms: z.number().nullable(),
  due_at_ms: z.number().nullable(),
});

interface Kept {
  readonly taskId: string;
  readonly requestId: string;
  /** Until when an ended task, or a tombstone, is kept; null while the task is open. */
  readonly keepUntilMs: number | null;
  /** When the alarm is to look after it; null when it sleeps. */
  readonly dueAtMs: number | null;
  /** Looks of the alarm in a row that found nothing moving. */
  readonly tries: number;
}

/** The durable record of one creation. */
export interface Claim extends Kept {
  readonly state: "claimed";
  readonly material: string;
  readonly fingerprint: string;
  readonly task: NewTask;
  readonly callId: string;
  readonly firstSeenAtMs: number;
  /** The outbox: what is still to be done outside. */
  readonly rowDone: boolean;
  readonly bellDone: boolean;
  /** A cancel came for a task without a row, and D1 has not said yet that it is canceled. */
  readonly cancelWanted: boolean;
  readonly run: number;
  readonly ended: boolean;
}

/** A cancel that came before its creation: whatever comes under this id is born canceled. */
export interface CancelStone extends Kept {
  readonly state: "stone";
}

/** What is left of a removed task: its id never runs again while this stands. */
export interface Tombstone extends Kept {
  readonly state: "retired";
  readonly head: TaskHead;
  /** Whether the row in D1 is a tombstone too. */
  readonly rowDone: boolean;
}

export type ClaimRecord = Claim | CancelStone | Tombstone;

type ClaimRow = z.infer<typeof Row>;

/** @throws ZodError when the record is of a version that this code does not know: never guessed at. */
export function parseRow(row: unknown): ClaimRow {
  return Row.parse(row);
}

/** The tables, as the first claim of an object makes them: claims, and the ids of invokes that had one. */
export const CREATE_TABLES = `CREATE TABLE IF NOT EXISTS claims (
  task_id TEXT PRIMARY KEY, version INTEGER NOT NULL, request_id TEXT NOT NULL, state TEXT NOT NULL,
  material TEXT NOT NULL, fingerprint TEXT NOT NULL, task TEXT NOT NULL, call_id TEXT NOT NULL,
  first_seen_at_ms INTEGER NOT NULL, last_seen_at_ms INTEGER NOT NULL,
  replay_count INTEGER NOT NULL, mismatch_count INTEGER NOT NULL, row_done INTEGER NOT NULL,
  bell_done INTEGER NOT NULL, cancel_wanted INTEGER NOT NULL, run INTEGER NOT NULL, ended INTEGER NOT NULL,
  tries INTEGER NOT NULL, keep_until_ms INTEGER, due_at_ms INTEGER);
CREATE TABLE IF NOT EXISTS invokes (
  task_id TEXT NOT NULL, invoke_id TEXT NOT NULL, run INTEGER NOT NULL, PRIMARY KEY (task_id, invoke_id))`;

export function toRecord(row: ClaimRow): ClaimRecord {
  const kept = {
    taskId: row.task_id,
    requestId: row.request_id,
    keepUntilMs: row.keep_until_ms,
    dueAtMs: row.due_at_ms,
    tries: row.tries,
  };
  if (row.state === "stone") return { ...kept, state: "stone" };
  // Both are written here, under the version that was just checked.
  if (row.state === "retired")
    return { ...kept, state: "retired", head: parseOwnJson<TaskHead>(row.task), rowDone: row.row_done === 1 };
  return {
    ...kept,
    state: "claimed",
    material: row.material,
    fingerprint: row.fingerprint,
    task: parseOwnJson<NewTask>(row.task),
    callId: row.call_id,
    firstSeenAtMs: row.first_seen_at_ms,
    rowDone: row.row_done === 1,
    bellDone: row.bell_done === 1,
    cancelWanted: row.cancel_wanted === 1,
    run: row.run,
    ended: row.ended === 1,
  };
}
