import { openNextRun } from "../../data/tasks/run-store";
import { type DirectClaim, findRequest } from "../../data/requests/request-store";
import { isBarred } from "../../domain/requests/decision";
import type { RequestMaterial } from "../../domain/requests/request";
import { isUnfilled } from "../../domain/tasks/reservation";
import { hasEnded, type RunFrom, type Task } from "../../domain/tasks/task";
import type { CallContext } from "../context";
import { ServiceError } from "../errors/errors";
import { directClaimOf, findMadeBefore, inDoubt, writeClaim } from "./direct-claim";
import { getTask } from "../tasks/tasks";
import { tellWatchers } from "../tasks/notify-watchers";

export interface InvokeInput {
  /** The runs that the caller expects the task to be in, or null for any. */
  readonly expectedRuns: readonly number[] | null;
  /** The caller's own id of this invoke, and what it asks: sent again, it opens no further run. */
  readonly request: { readonly requestId: string; readonly request: RequestMaterial } | null;
  readonly from: RunFrom;
}

/**
 * Opens the next run of a task that ended in `error` or `canceled`. It resumes from the checkpoints; what failed is
 * tried again. From `failed` it does that alone: of a complete task too, and of none that has anything else left. One
 * that is still open stays as it is, and the request id of the call is used up all the same.
 *
 * It is opened by compare-and-set on the run and the revision that were read, so an invoke that lands after a cancel of the
 * ended run opens nothing.
 * @throws ServiceError `task-not-found`, `task-complete`, `task-unfilled`, `task-unfinished`, `nothing-failed`,
 * `version-changed`; with a request id `request-id-reused`, `request-id-retired`, `request-canceled`; or `unavailable` when
 * it is not certain.
 */
export async function invokeTask(ctx: CallContext, taskId: string, input: InvokeInput): Promise<Task> {
  const task = await getTask(ctx, taskId).catch(async (error: unknown) => {
    throw isBarred(await findRequest(ctx.db, ctx.namespaceId, taskId)) ? unfilled() : error;
  });
  const { request, from, expectedRuns } = input;
  const madeFor = { door: "invoke", madeId: taskId, madeRun: task.run + 1 } as const;
  const claim = request === null ? null : await directClaimOf(ctx, { ...request, ...madeFor });
  if (claim !== null && (await findMadeBefore(ctx, claim))) return task;
  if (expectedRuns !== null && !expectedRuns.includes(task.run)) throw runChanged();
  if (isUnfilled(task)) throw unfilled();
  const isOpen = !hasEnded(task.status);
  const refusal = isOpen ? undefined : refusalOf(task, from);
  if (refusal !== undefined) throw refusal;
  if (isOpen && claim === null) return task;
  const isWritten = await openRun(ctx, task, { from, claim });
  const now = await getTask(ctx, taskId);
  if (!isWritten && claim !== null) throw inDoubt(claim);
  await tellWatchers(ctx, taskId, now.watchedUntilMs);
  return now;
}

/**
 * Opens it, unless another call came first; then rings for it.
 * @returns false where the claim was not written: it landed too late, or the task is gone.
 */
async function openRun(
  ctx: CallContext,
  task: Task,
  { from, claim }: { readonly from: RunFrom; readonly claim: DirectClaim | null },
): Promise<boolean> {
  const { id, namespaceId, run: expectedRun, revision } = task;
  const ringMs = ctx.limits.ringSeconds * 1_000;
  const write = async () => {
    const asked = { id, namespaceId, expectedRun, revision, from, claim };
    const { opened, request } = await openNextRun(ctx.db, asked, ringMs);
    if (opened === undefined && claim !== null && request !== undefined) await findMadeBefore(ctx, claim);
    return { isOpened: opened !== undefined, isWritten: request !== undefined };
  };
  const { isOpened, isWritten } = await (claim === null ? write() : writeClaim(ctx, claim, { write, readBack }));
  if (isOpened) await ctx.bells.ring(id, { times: 1, delaySeconds: 0 });
  return isWritten;
}

/** The row stands, and it may be that it opened the run: one bell too many does no harm. */
const readBack = async () => ({ isOpened: true, isWritten: true });

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
