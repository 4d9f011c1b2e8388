import { type RequestMaterial, WHOLE_REQUEST } from "../../domain/tasks/request";
import type { Task } from "../../domain/tasks/task";
import type { CallContext } from "../context";
import { notFound, ServiceError } from "../errors/errors";
import { fingerprintOf } from "./fingerprint";
import type { ClaimAnswer } from "../ports/task-requests";
import { headOf, removalPending, requestRetired } from "../tasks/remove-task";
import { findTaskToShow } from "../tasks/tasks";

/** A task that a creation made, or found. */
export interface Creation {
  readonly task: Task;
  readonly replayed: boolean;
}

/** What it takes to tell a client of its call. */
interface Called {
  readonly taskId: string;
  readonly requestId: string | null;
  readonly requestIdIsClients: boolean;
  readonly request: RequestMaterial;
}

/** What the answer of the requests object means for the caller. @throws ServiceError */
export async function toCreation(ctx: CallContext, called: Called, answer: ClaimAnswer): Promise<Creation> {
  const { taskId } = called;
  switch (answer.kind) {
    case "unproven":
      ctx.log("warn", "claim-unreachable", { task_id: taskId, reason: answer.reason });
      throw pending(called);
    case "retired":
      throw answer.rowStands ? await retired(ctx, taskId, undefined) : removalPending(taskId);
    case "unknown":
      throw notFound("task");
    case "mismatch":
      throw reused(taskId, answer.firstSeenAtMs, answer.pointers);
    case "refused":
      // The object knows no claim, because its storage was lost, though the row is there: the row decides.
      if (answer.standing !== null) return adopt(answer.standing, await fingerprintOf(called.request));
      throw ServiceError.of(answer.error);
    default:
      return show(ctx, called, answer);
  }
}

async function show(
  ctx: CallContext,
  called: Called,
  answer: Extract<ClaimAnswer, { kind: "claimed" | "replayed" }>,
): Promise<Creation> {
  const task = answer.task ?? (await readBack(ctx, called));
  if (task === undefined) throw pending(called);
  if (isTombstone(task)) throw await retired(ctx, called.taskId, task);
  return { task, replayed: answer.kind === "replayed" };
}

/**
 * A row that is not known to be written may stand all the same. It is proof when it says what this call says: not the
 * row of another request, nor of a reservation that is still to be filled.
 */
async function readBack(ctx: CallContext, { taskId, request }: Called): Promise<Task | undefined> {
  const task = await findTaskToShow(ctx, taskId).catch(() => undefined);
  const { fingerprint } = await fingerprintOf(request);
  return task?.fingerprint === fingerprint || isTombstone(task) ? task : undefined;
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

function adopt(standing: Task, { fingerprint }: { readonly fingerprint: string }): Creation {
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

function pending({ taskId, requestId, requestIdIsClients }: Called): ServiceError {
  if (requestIdIsClients) {
    const detail = "The task is not proven yet. Send the same call with the same requestId again: it starts once.";
    return new ServiceError("unavailable", "creation-pending", detail, { extensions: { task_id: taskId } });
  }
  const detail =
    "The task may have been accepted. Ask GET /v1/requests/{request_id} with this request_id: sending the call again would make another task.";
  const extensions = { task_id: taskId, request_id: requestId };
  return new ServiceError("unavailable", "creation-pending", detail, { retryable: false, extensions });
}
