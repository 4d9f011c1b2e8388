import { sql, type SQL } from "drizzle-orm";
import type { CallAllowance } from "../../domain/tasks/budget";
import { PART_ATTEMPTS_MAX, type TaskError, type TaskStatus } from "../../domain/tasks/task";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { allowanceOf, budgetAllows, budgetError, reservedCalls } from "./budget-sql";
import {
  bindNewTarget,
  clearLeases,
  completeIfDone,
  givenBack,
  heldBy,
  type LeasedPart,
  RESULT_OF_PARTS,
} from "./part-sql";
import { setRingTime } from "./ring-sql";

export interface ClaimInput {
  readonly namespaceId: string;
  readonly taskId: string;
  readonly token: string;
  readonly leaseMs: number;
  readonly ringMs: number;
  /** Leases of one task that may be alive at once. */
  readonly parallelMax: number;
}

export interface ClaimedPart extends CallAllowance {
  readonly part: number;
  /** Runs in a row without a checkpoint, this one counted. */
  readonly attempts: number;
}

/**
 * Takes the lease of the next open part that nobody holds, by compare-and-set. A part whose lease has lapsed is free:
 * its holder's writes carry a token that no longer stands. With a budget the lease reserves what calls it may begin; a
 * part that could only wait for calls is not taken.
 * @returns the part, or undefined when there is none to take now.
 */
export async function claimPart(db: Database, input: ClaimInput): Promise<ClaimedPart | undefined> {
  const { taskId, namespaceId } = input;
  const now = nowMs(db);
  const free = sql`status = 'open' AND not_before_ms <= ${now} AND attempts < ${PART_ATTEMPTS_MAX}
    AND (lease_expires_at_ms IS NULL OR lease_expires_at_ms <= ${now})`;
  const next = sql`SELECT part FROM task_parts AS part WHERE task_id = ${taskId} AND ${free}
    AND ${budgetAllows(taskId, now)} ORDER BY part LIMIT 1`;
  const [, claimed] = await db.batch([
    db.run(sql`UPDATE tasks SET status = 'running', attempts = attempts + 1, updated_at_ms = ${now}
      WHERE id = ${taskId} AND namespace_id = ${namespaceId} AND status = 'retry'
        AND EXISTS (${next})`),
    db.all<ClaimedPart>(sql`UPDATE task_parts
      SET lease_token = ${input.token}, lease_expires_at_ms = ${now} + ${input.leaseMs}, attempts = attempts + 1,
        updated_at_ms = ${now}, calls_limit = ${reservedCalls(taskId, now)}
      WHERE task_id = ${taskId} AND namespace_id = ${namespaceId} AND part = (${next})
        AND EXISTS (SELECT 1 FROM tasks WHERE id = ${taskId} AND status = 'running')
        AND (SELECT count(*) FROM task_parts WHERE task_id = ${taskId} AND status = 'open'
          AND lease_expires_at_ms > ${now}) < ${input.parallelMax}
      RETURNING ${claimedColumns(taskId)}`),
    setRingTime(db, input, input.ringMs),
  ]);
  return claimed[0];
}

function claimedColumns(taskId: string): SQL {
  return sql`part, attempts, ${allowanceOf(taskId)}`;
}

/** The part that a token holds: what a claim came to whose answer was lost. */
export async function findPartOfToken(db: Database, input: ClaimInput): Promise<ClaimedPart | undefined> {
  const { taskId, namespaceId, token } = input;
  const rows = await db.all<ClaimedPart>(sql`SELECT ${claimedColumns(taskId)} FROM task_parts
    WHERE task_id = ${taskId} AND namespace_id = ${namespaceId} AND lease_token = ${token}`);
  return rows[0];
}

/**
 * Gives the part back because its time is up; it goes on where it stands. That is no attempt; and if nothing of it was
 * begun, it is as if it had not been claimed.
 * @param given how long it rests before anybody may take it again.
 */
export async function yieldPart(
  db: Database,
  lease: LeasedPart,
  given: { readonly restMs: number; readonly isUntouched: boolean; readonly ringMs: number },
): Promise<void> {
  await db.batch([
    db.run(sql`UPDATE task_parts SET ${givenBack(lease)},
        attempts = CASE WHEN ${given.isUntouched ? 1 : 0} THEN max(attempts - 1, 0) ELSE 0 END,
        not_before_ms = ${nowMs(db)} + ${given.restMs}, updated_at_ms = ${nowMs(db)}
      WHERE task_id = ${lease.taskId} AND part = ${lease.part} AND ${heldBy(lease)}`),
    setRingTime(db, lease, given.ringMs),
  ]);
}

/**
 * Gives the part back after a failure, to be tried again later; that an item had a strike is progress, and begins the count
 * of its attempts anew. With no other part at work the task says `retry`; a
 * token that stands counts as work, lapsed or not, because its writes need the status `running`.
 */
export async function retryPart(
  db: Database,
  lease: LeasedPart,
  failure: { readonly restMs: number; readonly error: string; readonly ringMs: number },
): Promise<void> {
  const { taskId, namespaceId } = lease;
  const hadStrike = lease.extras?.unansweredItems.some(({ strike }) => strike) ?? false;
  await db.batch([
    noteUnanswered(db, lease),
    db.run(sql`UPDATE task_parts SET ${givenBack(lease)}, attempts = CASE WHEN ${Number(hadStrike)} THEN 0 ELSE attempts END,
        not_before_ms = ${nowMs(db)} + ${failure.restMs}, last_error = ${failure.error}, updated_at_ms = ${nowMs(db)}
      WHERE task_id = ${taskId} AND part = ${lease.part} AND ${heldBy(lease)}`),
    setRingTime(db, lease, failure.ringMs),
    db.run(sql`UPDATE tasks SET status = 'retry', updated_at_ms = ${nowMs(db)}
      WHERE id = ${taskId} AND namespace_id = ${namespaceId} AND status = 'running' AND changes() = 1
        AND NOT EXISTS (SELECT 1 FROM task_parts WHERE task_id = ${taskId} AND status = 'open'
          AND lease_token IS NOT NULL)`),
  ]);
}

/** The list of positions is there for the planner, as in a checkpoint. */
function noteUnanswered(db: Database, lease: LeasedPart) {
  const json = JSON.stringify(lease.extras?.unansweredItems ?? []);
  return db.run(sql`UPDATE task_items SET unanswered = unanswered + 1,
      strikes = strikes + json_extract(item.value, '$.strike')
    FROM json_each(${json}) AS item
    WHERE task_items.task_id = ${lease.taskId} AND task_items.namespace_id = ${lease.namespaceId}
      AND task_items.position IN (SELECT json_extract(value, '$.position') FROM json_each(${json}))
      AND task_items.position = json_extract(item.value, '$.position') AND task_items.verdict IS NULL
      AND ${heldBy(lease)}`);
}

/**
 * Ends the part, and with it the task when nothing else is open. One transaction.
 * @returns whether the part is done, and whether the task is.
 */
export async function settlePart(
  db: Database,
  lease: LeasedPart,
  ringMs: number,
): Promise<{ readonly settled: boolean; readonly completed: boolean }> {
  const { taskId, namespaceId, part } = lease;
  const [settled, , completed] = await db.batch([
    db.all<{ part: number }>(sql`UPDATE task_parts
      SET status = 'done', ${givenBack(lease)}, updated_at_ms = ${nowMs(db)}
      WHERE task_id = ${taskId} AND part = ${part} AND ${heldBy(lease)}
        AND NOT EXISTS (SELECT 1 FROM task_items WHERE task_id = ${taskId} AND position >= first_position
          AND position < end_position AND verdict IS NULL)
      RETURNING part`),
    setRingTime(db, lease, ringMs),
    completeIfDone(db, namespaceId, taskId),
    bindNewTarget(db, namespaceId, taskId),
  ]);
  return { settled: settled.length > 0, completed: completed.length > 0 };
}

interface TaskToFail {
  readonly id: string;
  readonly namespaceId: string;
}

/** Ends an open task as `error`; keeps what is done. @returns whether this call ended it. */
export async function failTask(db: Database, task: TaskToFail, error: TaskError): Promise<boolean> {
  const [ended] = await db.batch([
    endAsError(db, task, sql`${JSON.stringify(error)}`, sql`TRUE`),
    clearLeases(db, task.namespaceId, task.id),
  ]);
  return ended.length > 0;
}

/**
 * Ends a task as `error` when none of its parts is at work any more, and one has used up its attempts, or the budget has
 * nothing left for those that are open.
 * @returns whether this call ended it.
 */
export async function failIfExhausted(db: Database, task: TaskToFail): Promise<boolean> {
  const usedUp = sql`FROM task_parts WHERE task_id = ${task.id} AND status = 'open' AND attempts >= ${PART_ATTEMPTS_MAX}`;
  const detail = `A part of the task failed ${PART_ATTEMPTS_MAX} times in a row without any progress.`;
  const error = sql`json_object('code', 'attempts-exhausted', 'detail', ${detail}
    || coalesce(' The last failure: ' || (SELECT last_error ${usedUp} AND last_error IS NOT NULL LIMIT 1), ''))`;
  const exhausted = sql`EXISTS (SELECT 1 ${usedUp}) AND NOT EXISTS (SELECT 1 FROM task_parts
    WHERE task_id = ${task.id} AND status = 'open' AND lease_expires_at_ms > ${nowMs(db)})`;
  const spent = budgetError(task.id, nowMs(db));
  const [tired, poor] = await db.batch([
    endAsError(db, task, error, exhausted),
    endAsError(db, task, spent, sql`${spent} IS NOT NULL`),
    clearLeases(db, task.namespaceId, task.id),
  ]);
  return tired.length + poor.length > 0;
}

function endAsError(db: Database, task: TaskToFail, error: SQL, condition: SQL) {
  return db.all<{ id: string }>(sql`UPDATE tasks SET status = 'error', error = ${error},
      ended_at_ms = ${nowMs(db)}, updated_at_ms = ${nowMs(db)}, result = ${RESULT_OF_PARTS}
    WHERE id = ${task.id} AND namespace_id = ${task.namespaceId} AND status IN ('created', 'running', 'retry')
      AND ${condition}
    RETURNING id`);
}

/** What the watchers need to know of a task. */
export interface TaskPulse {
  readonly status: TaskStatus;
  readonly run: number;
  /** Somebody watches its events until then; null where nobody did. */
  readonly watchedUntilMs: number | null;
  /** 1 when somebody wants to hear of its end, else 0. */
  readonly hasWebhook: number;
  /** Parts under a living lease, and parts that could be taken now. */
  readonly working: number;
  readonly waiting: number;
}

export async function findPulse(db: Database, taskId: string): Promise<TaskPulse | undefined> {
  return (await findPulses(db, [taskId])).get(taskId);
}

/** Of those that there are, by task. One statement, however many they are. */
export async function findPulses(db: Database, taskIds: readonly string[]): Promise<ReadonlyMap<string, TaskPulse>> {
  const rows = await db.all<
    TaskPulse & { readonly id: string }
  >(sql`SELECT tasks.id, tasks.status, tasks.run, tasks.watched_until_ms AS watchedUntilMs,
      tasks.webhook IS NOT NULL AS hasWebhook,
      (SELECT count(*) FROM task_parts WHERE task_id = tasks.id AND task_parts.status = 'open'
        AND lease_expires_at_ms > ${nowMs(db)}) AS working,
      (SELECT count(*) FROM task_parts WHERE task_id = tasks.id AND task_parts.status = 'open'
        AND (lease_expires_at_ms IS NULL OR lease_expires_at_ms <= ${nowMs(db)})) AS waiting
    FROM json_each(${JSON.stringify(taskIds)}) AS wanted JOIN tasks ON tasks.id = wanted.value`);
  return new Map(rows.map((row) => [row.id, row]));
}
