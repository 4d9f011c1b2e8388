import { bornStatus, type NewTask, type TaskStatus } from "../../domain/tasks/task";
import { RESERVATION_MS } from "../../domain/tasks/reservation";
import type { Database } from "../database/database";
import { nowText } from "../database/now";
import { FixedSelect } from "../database/fixed-select";
import { RELEASE_ID } from "./held-id-store";
import { tasks } from "../schema/tasks";

/** What the row that stands says of who made it. */
export interface StandingRow {
  readonly fingerprint: string;
  readonly createdAtMs: number;
  readonly status: TaskStatus;
  /** True for a reserved id without content. */
  readonly unfilled: boolean;
}

/** A row that is to stand. */
export interface TaskEntry {
  readonly task: NewTask;
  /** Canceled before it came: it is born in that end. */
  readonly canceled: boolean;
  /** The fingerprint of the reservation that this fills, else null. */
  readonly fills: string | null;
}

/** D1 takes 2 MB for one value, and a character may be four bytes of it. */
const ROWS_CHARACTERS_MAX = 400_000;

/**
 * Inserts rows, or finds those that are there, in one transaction: safe to repeat after an ambiguous error. Only a clash
 * on the id is no error; any other must be seen. A row that is there stays as it is, but for a reservation that is being
 * filled; one that was canceled meanwhile takes the content and stays canceled. The rows travel as JSON in one value, so
 * that a hundred are hardly more work for D1 than one.
 */
export async function insertTasks(
  db: Database,
  entries: readonly TaskEntry[],
  ringMs: number,
): Promise<readonly StandingRow[]> {
  if (entries.length === 0) return [];
  const client = db.$client;
  const insert = insertText(db, ringMs);
  const results = await client.batch([
    ...slicesOf(entries.filter(({ fills }) => fills === null)).map((rows) =>
      client.prepare(`${insert} ${OR_FIND}`).bind(rows),
    ),
    ...entries.flatMap((entry) =>
      entry.fills === null ? [] : [fill(client.prepare(`${insert} ${OR_FILL}`), entry, entry.fills)],
    ),
    ...entries
      .filter(({ canceled, fills }) => canceled || fills !== null)
      .map(({ task }) => client.prepare(RELEASE_ID).bind(task.namespaceId, task.id)),
    STANDING.statement(db, JSON.stringify(entries.map(({ task: { id, namespaceId } }) => ({ id, namespaceId })))),
  ]);
  const standing = new Map(STANDING.rowsOf(results.at(-1)).map((row) => [row.id, row]));
  return entries.map(({ task }) => standingOf(standing.get(task.id)));
}

/**
 * A new task is rung for when its first bell has had its time; a reserved id is not rung for: it ends when it is past its
 * time.
 */
function insertText(db: Database, ringMs: number): string {
  return `INSERT INTO tasks (id, namespace_id, request_id, key_id, type, operation, status, name, tags,
    memo, metadata, fingerprint, command, subject, webhook, run, attempts, created_at_ms, updated_at_ms, ended_at_ms, ring_at_ms)
  SELECT value ->> 'id', value ->> 'namespaceId', value ->> 'requestId', value ->> 'keyId', value ->> 'type',
    value ->> 'operation', value ->> 'status', value ->> 'name', value ->> 'tags', value ->> 'memo',
    value ->> 'metadata', value ->> 'fingerprint', value ->> 'command', value ->> 'subject', value ->> 'webhook',
    1, 0, value ->> 'createdAtMs',
    value ->> 'acceptedAtMs', value ->> 'endedAtMs',
    iif(value ->> 'command' IS NULL, value ->> 'createdAtMs' + ${RESERVATION_MS}, ${nowText(db)} + ${ringMs})
  FROM json_each(?1) WHERE true`;
}

const OR_FIND = "ON CONFLICT (id) DO NOTHING";

const OR_FILL = `ON CONFLICT (id) DO UPDATE SET key_id = excluded.key_id, operation = excluded.operation, name = excluded.name,
      tags = excluded.tags, memo = excluded.memo, metadata = excluded.metadata, fingerprint = excluded.fingerprint,
      command = excluded.command, webhook = excluded.webhook, updated_at_ms = excluded.updated_at_ms, ring_at_ms = excluded.ring_at_ms, rings = 0,
      status = CASE WHEN tasks.status = 'unbound' THEN excluded.status ELSE tasks.status END,
      ended_at_ms = CASE WHEN tasks.status = 'unbound' THEN excluded.ended_at_ms ELSE tasks.ended_at_ms END
    WHERE tasks.operation IS NULL AND tasks.fingerprint = ?2 AND tasks.deleted_at_ms IS NULL
      AND tasks.namespace_id = ?3`;

function fill(statement: D1PreparedStatement, entry: TaskEntry, reserved: string): D1PreparedStatement {
  return statement.bind(JSON.stringify([toValues(entry)]), reserved, entry.task.namespaceId);
}

/** JSON columns as the texts that are stored. */
function toValues({ task, canceled }: TaskEntry): Readonly<Record<string, unknown>> {
  return {
    ...task,
    status: canceled ? "canceled" : bornStatus(task),
    tags: JSON.stringify(task.tags),
    metadata: JSON.stringify(task.metadata),
    command: task.command && JSON.stringify(task.command),
    // A record that was kept before there were webhooks has none.
    webhook: task.webhook && JSON.stringify(task.webhook),
    endedAtMs: canceled ? task.acceptedAtMs : null,
  };
}

/** JSON arrays of rows, none longer than a value may be. */
function slicesOf(entries: readonly TaskEntry[]): readonly string[] {
  const slices: string[][] = [];
  let characters = Infinity;
  for (const entry of entries) {
    const row = JSON.stringify(toValues(entry));
    characters += row.length;
    if (characters > ROWS_CHARACTERS_MAX) {
      slices.push([]);
      characters = row.length;
    }
    slices.at(-1)?.push(row);
  }
  return slices.map((rows) => `[${rows.join(",")}]`);
}

type StandingRecord = Omit<StandingRow, "unfilled"> & { readonly id: string; readonly operation: string | null };

const STANDING = new FixedSelect<StandingRecord>(
  {
    id: tasks.id,
    fingerprint: tasks.fingerprint,
    createdAtMs: tasks.createdAtMs,
    status: tasks.status,
    operation: tasks.operation,
  },
  `FROM json_each(?) AS wanted JOIN tasks
    ON tasks.id = wanted.value ->> 'id' AND tasks.namespace_id = wanted.value ->> 'namespaceId'`,
);

function standingOf(row: StandingRecord | undefined): StandingRow {
  if (row === undefined) throw new Error("The row of a task is not there after its insert.");
  const { fingerprint, createdAtMs, status, operation } = row;
  return { fingerprint, createdAtMs, status, unfilled: operation === null };
}
