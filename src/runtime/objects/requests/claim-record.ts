import { RECORD_UNREADABLE } from "../../config/record-unreadable";
import { parseOwnJson } from "../../../domain/basics/own-json";
import type { NewTask, TaskHead } from "../../../domain/tasks/task";
import { RECORD_VERSION } from "./claim-tables";

type Guard<T> = (value: unknown) => value is T;

const text: Guard<string> = (value) => typeof value === "string";
const number: Guard<number> = (value) => typeof value === "number";
const orNull =
  <T>(guard: Guard<T>): Guard<T | null> =>
  (value) =>
    value === null || guard(value);
const oneOf = <const T extends readonly unknown[]>(...values: T): Guard<T[number]> => {
  return (value): value is T[number] => values.includes(value);
};

/** The columns, and what may stand in each. Checked by hand: a record is read several times in every creation. */
const COLUMNS = {
  version: oneOf(RECORD_VERSION),
  task_id: text,
  request_id: text,
  state: oneOf("claimed", "stone", "retired", "moved"),
  material: text,
  fingerprint: text,
  task: text,
  call_id: text,
  first_seen_at_ms: number,
  last_seen_at_ms: number,
  replay_count: number,
  mismatch_count: number,
  row_done: number,
  bell_done: number,
  cancel_wanted: number,
  run: number,
  ended: number,
  tries: number,
  keep_until_ms: orNull(number),
  due_at_ms: orNull(number),
  reserved_fingerprint: orNull(text),
  unfilled: number,
  moved_to: orNull(text),
};

type Columns = typeof COLUMNS;
export type ClaimRow = { readonly [C in keyof Columns]: Columns[C] extends Guard<infer T> ? T : never };
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of the object above
export const CLAIM_COLUMNS = Object.keys(COLUMNS) as readonly (keyof Columns)[];

/** What a record says that has nothing to say. */
export const BLANK = {
  version: RECORD_VERSION,
  material: "",
  fingerprint: "",
  task: "null",
  call_id: "",
  replay_count: 0,
  mismatch_count: 0,
  row_done: 0,
  bell_done: 0,
  cancel_wanted: 0,
  run: 1,
  ended: 0,
  tries: 0,
  reserved_fingerprint: null,
  unfilled: 0,
  moved_to: null,
} as const;

interface Kept {
  readonly taskId: string;
  readonly requestId: string;
  /** Until when an ended task, a tombstone or an open reservation is kept; null while the task is open. */
  readonly keepUntilMs: number | null;
  /** When the alarm is to look after it; null when it sleeps. */
  readonly dueAtMs: number | null;
  /** Looks of the alarm in a row that found nothing moving. */
  readonly tries: number;
}

/** The durable record of one creation, or of one reservation. */
export interface Claim extends Kept {
  readonly state: "claimed";
  readonly material: string;
  readonly fingerprint: string;
  /** The fingerprint of the reservation that it began as, else null. */
  readonly reservedFingerprint: string | null;
  /** A reservation that nobody has filled. */
  readonly unfilled: boolean;
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

/** The id belongs to another object: after a change of placement its record, if there was one, was handed over. */
export interface Moved extends Kept {
  readonly state: "moved";
  /** The name of the object that has it now. */
  readonly to: string;
  /** What was handed over, until the other object has said that it has it; null when there was nothing, or is no more. */
  readonly parcel: string | null;
}

export type ClaimRecord = Claim | CancelStone | Tombstone | Moved;

/** A record that this code cannot read: of another version, or corrupt. It is refused, never guessed at. */
export class RecordUnreadable extends Error {
  constructor(cause: unknown) {
    super(`${RECORD_UNREADABLE}: the record of this request is of another version of the service, or damaged.`, {
      cause,
    });
    this.name = "RecordUnreadable";
  }
}

/** The values of a row, in the order of {@link CLAIM_COLUMNS}. @throws RecordUnreadable */
export function parseValues(values: readonly unknown[]): ClaimRow {
  const row: Record<string, unknown> = {};
  CLAIM_COLUMNS.forEach((column, index) => (row[column] = values[index]));
  return parseRow(row);
}

/** @throws RecordUnreadable */
export function parseRow(row: Readonly<Record<string, unknown>>): ClaimRow {
  if (!isRow(row)) throw new RecordUnreadable(new Error("A column does not hold what it should."));
  return row;
}

function isRow(row: Readonly<Record<string, unknown>>): row is ClaimRow {
  return CLAIM_COLUMNS.every((column) => COLUMNS[column](row[column]));
}

/** @param task where it is at hand, and need not be parsed. @throws RecordUnreadable */
export function toRecord(row: ClaimRow, task?: NewTask): ClaimRecord {
  const kept = {
    taskId: row.task_id,
    requestId: row.request_id,
    keepUntilMs: row.keep_until_ms,
    dueAtMs: row.due_at_ms,
    tries: row.tries,
  };
  switch (row.state) {
    case "stone":
      return { ...kept, state: "stone" };
    case "moved":
      return { ...kept, state: "moved", to: row.moved_to ?? "", parcel: row.task === "null" ? null : row.task };
    case "retired":
      return {
        ...kept,
        state: "retired",
        head: readable(() => parseOwnJson<TaskHead>(row.task)),
        rowDone: row.row_done === 1,
      };
    default:
      return { ...kept, state: "claimed", ...claimOf(row, task) };
  }
}

function claimOf(row: ClaimRow, task: NewTask | undefined): Omit<Claim, keyof Kept | "state"> {
  return {
    material: row.material,
    fingerprint: row.fingerprint,
    reservedFingerprint: row.reserved_fingerprint,
    unfilled: row.unfilled === 1,
    task: task ?? readable(() => parseOwnJson<NewTask>(row.task)),
    callId: row.call_id,
    firstSeenAtMs: row.first_seen_at_ms,
    rowDone: row.row_done === 1,
    bellDone: row.bell_done === 1,
    cancelWanted: row.cancel_wanted === 1,
    run: row.run,
    ended: row.ended === 1,
  };
}

/** Runs the parse of what was written here, under the version that was just checked. */
function readable<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new RecordUnreadable(error);
  }
}
