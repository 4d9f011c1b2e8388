import { and, eq, sql, type SQL } from "drizzle-orm";
import { HELD_IDS_MAX } from "../../domain/tasks/reservation";
import type { RequestDoor, StandingRequest } from "../../domain/requests/request";
import type { TaskStatus } from "../../domain/tasks/task";
import type { Database } from "../database/database";
import { nowMs, nowText } from "../database/now";
import { among } from "../parts/part-sql";
import { requests } from "../schema/requests";
import { tasks } from "../schema/tasks";
import { requestTerms } from "./request-row";

/** A request row by its id. @returns undefined where there is none. */
export async function findRequest(db: Database, namespaceId: string, id: string): Promise<StandingRequest | undefined> {
  const [row] = await selectRequest(db, namespaceId, id);
  return row;
}

/** The statement behind {@link findRequest}, for a batch. */
export function selectRequest(db: Database, namespaceId: string, id: string) {
  return db
    .select(requestTerms)
    .from(requests)
    .where(and(eq(requests.namespaceId, namespaceId), eq(requests.id, id)));
}

/** The database's time, for a batch. */
export function selectNow(db: Database) {
  return db.all<{ readAtMs: number }>(sql`SELECT ${nowMs(db)} AS readAtMs`);
}

/** What was asked under request ids, as canonical JSON; null where it is not kept any more. */
export async function findRequestsAsSent(
  db: Database,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  const rows = await db
    .select({ id: requests.id, request: requests.request })
    .from(requests)
    .where(among(requests.id, ids));
  return new Map(rows.map((row) => [row.id, row.request]));
}

/** The last task that a GET asked for of this subject, removed ones too. @returns its id. */
export async function findLastOfSubject(
  db: Database,
  namespaceId: string,
  subject: string,
): Promise<string | undefined> {
  const [row] = await db
    .select({ id: requests.id })
    .from(requests)
    .where(and(eq(requests.namespaceId, namespaceId), eq(requests.subject, subject)))
    .orderBy(sql`${requests.firstSeenAtMs} DESC`)
    .limit(1);
  return row?.id;
}

/** A call of a door that makes no task of its own. */
export interface DirectClaim {
  /** Derived from (namespace, request id). */
  readonly id: string;
  readonly namespaceId: string;
  readonly requestId: string;
  readonly door: Extract<RequestDoor, "invoke" | "agent" | "collection">;
  readonly fingerprint: string;
  readonly material: string;
  readonly callId: string;
  readonly deadlineMs: number;
  readonly madeId: string;
  readonly madeRun: number | null;
}

/**
 * Claims a request id where nothing has come under it, a cancel counted: the first statement of a batch whose later ones
 * name {@link isClaimedBy}. It lands before its deadline or not at all.
 * @param guard what else must be so.
 * @param madeRun the run that is opened, if any, as the statement finds it.
 */
export function claimRequest(
  db: Database,
  claim: DirectClaim,
  guard = sql`TRUE`,
  madeRun: SQL<number | null> = sql`${claim.madeRun}`,
) {
  const { id, namespaceId, requestId, door, fingerprint, material, callId, deadlineMs, madeId } = claim;
  const now = nowMs(db);
  return db.run(sql`INSERT INTO requests (id, namespace_id, request_id, door, fingerprint, request, call_id, made_id,
      made_run, first_seen_at_ms, last_seen_at_ms)
    SELECT ${id}, ${namespaceId}, ${requestId}, ${door}, ${fingerprint}, ${material}, ${callId}, ${madeId}, ${madeRun},
      ${now}, ${now}
    WHERE ${deadlineMs} >= ${now} AND ${guard} ON CONFLICT (id) DO NOTHING`);
}

/**
 * True where the row of the request carries this very call, and what it made was not removed: a write that lands once more
 * makes nothing again.
 */
export function isClaimedBy({ id, callId }: Pick<DirectClaim, "id" | "callId">) {
  return sql`EXISTS (SELECT 1 FROM requests WHERE requests.id = ${id} AND requests.call_id = ${callId}
    AND requests.retired_at_ms IS NULL)`;
}

/** Calls of a request id that found it used. */
export interface SeenCalls {
  readonly id: string;
  readonly replays: number;
  readonly mismatches: number;
}

/** Adds up calls that were answered from what stood. Touches nothing that a client sees of the task. */
export async function countCalls(db: Database, calls: readonly SeenCalls[]): Promise<void> {
  await db.run(sql`UPDATE requests SET last_seen_at_ms = max(last_seen_at_ms, ${nowMs(db)}),
      replay_count = replay_count + (seen.value ->> 'replays'),
      mismatch_count = mismatch_count + (seen.value ->> 'mismatches')
    FROM json_each(${JSON.stringify(calls)}) AS seen WHERE requests.id = seen.value ->> 'id'`);
}

/**
 * Bars a request id under which nothing has come: whatever still comes is born canceled, or refused. Counted against the
 * limit of held ids in the same statement. Repeatable; it changes no row that stands.
 */
export function barRequest(
  db: Database,
  bar: {
    readonly id: string;
    readonly namespaceId: string;
    readonly requestId: string;
    readonly callId: string;
    readonly forMs: number;
  },
) {
  const given = (name: keyof typeof bar) => sql.raw(`given.value ->> '${name}'`);
  const held = mayHoldText(db, { namespaceId: "given.value ->> 'namespaceId'", id: "given.value ->> 'id'" });
  const now = nowMs(db);
  return db.run(sql`INSERT INTO requests (id, namespace_id, request_id, door, call_id, canceled, held_until_ms,
      first_seen_at_ms, last_seen_at_ms)
    SELECT ${given("id")}, ${given("namespaceId")}, ${given("requestId")}, 'cancel', ${given("callId")}, 1,
      ${now} + ${given("forMs")}, ${now}, ${now}
    FROM json_each(${JSON.stringify([bar])}) AS given WHERE ${sql.raw(held)} ON CONFLICT (id) DO NOTHING`);
}

/**
 * Whether a namespace may hold one more id without work behind it. One that is held already is counted already. A
 * statement sees no row of its own, so each that carries this holds one id.
 * @param of the namespace and the id, as expressions.
 */
export function mayHoldText(db: Database, of: { readonly namespaceId: string; readonly id: string }): string {
  return `(EXISTS (SELECT 1 FROM requests WHERE requests.id = ${of.id} AND held_until_ms IS NOT NULL)
    OR (SELECT count(*) FROM requests WHERE requests.namespace_id = ${of.namespaceId}
      AND held_until_ms > ${nowText(db)}) < ${HELD_IDS_MAX})`;
}

/** The row of a request id, and the time of the read by the database's clock. */
export interface RequestNow {
  readonly row: StandingRequest | undefined;
  readonly readAtMs: number;
}

export async function findRequestNow(db: Database, namespaceId: string, id: string): Promise<RequestNow> {
  const [[row], [now]] = await db.batch([selectRequest(db, namespaceId, id), selectNow(db)]);
  return { row, readAtMs: now?.readAtMs ?? 0 };
}

/** A task that an item of a bulk made, as it is now. */
export interface MadeTask {
  readonly id: string;
  /** Null where it was removed. */
  readonly status: TaskStatus | null;
  readonly run: number;
  readonly endedAtMs: number | null;
}

/** The tasks that a bulk made, in the order of their ids: not those that it replayed. */
export async function findBulkItems(db: Database, namespaceId: string, bulkId: string): Promise<readonly MadeTask[]> {
  const rows = await db
    .select({
      id: requests.id,
      status: tasks.status,
      run: tasks.run,
      endedAtMs: sql<number | null>`coalesce(${tasks.endedAtMs}, ${requests.endedAtMs})`,
    })
    .from(requests)
    .leftJoin(tasks, eq(tasks.id, requests.id))
    .where(and(eq(requests.bulkId, bulkId), eq(requests.namespaceId, namespaceId)))
    .orderBy(requests.id);
  return rows.map((row) => ({ ...row, run: row.run ?? 1 }));
}

/** Says of a bulk that it was canceled: what its repeat still makes is born canceled. */
export function markCanceled(db: Database, namespaceId: string, id: string) {
  return db
    .update(requests)
    .set({ canceled: true })
    .where(and(eq(requests.id, id), eq(requests.namespaceId, namespaceId)));
}
