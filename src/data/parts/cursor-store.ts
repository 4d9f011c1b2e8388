import { sql, type SQL } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import { parseOwnJson } from "../../domain/basics/own-json";
import type { CursorOperation, TaskCursor } from "../../domain/tasks/operations";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { heldBy, type LeasedPart, WATCHED_UNTIL, type Watched } from "./part-sql";

/** Where a part stands that goes by a cursor, and whether its collection still does. Undefined: the lease is lost. */
export async function loadCursor<O extends CursorOperation>(
  db: Database,
  lease: LeasedPart,
  collectionId: string,
): Promise<{ readonly cursor: TaskCursor<O>; readonly collectionStands: boolean } | undefined> {
  const rows = await db.all<{ cursor: string | null; stands: number }>(sql`SELECT cursor,
      EXISTS (SELECT 1 FROM collections WHERE id = ${collectionId} AND namespace_id = ${lease.namespaceId}
        AND deleted_at_ms IS NULL) AS stands
    FROM task_parts WHERE task_id = ${lease.taskId} AND part = ${lease.part} AND ${heldBy(lease)}`);
  const [row] = rows;
  if (row === undefined || row.cursor === null) return undefined;
  return { cursor: parseOwnJson<TaskCursor<O>>(row.cursor), collectionStands: row.stands === 1 };
}

/** One step of a part: what the cursor says after it, in whole numbers and not in differences. */
export interface CursorStep {
  readonly lease: LeasedPart;
  /** Its `step` is one more than before. */
  readonly cursor: TaskCursor;
  readonly done: number;
  readonly failed: number;
  /** The total of the task, where the step found it out. */
  readonly total: number | null;
  /** What must hold besides, or the step is not written. */
  readonly condition?: SQL;
  readonly leaseMs: number;
}

type Statement = BatchItem<"sqlite">;

/** True once the step is written, while its lease is held. Every statement of the step carries it. */
export function stepWritten({ lease, cursor }: Pick<CursorStep, "lease" | "cursor">): SQL {
  return sql`EXISTS (SELECT 1 FROM task_parts AS own WHERE own.task_id = ${lease.taskId} AND own.part = ${lease.part}
    AND json_extract(own.cursor, '$.step') = ${cursor.step}) AND ${heldBy(lease)}`;
}

/** What became of a step: `refused` when its condition does not hold, `lost` when the lease is. */
export type StepOutcome =
  | ({ readonly kind: "written"; readonly cursor: TaskCursor } & Watched)
  | { readonly kind: "refused" }
  | { readonly kind: "lost" };

/**
 * Writes a step and what it does, in one transaction, and extends the lease with it. The cursor moves first, from the
 * step before; the other statements stand on that, and must be such that doing them again changes nothing. So a step
 * that is written twice is written once, and one of a lost lease not at all.
 * @returns the cursor as it stands then: also when an earlier call wrote the step, whose answer was lost.
 */
export async function writeStep(
  db: Database,
  step: CursorStep,
  statements: readonly Statement[] = [],
): Promise<StepOutcome> {
  const { lease } = step;
  const stands = db.all<Stands>(sql`SELECT cursor, ${WATCHED_UNTIL} FROM task_parts
    WHERE task_id = ${lease.taskId} AND part = ${lease.part} AND ${heldBy(lease)}`);
  const results = await db.batch([moveCursor(db, step), setTotal(db, step), ...statements, stands]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the last statement's rows
  const [held] = results.at(-1) as readonly Stands[];
  if (held === undefined) return { kind: "lost" };
  const cursor = parseOwnJson<TaskCursor>(held.cursor);
  const { watchedUntilMs } = held;
  return cursor.step === step.cursor.step ? { kind: "written", cursor, watchedUntilMs } : { kind: "refused" };
}

interface Stands extends Watched {
  readonly cursor: string;
}

/** A checkpoint is progress: the count of vain attempts begins anew. */
function moveCursor(db: Database, step: CursorStep): Statement {
  const { lease, cursor, done, failed, leaseMs, condition = sql`TRUE` } = step;
  return db.run(sql`UPDATE task_parts SET cursor = ${JSON.stringify(cursor)}, done = ${done}, failed = ${failed},
      attempts = 0, lease_expires_at_ms = ${nowMs(db)} + ${leaseMs}, updated_at_ms = ${nowMs(db)}
    WHERE task_id = ${lease.taskId} AND part = ${lease.part} AND json_extract(cursor, '$.step') = ${cursor.step - 1}
      AND ${heldBy(lease)} AND ${condition}`);
}

function setTotal(db: Database, step: CursorStep): Statement {
  const { lease, total } = step;
  return db.run(sql`UPDATE tasks SET total = ${total} WHERE id = ${lease.taskId} AND namespace_id = ${lease.namespaceId}
    AND ${total} IS NOT NULL AND ${stepWritten(step)}`);
}
