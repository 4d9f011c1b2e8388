import { isUnfilled } from "../domain/reservation";
import { hasEnded, type Task } from "../domain/task";
import type { CallContext } from "./context";
import { ServiceError } from "./errors";
import { removalPending } from "./task-removal";
import { getTask } from "./tasks";
import { tellWatchers } from "./tell-watchers";

export interface InvokeInput {
  /** The runs that the caller expects the task to be in, or null for any. */
  readonly expectedRuns: readonly number[] | null;
  /** The caller's own id of this invoke: sent again, it opens no further run. */
  readonly invokeId: string | null;
}

/**
 * Opens the next run of a task that ended in `error` or `canceled`. It resumes from the checkpoints; what failed is
 * tried again. One that is still open stays as it is.
 * @throws ServiceError `task-not-found`, `task-complete`, `task-unfilled`, `version-changed`, or `unavailable` when it is not certain.
 */
export async function invokeTask(ctx: CallContext, taskId: string, input: InvokeInput): Promise<Task> {
  const task = await getTask(ctx, taskId);
  if (input.expectedRuns !== null && !input.expectedRuns.includes(task.run)) throw runChanged();
  if (!hasEnded(task.status)) return task;
  if (isUnfilled(task)) throw unfilled();
  const mayOpen = task.status !== "complete";
  if (!mayOpen && input.invokeId === null) throw complete();
  const { namespaceId, run } = task;
  const answer = await ctx.requests.invoke({ taskId, namespaceId, run, invokeId: input.invokeId, mayOpen });
  if (answer === "pending") throw removalPending(taskId);
  if (!mayOpen && answer !== "repeated" && answer !== "retired") throw complete();
  const now = await getTask(ctx, taskId);
  await tellWatchers(ctx, taskId, now.watchedUntilMs);
  return now;
}

function unfilled(): ServiceError {
  const detail = "This id was reserved and canceled, and nobody has filled it: there is nothing to run.";
  return new ServiceError("conflict", "task-unfilled", detail);
}

function complete(): ServiceError {
  const detail = "This task is complete: there is nothing to do again. Start a new one with a new requestId.";
  return new ServiceError("conflict", "task-complete", detail);
}

function runChanged(): ServiceError {
  const detail = "The task is in another run by now. Read it again, and send If-Match with the ETag you got.";
  return new ServiceError("precondition", "version-changed", detail);
}
