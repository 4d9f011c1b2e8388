import { taskIdOf } from "../../domain/ids";
import { isOverdue } from "../../domain/requests/decision";
import type { RequestMaterial, StandingRequest } from "../../domain/requests/request";
import { reservationEndsAtMs } from "../../domain/tasks/reservation";
import { readStanding, type Standing } from "../../data/requests/creation-read-store";
import type { CallContext } from "../context";
import { notFound, ServiceError } from "../errors/errors";
import { succeed } from "../errors/outcome";
import { unavailableOf } from "../errors/refusals";
import { NO_LABELS } from "../ports/task-input";
import { type Creation, createUnder, type CreationInput } from "./create-task";

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
 * @throws as `createTask`; ServiceError `too-many-held-ids`.
 */
export async function reserveTask(ctx: CallContext, input: ReserveInput): Promise<Reservation> {
  const taskId = await taskIdOf(ctx.namespaceId, input.requestId);
  const wanted = succeed({ labels: NO_LABELS, work: null });
  const { task, replayed } = await createUnder(ctx, { ...input, door: "reservation", taskId, wanted });
  const putKey = await ctx.putKeys.make(taskId);
  return { taskId, putKey, expiresAtMs: reservationEndsAtMs(task.createdAtMs), replayed };
}

export interface FillInput extends Pick<CreationInput, "taskId" | "request" | "wanted"> {
  readonly putKey: string;
}

/**
 * Gives a reserved id its content, exactly once.
 * @throws as `createTask`; ServiceError `task-not-found`, `put-key-invalid`, `rate-limited`.
 */
export async function fillTask(ctx: CallContext, input: FillInput): Promise<Creation> {
  const { taskId, putKey } = input;
  if (!(await ctx.putKeys.isRight(taskId, putKey))) throw await wrongKey(ctx, input);
  return createUnder(ctx, { ...input, door: "fill", requestId: null, requestIdIsClients: true });
}

/** Wrong keys count only while the id is unfilled: afterwards there is nothing to guess for. */
async function wrongKey(ctx: CallContext, { taskId, request }: FillInput): Promise<ServiceError> {
  const standing = await readReservation(ctx, taskId);
  if (standing !== undefined) {
    const row = standing.requests.get(taskId);
    const type = standing.tasks.get(taskId)?.type;
    const isGone = row !== undefined && row.retiredAtMs !== null;
    if (row === undefined || (type !== request.type && !isGone)) return notFound("task");
    if (!isToFill(row, standing)) return putKeyInvalid();
  }
  const isFew = await ctx.wrongKeyRate.take(`${ctx.namespaceId} ${taskId}`);
  return isFew ? putKeyInvalid() : tooManyWrongKeys();
}

/** @returns undefined when the database does not answer. */
async function readReservation({ db, namespaceId }: CallContext, id: string): Promise<Standing | undefined> {
  try {
    return await readStanding(db, [{ namespaceId, id }]);
  } catch (error) {
    if (unavailableOf(error) === undefined) throw error;
    return undefined;
  }
}

function isToFill(row: StandingRequest, { readAtMs }: Standing): boolean {
  return (
    row.reservedFingerprint !== null &&
    row.fingerprint === null &&
    row.retiredAtMs === null &&
    !isOverdue(row, readAtMs)
  );
}

function putKeyInvalid(): ServiceError {
  const detail =
    "The put key is not the one that was given out with this id. Send the one you got when you reserved it.";
  return new ServiceError("forbidden", "put-key-invalid", detail);
}

const WRONG_KEY_RETRY_SECONDS = 60;

function tooManyWrongKeys(): ServiceError {
  const detail = "Too many wrong put keys were sent for this id. Wait, then send the one you got when you reserved it.";
  return new ServiceError("limit-exceeded", "rate-limited", detail, { retryAfterSeconds: WRONG_KEY_RETRY_SECONDS });
}
