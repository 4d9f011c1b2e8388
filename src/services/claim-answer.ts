import { WHOLE_REQUEST } from "../domain/request";
import { isUnfilled } from "../domain/reservation";
import { bornTask, type Task } from "../domain/task";
import type { CallContext } from "./context";
import { notFound, ServiceError } from "./errors";
import type { ClaimAnswer, ClaimRequest } from "./ports";
import { headOf, removalPending, requestRetired } from "./task-removal";
import { findTaskToShow } from "./tasks";

/** A task that a creation made, or found. */
export interface Creation {
  readonly task: Task;
  readonly replayed: boolean;
}

interface Claimed {
  readonly input: { readonly requestId: string | null; readonly requestIdIsClients: boolean };
  readonly request: ClaimRequest;
  /** The row as it was before the claim, if there was one. */
  readonly standing: Task | undefined;
}

/** What the answer of the requests object means for the caller. @throws ServiceError */
export async function toCreation(ctx: CallContext, claimed: Claimed, answer: ClaimAnswer): Promise<Creation> {
  const { request, standing } = claimed;
  const { taskId } = request;
  if (answer.kind === "unproven") {
    ctx.log("warn", "claim-unreachable", { task_id: taskId, reason: answer.reason });
    throw pending(claimed);
  }
  if (answer.kind === "retired" && !answer.rowStands) throw removalPending(taskId);
  if (answer.kind === "retired" || isTombstone(standing)) throw await retired(ctx, taskId, standing);
  // The object knows no claim, because its storage was lost, though the row is there: the row decides.
  const refused = answer.kind === "refused" || answer.kind === "unknown";
  if (refused && standing !== undefined && request.reservation === null) return adopt(standing, request.fingerprint);
  if (answer.kind === "unknown") throw notFound("task");
  if (answer.kind === "refused") throw ServiceError.of(answer.error);
  if (answer.kind === "mismatch") throw reused(answer.taskId, answer.firstSeenAtMs, answer.pointers);
  return show(ctx, claimed, answer);
}

async function show(
  ctx: CallContext,
  claimed: Claimed,
  answer: Extract<ClaimAnswer, { kind: "claimed" | "replayed" }>,
): Promise<Creation> {
  const { request, standing } = claimed;
  const { verdict, door, taskId } = request;
  const replayed = answer.kind === "replayed";
  if (replayed && standing !== undefined && (door !== "fill" || !isUnfilled(standing)))
    return { task: standing, replayed };
  if (!answer.rowStands) throw pending(claimed);
  if (answer.kind === "claimed" && !answer.canceled && verdict.ok) return { task: bornTask(verdict.value), replayed };
  const task = await findTaskToShow(ctx, taskId).catch(() => undefined);
  if (task === undefined) throw pending(claimed);
  return { task, replayed };
}

function isTombstone(task: Task | undefined): boolean {
  return task !== undefined && task.deletedAtMs !== null;
}

/** A tombstone in one place is made one in both; the answer names the outcome that the row still knows. */
async function retired(ctx: CallContext, taskId: string, standing: Task | undefined): Promise<ServiceError> {
  const task = standing ?? (await findTaskToShow(ctx, taskId).catch(() => undefined));
  if (task !== undefined) await ctx.requests.remove(headOf(task)).catch(() => undefined);
  return requestRetired(taskId, task);
}

function adopt(standing: Task, fingerprint: string): Creation {
  if (standing.fingerprint === fingerprint) return { task: standing, replayed: true };
  throw reused(standing.id, standing.createdAtMs, [WHOLE_REQUEST]);
}

function reused(taskId: string, firstSeenAtMs: number, mismatch: readonly string[]): ServiceError {
  const detail =
    "This requestId was used for another request, whose task is untouched. Use a new requestId for a new request.";
  return new ServiceError("mismatch", "request-id-reused", detail, {
    faults: mismatch.map((pointer) => ({ pointer, detail: "Differs from the first request." })),
    extensions: { task_id: taskId, first_seen_at: new Date(firstSeenAtMs).toISOString(), mismatch },
  });
}

function pending({ input, request: { taskId } }: Claimed): ServiceError {
  if (input.requestIdIsClients) {
    const detail = "The task is not proven yet. Send the same call with the same requestId again: it starts once.";
    return new ServiceError("unavailable", "creation-pending", detail, { extensions: { task_id: taskId } });
  }
  const detail =
    "The task may have been accepted. Ask GET /v1/requests/{request_id} with this request_id: sending the call again would make another task.";
  const extensions = { task_id: taskId, request_id: input.requestId };
  return new ServiceError("unavailable", "creation-pending", detail, { retryable: false, extensions });
}
