import { and, eq, sql } from "drizzle-orm";
import { bornStatus, type NewTask, type TaskStatus } from "../domain/task";
import type { Database } from "./database";
import { releaseId } from "./held-id-store";
import { tasks } from "./schema";

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

/**
 * Inserts rows, or finds those that are there, in one transaction: safe to repeat after an ambiguous error. Only a clash
 * on the id is no error; any other must be seen. A row that is there stays as it is, but for a reservation that is being
 * filled; one that was canceled meanwhile takes the content and stays canceled.
 */
export async function insertTasks(db: Database, entries: readonly TaskEntry[]): Promise<readonly StandingRow[]> {
  const statements = entries.flatMap((entry) => [insertOrFill(db, entry), selectStanding(db, entry.task)]);
  const freed = entries.filter(({ canceled, fills }) => canceled || fills !== null);
  const [first, ...others] = [...statements, ...freed.map(({ task }) => releaseId(db, task))];
  if (first === undefined) return [];
  const results: unknown[] = await db.batch([first, ...others]);
  return entries.map((_, index) => standingOf(results[2 * index + 1]));
}

function insertOrFill(db: Database, { task, canceled, fills }: TaskEntry) {
  const { id, namespaceId, requestId, type, createdAtMs, acceptedAtMs, ...content } = task;
  const status = canceled ? "canceled" : bornStatus(task);
  const endedAtMs = canceled ? acceptedAtMs : null;
  const touched = { updatedAtMs: acceptedAtMs, pokedAtMs: acceptedAtMs };
  const identity = { id, namespaceId, requestId, type, createdAtMs, run: 1, attempts: 0 };
  const insert = db.insert(tasks).values({ ...identity, ...content, ...touched, status, endedAtMs });
  if (fills === null) return insert.onConflictDoNothing({ target: tasks.id });
  return insert.onConflictDoUpdate({
    target: tasks.id,
    set: {
      ...content,
      ...touched,
      status: sql`CASE WHEN tasks.status = 'unbound' THEN ${status} ELSE tasks.status END`,
      endedAtMs: sql`CASE WHEN tasks.status = 'unbound' THEN ${endedAtMs} ELSE tasks.ended_at_ms END`,
    },
    setWhere: sql`tasks.operation IS NULL AND tasks.fingerprint = ${fills} AND tasks.deleted_at_ms IS NULL
      AND tasks.namespace_id = ${namespaceId}`,
  });
}

function selectStanding(db: Database, task: Pick<NewTask, "id" | "namespaceId">) {
  const { fingerprint, createdAtMs, status, operation } = tasks;
  return db
    .select({ fingerprint, createdAtMs, status, operation })
    .from(tasks)
    .where(and(eq(tasks.namespaceId, task.namespaceId), eq(tasks.id, task.id)));
}

function standingOf(result: unknown): StandingRow {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the rows of selectStanding, whose place in the batch is even
  const [row] = result as Awaited<ReturnType<typeof selectStanding>>;
  if (row === undefined) throw new Error("The row of a task is not there after its insert.");
  const { operation, ...standing } = row;
  return { ...standing, unfilled: operation === null };
}
