import pLimit from "p-limit";
import { countEndedTasks, listEndedTasks, type TaskToRemove } from "../../data/tasks/removal-store";
import { errorText } from "../../domain/basics/error-text";
import type { CallContext } from "../context";
import { ServiceError } from "../errors/errors";
import { retireTask } from "./remove-task";

export const CLEAN_OLDER_THAN_DAYS_DEFAULT = 7;
/** Each takes a call of D1, and one more where it has files or a message; a Worker has a thousand calls in all. */
export const CLEANED_PER_CALL_MAX = 500;
const CLEANED_AT_ONCE = 16;
/** After so long a call begins no further removal. */
const CLEAN_SECONDS = 20;
const DAY_MS = 86_400_000;

export interface CleanInput {
  /** Since their end. */
  readonly olderThanDays: number;
  /** Change nothing: only count. */
  readonly dryRun: boolean;
}

/**
 * Removes the tasks of the namespace that ended so long ago, as `removeTask` does: the oldest ends first, and as many as a
 * call can. Sent again it goes on; with nothing left it removes none.
 * @returns how many were removed, each proven; for a dry run how many there are.
 * @throws ServiceError `removal-pending` when there are some, and none is proven to be removed.
 */
export async function cleanTasks(ctx: CallContext, { olderThanDays, dryRun }: CleanInput): Promise<number> {
  const { db, namespaceId, clock } = ctx;
  const olderThanMs = olderThanDays * DAY_MS;
  if (dryRun) return countEndedTasks(db, namespaceId, olderThanMs);
  const old = await listEndedTasks(db, namespaceId, olderThanMs, CLEANED_PER_CALL_MAX);
  const endMs = clock.nowMs() + CLEAN_SECONDS * 1_000;
  const slot = pLimit(CLEANED_AT_ONCE);
  const removals = old.map((task) =>
    slot(async () => (clock.nowMs() < endMs ? remove(ctx, task, olderThanMs) : "pending")),
  );
  const answers = await Promise.all(removals);
  const cleaned = answers.filter((answer) => answer === "removed").length;
  if (cleaned === 0 && answers.includes("pending")) throw pending();
  return cleaned;
}

/** One that fails is no matter of the others. One that was invoked since it was listed runs, and stays. */
async function remove(
  ctx: CallContext,
  task: TaskToRemove,
  olderThanMs: number,
): Promise<"removed" | "pending" | "open"> {
  try {
    return (await retireTask(ctx, task, { kind: "ended", olderThanMs })) ? "removed" : "open";
  } catch (error) {
    ctx.log("warn", "clean-failed", { task_id: task.id, error: errorText(error) });
    return "pending";
  }
}

function pending(): ServiceError {
  const detail =
    "There are tasks to remove, and none is proven to be removed yet. Send the same call again: it goes on.";
  return new ServiceError("unavailable", "removal-pending", detail);
}
