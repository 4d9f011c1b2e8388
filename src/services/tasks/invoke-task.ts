import { isUnfilled } from "../../domain/tasks/reservation";
import { hasEnded, type RunFrom, type Task } from "../../domain/tasks/task";
import type { CallContext } from "../context";
import { ServiceError } from "../errors/errors";
import { removalPending } from "./remove-task";
import { getTask } from "./tasks";
import { tellWatchers } from "./notify-watchers";

export interface InvokeInput {
  /** The runs that the caller expects the task to be in, or null for any. */
  readonly expectedRuns: readonly number[] | null;
  /** The caller's own id of this invoke: sent again, it opens no further run. */
  readonly invokeId: string | null;
  readonly from: RunFrom;
}

/**
 * Opens the next run of a task that ended in `error` or `canceled`. It resumes from the checkpoints; what failed is
 * tried again. From `failed` it does that alone: of a complete task too, and of none that has anything else left. One
 * that is still open stays as it is.
 * @throws ServiceError `task-not-found`, `task-complete`, `task-unfilled`, `task-unfinished`, `nothing-failed`,
 * `version-changed`, or `unavailable` when it is not certain.
 */
export async function invokeTask(ctx: CallContext, taskId: string, input: InvokeInput): Promise<Task> {
  const task = await getTask(ctx, taskId);
  if (input.expectedRuns !== null && !input.expectedRuns.includes(task.run)) throw runChanged();
  if (!hasEnded(task.status)) return task;
  if (isUnfilled(task)) throw unfilled();
  const refusal = refusalOf(task, input.from);
  if (refusal !== undefined && input.invokeId === null) throw refusal;
  const { namespaceId, run } = task;
  const { invokeId, from } = input;
  const mayOpen = refusal === undefined;
  const answer = await ctx.requests.invoke({ taskId, namespaceId, run, invokeId, from, mayOpen });
  if (answer === "pending") throw removalPending(taskId);
  if (refusal !== undefined && answer !== "repeated" && answer !== "retired") throw refusal;
  const now = await getTask(ctx, taskId);
  await tellWatchers(ctx, taskId, now.watchedUntilMs);
  return now;
}

/** Why no such run of an ended task is opened; undefined where it is. */
function refusalOf(task: Task, from: RunFrom): ServiceError | undefined {
  if (from === "checkpoints") return task.status === "complete" ? complete() : undefined;
  if (task.operation !== "re-voice") return noItems();
  const { done, failed, total } = task.progress;
  if (total === null || done + failed < total) return unfinished();
  return failed === 0 ? nothingFailed() : undefined;
}

function unfilled(): ServiceError {
  const detail = "This id was reserved and canceled, and nobody has filled it: there is nothing to run.";
  return new ServiceError("conflict", "task-unfilled", detail);
}

function unfinished(): ServiceError {
  const detail =
    "Some memories of this task were never done, because it ended early. Invoke it without from=failed: that does them, and what failed, and keeps what is done.";
  return new ServiceError("conflict", "task-unfinished", detail);
}

function nothingFailed(): ServiceError {
  return new ServiceError("conflict", "nothing-failed", "No memory of this task failed: there is nothing to do again.");
}

function noItems(): ServiceError {
  const detail =
    "Only a re-voicing has items that can fail. Invoke this task without from=failed: it goes on where it stopped.";
  return new ServiceError("conflict", "nothing-failed", detail);
}

function complete(): ServiceError {
  const detail = "This task is complete: there is nothing to do again. Start a new one with a new requestId.";
  return new ServiceError("conflict", "task-complete", detail);
}

function runChanged(): ServiceError {
  const detail = "The task is in another run by now. Read it again, and send If-Match with the ETag you got.";
  return new ServiceError("precondition", "version-changed", detail);
}
