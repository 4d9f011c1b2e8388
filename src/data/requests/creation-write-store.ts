import type { NewTask } from "../../domain/tasks/task";
import { RESERVATION_MS } from "../../domain/tasks/reservation";
import type { Database } from "../database/database";
import { nowText } from "../database/now";
import { selectStanding, type Standing, toStanding } from "./creation-read-store";
import { mayHoldText } from "./request-store";

interface Revision {
  readonly id: string;
  readonly revision: number;
}

/** What is claimed of an accepted request. */
export interface ClaimedRequest {
  readonly door: "task" | "reservation" | "fill";
  readonly callId: string;
  /** It lands before this, by the database's clock, or not at all. */
  readonly deadlineMs: number;
  readonly fingerprint: string;
  /** The canonical request. */
  readonly material: string;
  readonly subject: string | null;
  /** What it refers to, as it was read. */
  readonly agents: readonly Revision[];
  readonly collections: readonly Revision[];
  /** The file that was stored for it. */
  readonly stagedFile: string | null;
  /** The bulk that it is an item of. */
  readonly bulkId: string | null;
  readonly bulkFingerprint: string | null;
}

/** An accepted request, and the task that it makes. */
export interface CreationEntry {
  readonly claim: ClaimedRequest;
  readonly task: NewTask;
}

/** A bulk whose own row is to stand if one of its items does. */
export interface BulkEntry {
  readonly id: string;
  readonly namespaceId: string;
  readonly requestId: string;
  readonly callId: string;
  readonly fingerprint: string;
  readonly material: string;
  readonly items: readonly { readonly id: string; readonly fingerprint: string }[];
}

/** D1 takes 2 MB for one value, and a character may be four bytes of it. */
const ROWS_CHARACTERS_MAX = 400_000;

/**
 * Claims requests and makes their tasks, and reads what stands then, in one transaction. The primary key of the request
 * decides who was first; its guards decide whether it may be. A batch does not stop where a statement writes no row, so a
 * task is made only where the row of its request carries this very call. Safe to repeat after an ambiguous error.
 *
 * Rows travel as JSON in one value, so that a hundred are hardly more work for D1 than one. A reservation and a fill are a
 * statement each: what counts sees no row of its own statement.
 */
export async function writeCreations(
  db: Database,
  { entries, bulks }: { readonly entries: readonly CreationEntry[]; readonly bulks: readonly BulkEntry[] },
  ringMs: number,
): Promise<Standing> {
  const client = db.$client;
  const of = (door: ClaimedRequest["door"]) => entries.filter(({ claim }) => claim.door === door);
  const [guard, tasks] = [guardText(db), client.prepare(insertTasksText(db, ringMs))];
  const claims = client.prepare(claimText(db, guard));
  const reservations = client.prepare(reserveText(db, guard));
  const fills = [client.prepare(fillText(db, guard)), client.prepare(fillTaskText(db, ringMs))] as const;
  const alone = of("reservation").map((entry) => [[claimOf(entry)], [taskOf(entry)], reservations, tasks] as const);
  const filled = of("fill").map((entry) => [[claimOf(entry)], [taskOf(entry)], ...fills] as const);
  const results = await client.batch([
    ...slicesOf(of("task").map(claimOf)).map((rows) => claims.bind(rows)),
    ...slicesOf(of("task").map(taskOf)).map((rows) => tasks.bind(rows)),
    ...[...alone, ...filled].flatMap(([claim, task, first, second]) => [
      first.bind(JSON.stringify(claim)),
      second.bind(JSON.stringify(task)),
    ]),
    ...bulks.map((bulk) => client.prepare(bulkText(db)).bind(JSON.stringify(bulk))),
    selectStanding(db, idsOfRows({ entries, bulks })),
  ]);
  return toStanding(results.at(-1));
}

/** The ids of all rows that a write may make, and of the bulks that its entries belong to. */
export function idsOfRows({ entries, bulks }: Parameters<typeof writeCreations>[1]) {
  const ofEntries = entries.flatMap(({ claim: { bulkId }, task: { id, namespaceId } }) =>
    [id, ...(bulkId === null ? [] : [bulkId])].map((each) => ({ id: each, namespaceId })),
  );
  return [...ofEntries, ...bulks];
}

const SENT = `given.value ->> 'id', given.value ->> 'namespaceId', given.value ->> 'requestId'`;

/** Content also for an id that was canceled before anything came: that stays canceled, and so does what it makes. */
function claimText(db: Database, guard: string): string {
  const now = nowText(db);
  return `INSERT INTO requests (id, namespace_id, request_id, door, fingerprint, request, call_id, bulk_id, subject,
      canceled, first_seen_at_ms, last_seen_at_ms)
    SELECT ${SENT}, 'task', given.value ->> 'fingerprint', given.value ->> 'material', given.value ->> 'callId',
      given.value ->> 'bulkId', given.value ->> 'subject',
      coalesce((SELECT bulk.canceled FROM requests AS bulk WHERE bulk.id = given.value ->> 'bulkId'), 0), ${now}, ${now}
    FROM json_each(?1) AS given WHERE ${guard}
    ON CONFLICT (id) DO UPDATE SET door = 'task', fingerprint = excluded.fingerprint, request = excluded.request,
      call_id = excluded.call_id, bulk_id = excluded.bulk_id, subject = excluded.subject, held_until_ms = NULL,
      last_seen_at_ms = excluded.last_seen_at_ms
    WHERE requests.door = 'cancel' AND requests.retired_at_ms IS NULL`;
}

function reserveText(db: Database, guard: string): string {
  const now = nowText(db);
  const [id, namespaceId] = ["given.value ->> 'id'", "given.value ->> 'namespaceId'"];
  return `INSERT INTO requests (id, namespace_id, request_id, door, reserved_fingerprint, call_id, held_until_ms,
      first_seen_at_ms, last_seen_at_ms)
    SELECT ${SENT}, 'reservation', given.value ->> 'fingerprint', given.value ->> 'callId', ${now} + ${RESERVATION_MS},
      ${now}, ${now}
    FROM json_each(?1) AS given WHERE ${guard} AND ${mayHoldText(db, { id, namespaceId })}
    ON CONFLICT (id) DO UPDATE SET door = 'reservation', reserved_fingerprint = excluded.reserved_fingerprint,
      call_id = excluded.call_id, held_until_ms = NULL, first_seen_at_ms = excluded.first_seen_at_ms,
      last_seen_at_ms = excluded.last_seen_at_ms
    WHERE requests.door = 'cancel' AND requests.retired_at_ms IS NULL`;
}

/** An UPDATE, never an insert: a reservation that has ended and was forgotten is not made again by its fill. */
function fillText(db: Database, guard: string): string {
  const now = nowText(db);
  return `UPDATE requests SET fingerprint = given.value ->> 'fingerprint', request = given.value ->> 'material',
      call_id = given.value ->> 'callId', held_until_ms = NULL, last_seen_at_ms = ${now}
    FROM json_each(?1) AS given
    WHERE requests.id = given.value ->> 'id' AND requests.namespace_id = given.value ->> 'namespaceId'
      AND requests.reserved_fingerprint IS NOT NULL AND requests.fingerprint IS NULL
      AND requests.retired_at_ms IS NULL AND requests.first_seen_at_ms + ${RESERVATION_MS} > ${now} AND ${guard}`;
}

/** True where the row of the request carries this very call. */
const IS_MINE = `requests.id = given.value ->> 'id' AND requests.call_id = given.value ->> 'callId'
  AND requests.retired_at_ms IS NULL`;

/**
 * A new task is rung for when its first bell has had its time. A reserved id is not rung for: it ends when it is past its
 * time. Its time of birth is that of its request.
 */
function insertTasksText(db: Database, ringMs: number): string {
  return `INSERT INTO tasks (id, namespace_id, request_id, key_id, type, operation, status, name, tags, memo, metadata,
      command, webhook, run, attempts, created_at_ms, updated_at_ms, ended_at_ms, ring_at_ms)
    SELECT ${SENT}, given.value ->> 'keyId', given.value ->> 'type', given.value ->> 'operation',
      iif(requests.canceled, 'canceled', iif(given.value ->> 'command' IS NULL, 'unbound', 'created')),
      given.value ->> 'name', given.value ->> 'tags', given.value ->> 'memo', given.value ->> 'metadata',
      given.value ->> 'command', given.value ->> 'webhook', 1, 0, requests.last_seen_at_ms, requests.last_seen_at_ms,
      iif(requests.canceled, requests.last_seen_at_ms, NULL),
      iif(given.value ->> 'command' IS NULL, requests.last_seen_at_ms + ${RESERVATION_MS}, ${nowText(db)} + ${ringMs})
    FROM json_each(?1) AS given JOIN requests ON ${IS_MINE} WHERE true
    ON CONFLICT (id) DO NOTHING`;
}

/** A reservation that was canceled takes the content and stays canceled. */
function fillTaskText(db: Database, ringMs: number): string {
  const now = nowText(db);
  return `UPDATE tasks SET key_id = given.value ->> 'keyId', operation = given.value ->> 'operation',
      name = given.value ->> 'name', tags = given.value ->> 'tags', memo = given.value ->> 'memo',
      metadata = given.value ->> 'metadata', command = given.value ->> 'command', webhook = given.value ->> 'webhook',
      updated_at_ms = ${now}, ring_at_ms = ${now} + ${ringMs}, rings = 0,
      status = iif(tasks.status = 'unbound', 'created', tasks.status)
    FROM json_each(?1) AS given JOIN requests ON ${IS_MINE}
    WHERE tasks.id = given.value ->> 'id' AND tasks.command IS NULL`;
}

/** Freezes no verdict: it says that something of the bulk was accepted, and what the bulk was. */
function bulkText(db: Database): string {
  const now = nowText(db);
  return `INSERT INTO requests (id, namespace_id, request_id, door, fingerprint, request, call_id, made_id,
      first_seen_at_ms, last_seen_at_ms)
    SELECT bulk ->> 'id', bulk ->> 'namespaceId', bulk ->> 'requestId', 'bulk', bulk ->> 'fingerprint',
      bulk ->> 'material', bulk ->> 'callId', accepted, ${now}, ${now}
    FROM (SELECT ?1 AS bulk) JOIN (SELECT requests.id AS accepted FROM json_each(?1, '$.items') AS item JOIN requests
      ON requests.id = item.value ->> 'id' AND requests.fingerprint = item.value ->> 'fingerprint'
        AND requests.retired_at_ms IS NULL ORDER BY item.key DESC LIMIT 1) WHERE true
    ON CONFLICT (id) DO UPDATE SET door = 'bulk', fingerprint = excluded.fingerprint, request = excluded.request,
      call_id = excluded.call_id, made_id = excluded.made_id, held_until_ms = NULL,
      last_seen_at_ms = excluded.last_seen_at_ms
    WHERE requests.door = 'cancel' AND requests.retired_at_ms IS NULL`;
}

/**
 * What must still be so when an accepted request lands, for an INSERT that selects from `json_each(?1) AS given`. It
 * stands in the statement itself: an insert may land seconds after what it was checked against was read.
 *
 * - It is not past its deadline, by the database's clock. So whoever reads after the deadline that there is no row may rely
 *   on it.
 * - The namespace is there, and all that the request refers to is as it was read: by its revision.
 * - A file that was stored for it is still noted.
 * - The bulk that it came in is not another's, and was not removed.
 */
function guardText(db: Database): string {
  return `given.value ->> 'deadlineMs' >= ${nowText(db)}
    AND EXISTS (SELECT 1 FROM namespaces WHERE namespaces.id = given.value ->> 'namespaceId')
    AND ${unchanged("agents")} AND ${unchanged("collections")}
    AND (given.value ->> 'stagedFile' IS NULL OR EXISTS (SELECT 1 FROM staged_files
      WHERE staged_files.name = given.value ->> 'stagedFile'
        AND staged_files.namespace_id = given.value ->> 'namespaceId'))
    AND NOT EXISTS (SELECT 1 FROM requests AS bulk WHERE bulk.id = given.value ->> 'bulkId'
      AND (bulk.retired_at_ms IS NOT NULL
        OR (bulk.door <> 'cancel' AND bulk.fingerprint IS NOT given.value ->> 'bulkFingerprint')))`;
}

function unchanged(table: "agents" | "collections"): string {
  return `NOT EXISTS (SELECT 1 FROM json_each(given.value -> '${table}') AS reference WHERE NOT EXISTS (
      SELECT 1 FROM ${table} WHERE ${table}.id = reference.value ->> 'id'
        AND ${table}.namespace_id = given.value ->> 'namespaceId'
        AND ${table}.revision = reference.value ->> 'revision'))`;
}

type Values = Readonly<Record<string, unknown>>;

/** What the row of the request takes, and its guards. */
function claimOf({ claim, task: { id, namespaceId, requestId } }: CreationEntry): Values {
  return { ...claim, id, namespaceId, requestId };
}

/** What the row of the task takes: JSON columns as the texts that are stored. */
function taskOf({ claim: { callId }, task }: CreationEntry): Values {
  return {
    ...task,
    callId,
    tags: JSON.stringify(task.tags),
    metadata: JSON.stringify(task.metadata),
    command: task.command && JSON.stringify(task.command),
    webhook: task.webhook && JSON.stringify(task.webhook),
  };
}

/** JSON arrays of rows, none longer than a value may be. */
function slicesOf(values: readonly Values[]): readonly string[] {
  const slices: string[][] = [];
  let characters = Infinity;
  for (const value of values) {
    const row = JSON.stringify(value);
    characters += row.length;
    if (characters > ROWS_CHARACTERS_MAX) {
      slices.push([]);
      characters = row.length;
    }
    slices.at(-1)?.push(row);
  }
  return slices.map((rows) => `[${rows.join(",")}]`);
}
