import { taskIdOf } from "../../domain/ids";
import type { RequestMaterial } from "../../domain/tasks/request";
import { isUnfilled, reservationEndsAtMs } from "../../domain/tasks/reservation";
import type { Task, TaskType } from "../../domain/tasks/task";
import type { Creation } from "./read-claim-answer";
import { claimTask, type ClaimInput } from "./claim-task";
import type { CallContext } from "../context";
import { notFound, ServiceError } from "../errors/errors";
import { NO_LABELS } from "../ports/task-input";
import { findTaskToShow } from "../tasks/tasks";
import { unavailableOf } from "../errors/refusals";

export interface Reservation {
  readonly taskId: string;
  /** Shows that who fills the id is who reserved it. */
  readonly putKey: string;
  readonly expiresAtMs: number;
  readonly replayed: boolean;
}

export interface ReserveInput {
  readonly requestId: string;
  readonly requestIdIsClients: boolean;
  readonly request: RequestMaterial;
}

/**
 * Reserves an id: the claim of its request id, with nothing to do yet.
 * @throws as {@link claimTask}; ServiceError `too-many-held-ids`.
 */
export async function reserveTask(ctx: CallContext, input: ReserveInput): Promise<Reservation> {
  const taskId = await taskIdOf(ctx.namespaceId, input.requestId);
  const { task, replayed } = await claimTask(ctx, {
    ...input,
    door: "reserve",
    taskId,
    parse: () => ({ labels: NO_LABELS, work: null }),
  });
  const putKey = await ctx.putKeys.make(taskId);
  return { taskId, putKey, expiresAtMs: reservationEndsAtMs(task.createdAtMs), replayed };
}

export interface FillInput {
  readonly taskId: string;
  readonly putKey: string;
  readonly request: RequestMaterial;
  readonly parse: ClaimInput["parse"];
  /** Counts a wrong key. @returns the refusal when there were too many of late. */
  readonly refuseWrongKey: () => Promise<ServiceError | undefined>;
}

/**
 * Gives a reserved id its content, exactly once.
 * @throws as {@link claimTask}; ServiceError `task-not-found`, `put-key-invalid`, `rate-limited`.
 */
export async function fillTask(ctx: CallContext, input: FillInput): Promise<Creation> {
  const standing = await findStanding(ctx, input.taskId, input.request.type);
  if (!(await ctx.putKeys.isRight(input.taskId, input.putKey))) throw await wrongKey(input, standing);
  return claimTask(ctx, { ...input, door: "fill", requestId: null, requestIdIsClients: true });
}

/** @returns undefined when the database does not answer: the object knows what is filled already. */
async function findStanding(ctx: CallContext, taskId: string, type: TaskType): Promise<Task | undefined> {
  try {
    const task = await findTaskToShow(ctx, taskId);
    if (task === undefined || task.type !== type) throw notFound("task");
    return task;
  } catch (error) {
    if (unavailableOf(error) === undefined) throw error;
    return undefined;
  }
}

/** Wrong keys count only while the id is unfilled: afterwards there is nothing to guess for. */
async function wrongKey(input: FillInput, standing: Task | undefined): Promise<ServiceError> {
  const refusal = standing === undefined || isUnfilled(standing) ? await input.refuseWrongKey() : undefined;
  const detail =
    "The put key is not the one that was given out with this id. Send the one you got when you reserved it.";
  return refusal ?? new ServiceError("forbidden", "put-key-invalid", detail);
}
