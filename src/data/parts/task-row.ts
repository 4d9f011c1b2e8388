import { getTableColumns, sql } from "drizzle-orm";
import type { Task, TaskProgress, TaskUsage } from "../../domain/tasks/task";
import type { TaskResult } from "../../domain/tasks/operations";
import { parseOwnJson } from "../../domain/basics/own-json";
import { tasks } from "../schema/tasks";

/**
 * Sums over the parts, as one JSON array: re_voiced, flagged, skipped, failed, calls, input, output, done,
 * last change.
 */
const PART_SUMS = `(SELECT json_array(
  coalesce(sum(re_voiced), 0), coalesce(sum(flagged), 0), coalesce(sum(skipped), 0), coalesce(sum(failed), 0),
  coalesce(sum(model_calls + extra_model_calls), 0), coalesce(sum(input_tokens + extra_input_tokens), 0),
  coalesce(sum(output_tokens + extra_output_tokens), 0),
  coalesce(sum(done), 0), coalesce(max(updated_at_ms), 0)) FROM task_parts WHERE task_parts.task_id = tasks.id)`;

/** The columns that make a {@link Task}. */
export const taskColumns = { ...getTableColumns(tasks), partSums: sql<string>`${sql.raw(PART_SUMS)}` };
/** The same, for a statement whose text is fixed. */
export const taskTerms = { ...getTableColumns(tasks), partSums: PART_SUMS };

export type TaskRow = typeof tasks.$inferSelect & { readonly partSums: string };

export function toTask(row: TaskRow): Task {
  const [reVoiced, , skipped, failed, calls, inputs, outputs, ended, partsUpdatedAtMs] = sumsOf(row.partSums);
  const progress: TaskProgress = { done: reVoiced + skipped + ended, failed, total: row.total };
  const usage: TaskUsage = { modelCalls: calls, inputTokens: inputs, outputTokens: outputs };
  const { partSums: _, ringAtMs: __, rings: ___, plannedAtMs: ____, total: _____, ...task } = row;
  return { ...task, result: resultOf(row), progress, usage, updatedAtMs: Math.max(row.updatedAtMs, partsUpdatedAtMs) };
}

function resultOf({ operation, result }: TaskRow): TaskResult | null {
  if (operation === null || result === null) return null;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the result is written by the statements of this operation
  return { ...result, operation } as TaskResult;
}

type Sums = [number, number, number, number, number, number, number, number, number];

function sumsOf(json: string): Sums {
  return parseOwnJson<Sums>(json);
}
