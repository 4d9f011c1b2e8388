import { type SQL, sql } from "drizzle-orm";
import { MODEL_CALLS_PER_MEMORY_MAX } from "../../domain/tasks/budget";

/** Calls of a part that are counted, answered or not. */
const CALLS = sql.raw("model_calls + extra_model_calls + unanswered_calls");
const TOKENS = sql.raw("input_tokens + output_tokens + extra_input_tokens + extra_output_tokens");

/** A part may ask once a turn whether the model answers at all. */
const CHECKS_PER_TURN = 1;

/**
 * How many calls the budget of a task has left: without what is counted, and what living leases have reserved. NULL without
 * a budget; then the parts are not read.
 */
function callsLeft(taskId: string, now: SQL): SQL {
  return sql`(SELECT CASE WHEN json_extract(command, '$.budget.maxModelCalls') IS NOT NULL THEN
      json_extract(command, '$.budget.maxModelCalls') - (SELECT coalesce(sum(
        CASE WHEN lease_expires_at_ms > ${now} THEN coalesce(calls_limit, ${CALLS}) ELSE ${CALLS} END), 0)
        FROM task_parts WHERE task_id = ${taskId})
      END FROM tasks WHERE id = ${taskId})`;
}

/** How many tokens the budget of a task has left, by what is counted. NULL without a budget. */
export function tokensLeft(taskId: string): SQL {
  return sql`(SELECT CASE WHEN json_extract(command, '$.budget.maxTokens') IS NOT NULL THEN
      json_extract(command, '$.budget.maxTokens')
        - (SELECT coalesce(sum(${TOKENS}), 0) FROM task_parts WHERE task_id = ${taskId})
      END FROM tasks WHERE id = ${taskId})`;
}

/** No open item of the part `part` has a source: it can be settled without a call. */
function needsNoCall(taskId: string): SQL {
  return sql`NOT EXISTS (SELECT 1 FROM task_items AS item JOIN memories AS source ON source.id = item.source_memory_id
    WHERE item.task_id = ${taskId} AND item.position >= part.first_position AND item.position < part.end_position
      AND item.verdict IS NULL AND source.deleted_at_ms IS NULL)`;
}

/** Whether the budget lets the part `part` be taken. */
export function budgetAllows(taskId: string, now: SQL): SQL {
  return sql`((coalesce(${callsLeft(taskId, now)}, 1) >= 1 AND coalesce(${tokensLeft(taskId)}, 1) >= 1)
    OR ${needsNoCall(taskId)})`;
}

/**
 * For the claim of a part, before its lease stands: up to where its calls may go. It reserves what all its memories may
 * need, or what is left.
 */
export function reservedCalls(taskId: string, now: SQL): SQL {
  const openItems = sql.raw("(end_position - first_position - re_voiced - skipped - failed)");
  return sql`${CALLS} + min(max(${callsLeft(taskId, now)}, 0),
    ${MODEL_CALLS_PER_MEMORY_MAX} * ${openItems} + ${CHECKS_PER_TURN})`;
}

/** What a part that was just claimed may use. */
export function allowanceOf(taskId: string): SQL {
  return sql`calls_limit - (${CALLS}) AS callsLeft, ${tokensLeft(taskId)} AS tokensLeft`;
}

/** A branch that says so, where nothing is left of one budget. */
function usedUp(name: string, field: string, left: SQL, what: string): SQL {
  const max = sql.raw(`json_extract(command, '$.budget.${field}')`);
  return sql`WHEN ${left} < 1 THEN 'The task has used up its ${sql.raw(name)} of ' || ${max} || ': '
    || (${max} - ${left}) || ' ${sql.raw(what)}. '`;
}

/**
 * The error of a task whose budget is used up: nobody is at work, and no part can go on without a call. NULL while that is
 * not so; and while there is something left, the parts are not looked at.
 */
export function budgetError(taskId: string, now: SQL): SQL {
  const [calls, tokens] = [callsLeft(taskId, now), tokensLeft(taskId)];
  const openParts = sql`FROM task_parts AS part WHERE part.task_id = ${taskId} AND part.status = 'open'`;
  const openItems = sql`(SELECT count(*) FROM task_items WHERE task_id = ${taskId} AND verdict IS NULL)`;
  return sql`CASE WHEN coalesce(${calls}, 1) < 1 OR coalesce(${tokens}, 1) < 1 THEN
    (SELECT json_object('code', 'budget-exhausted', 'detail', CASE
        ${usedUp("max_model_calls", "maxModelCalls", calls, "calls were begun")}
        ${usedUp("max_tokens", "maxTokens", tokens, "tokens are counted")} END
        || 'Memories still to be done: ' || ${openItems} || '. What is done is kept. A budget holds over all runs of its task: to have all done, start a new task with more.')
      FROM tasks WHERE id = ${taskId} AND EXISTS (SELECT 1 ${openParts})
        AND NOT EXISTS (SELECT 1 ${openParts} AND part.lease_expires_at_ms > ${now})
        AND NOT EXISTS (SELECT 1 ${openParts} AND ${needsNoCall(taskId)}))
    END`;
}
