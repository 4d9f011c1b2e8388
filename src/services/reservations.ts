import { holdId, releaseId } from "../data/held-id-store";
import { taskIdOf } from "../domain/ids";
import type { RequestMaterial } from "../domain/request";
import { HELD_IDS_MAX, isUnfilled, reservationEndsAtMs } from "../domain/reservation";
import type { Task, TaskType } from "../domain/task";
import { claimTask, type ClaimInput, type Creation, type TaskPlan } from "./claim-task";
import type { CallContext } from "./context";
import { notFound, ServiceError } from "./errors";
import { findTaskToShow } from "./tasks";
import { unavailableOf } from "./unavailable";

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
  readonly refuseClaim: ClaimInput["refuseClaim"];
}

/** Room comes when a client makes it, or when hours are over: not within a second. */
const FULL_RETRY_SECONDS = 60;
const EMPTY: TaskPlan = { operation: null, name: null, tags: [], memo: null, metadata: {}, command: null };

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
    check: () => Promise.resolve(EMPTY),
    refuseClaim: async () => (await input.refuseClaim()) ?? holdRefusal(ctx, taskId),
  }).catch((error: unknown) => letGo(ctx, taskId, error));
  const putKey = await ctx.putKeys.make(taskId);
  return { taskId, putKey, expiresAtMs: reservationEndsAtMs(task.createdAtMs), replayed };
}

/** @returns the refusal when the namespace holds as many ids as it may, else undefined: this one is held. */
async function holdRefusal(ctx: CallContext, taskId: string): Promise<ServiceError | undefined> {
  const nowMs = ctx.clock.nowMs();
  const hold = { namespaceId: ctx.namespaceId, taskId, nowMs, untilMs: reservationEndsAtMs(nowMs) };
  return (await holdId(ctx.db, hold)) ? undefined : tooManyHeld();
}

/**
 * What the call held before the object said that the id is another request's, or a removed one's, is let go. Best effort:
 * it would end by itself.
 * @throws the error, always.
 */
async function letGo(ctx: CallContext, taskId: string, error: unknown): Promise<never> {
  const isOthers = error instanceof ServiceError && ["mismatch", "gone"].includes(error.value.kind);
  if (isOthers) await releaseId(ctx.db, { namespaceId: ctx.namespaceId, id: taskId }).catch(() => undefined);
  throw error;
}

/** The refusal of one more reservation, or of one more cancel before its creation. */
export function tooManyHeld(): ServiceError {
  const detail = `This namespace holds ${HELD_IDS_MAX.toLocaleString("en")} ids without work: reservations that nobody has filled, and cancels that came first. Fill or cancel some, or wait until they end.`;
  return new ServiceError("limit-exceeded", "too-many-held-ids", detail, { retryAfterSeconds: FULL_RETRY_SECONDS });
}

export interface FillInput {
  readonly taskId: string;
  readonly putKey: string;
  readonly request: RequestMaterial;
  readonly check: () => Promise<TaskPlan>;
  readonly refuseClaim: ClaimInput["refuseClaim"];
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
