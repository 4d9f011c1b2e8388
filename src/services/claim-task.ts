import { errorText } from "../domain/error-text";
import { selectTask } from "../data/task-store";
import { toTask } from "../data/task-row";
import { type RequestMaterial, WHOLE_REQUEST } from "../domain/request";
import { isUnfilled } from "../domain/reservation";
import { bornTask, type NewTask, type Task } from "../domain/task";
import type { CallContext } from "./context";
import { notFound, ServiceError } from "./errors";
import { fingerprintOf } from "./fingerprint";
import { fail, type Outcome, outcomeOf } from "./outcome";
import type { ClaimAnswer, ClaimRequest } from "./ports";
import { headOf, removalPending, requestRetired } from "./task-removal";
import { findTaskToShow } from "./tasks";
import { unavailableOf } from "./unavailable";

/** A task that a creation made, or found. */
export interface Creation {
  readonly task: Task;
  readonly replayed: boolean;
}

/** What a task is made of, beside what its request says: checked and resolved. Nulls for a reservation. */
export type TaskPlan = Pick<NewTask, "operation" | "name" | "tags" | "memo" | "metadata" | "command">;

export interface ClaimInput {
  readonly door: ClaimRequest["door"];
  readonly taskId: string;
  /** Null for a fill: its row knows. */
  readonly requestId: string | null;
  /** False when the caller minted the id: a client's repeat would then make a new task. */
  readonly requestIdIsClients: boolean;
  readonly request: RequestMaterial;
  /**
   * The checks that come after the look-up: schema and references. Called before the claim.
   * @throws ServiceError the refusal.
   */
  readonly check: () => Promise<TaskPlan>;
  /** The rate limit and quota: asked only when the task is not there yet. @returns the refusal, if any. */
  readonly refuseClaim: () => Promise<ServiceError | undefined>;
}

interface Verdict {
  /** The row as it was before the claim, if there was one. */
  readonly standing: Task | undefined;
  readonly verdict: Outcome<NewTask>;
}

/**
 * The way of all doors to the requests object. The later checks are made first and their verdict travels along, so that
 * look-up and claim are one step there: a replay is never refused for what changed since, and a refused request never
 * uses up its id.
 * @throws ServiceError the verdict's refusal; `mismatch`; or `unavailable` when the task or its row is not proven.
 */
export async function claimTask(ctx: CallContext, input: ClaimInput): Promise<Creation> {
  const { door, taskId } = input;
  const { material, fingerprint } = await fingerprintOf(input.request);
  const { standing, verdict } = await makeVerdict(ctx, input, fingerprint);
  const callId = crypto.randomUUID();
  const reservation = door === "fill" && standing !== undefined && isUnfilled(standing) ? standing : null;
  const request = { door, taskId, material, fingerprint, callId, verdict, reservation };
  const answer = await claim(ctx, input, {
    ...request,
    reservation: reservation && { fingerprint: reservation.fingerprint },
  });
  if (answer.kind === "retired" && !answer.rowStands) throw removalPending(taskId);
  if (answer.kind === "retired" || isTombstone(standing)) throw await retired(ctx, taskId, standing);
  // The object knows no claim, because its storage was lost, though the row is there: the row decides.
  if ((answer.kind === "refused" || answer.kind === "unknown") && standing !== undefined && reservation === null)
    return adopt(standing, fingerprint);
  return toCreation(ctx, input, { answer, standing, verdict });
}

async function claim(ctx: CallContext, input: ClaimInput, request: ClaimRequest): Promise<ClaimAnswer> {
  try {
    return await ctx.requests.claim(request);
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    ctx.log("warn", "claim-unreachable", { task_id: request.taskId, error: errorText(error) });
    throw pending(input);
  }
}

async function makeVerdict(ctx: CallContext, input: ClaimInput, fingerprint: string): Promise<Verdict> {
  try {
    const [rows, verdict] = await Promise.all([
      selectTask(ctx.db, ctx.namespaceId, input.taskId),
      outcomeOf(() => input.check()),
    ]);
    const standing = rows[0] && toTask(rows[0]);
    // Nobody reserved it in this namespace, whatever an object knows of that id.
    if (standing === undefined && input.door === "fill") throw notFound("task");
    const isNew = standing === undefined || (input.door === "fill" && isUnfilled(standing));
    const refusal = isNew ? await input.refuseClaim() : undefined;
    if (refusal !== undefined) return { standing, verdict: fail(refusal.value) };
    return { standing, verdict: verdict.ok ? toClaim(ctx, input, fingerprint, verdict.value, standing) : verdict };
  } catch (error) {
    if (unavailableOf(error) === undefined) throw error;
    // The database does not answer, so nothing can be checked: a known id is replayed all the same, a new one is not
    // claimed and stays unused.
    ctx.log("warn", "creation-checks-failed", { task_id: input.taskId, error: errorText(error) });
    const detail = "The request could not be checked, and nothing was started. Send it again.";
    const refusal = new ServiceError("unavailable", "creation-unavailable", detail);
    return { standing: undefined, verdict: fail(refusal.value) };
  }
}

function toClaim(
  ctx: CallContext,
  input: ClaimInput,
  fingerprint: string,
  plan: TaskPlan,
  standing: Task | undefined,
): Outcome<NewTask> {
  const requestId = input.requestId ?? standing?.requestId;
  if (requestId === undefined) return fail(notFound("task").value);
  const identity = { id: input.taskId, namespaceId: ctx.namespaceId, requestId, keyId: ctx.keyId };
  const { type } = input.request;
  const acceptedAtMs = ctx.clock.nowMs();
  const createdAtMs = input.door === "fill" ? (standing?.createdAtMs ?? acceptedAtMs) : acceptedAtMs;
  return { ok: true, value: { ...plan, ...identity, type, fingerprint, createdAtMs, acceptedAtMs } };
}

async function toCreation(
  ctx: CallContext,
  input: ClaimInput,
  { answer, standing, verdict }: Verdict & { readonly answer: Exclude<ClaimAnswer, { kind: "retired" }> },
): Promise<Creation> {
  if (answer.kind === "unknown") throw notFound("task");
  if (answer.kind === "refused") throw ServiceError.of(answer.error);
  if (answer.kind === "mismatch") throw reused(answer.taskId, answer.firstSeenAtMs, answer.pointers);
  const replayed = answer.kind === "replayed";
  if (replayed && standing !== undefined && (input.door !== "fill" || !isUnfilled(standing)))
    return { task: standing, replayed };
  if (!answer.rowStands) throw pending(input);
  if (!replayed && !answer.canceled && verdict.ok) return { task: bornTask(verdict.value), replayed };
  const task = await findTaskToShow(ctx, input.taskId).catch(() => undefined);
  if (task === undefined) throw pending(input);
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

function pending({ requestId, requestIdIsClients, taskId }: ClaimInput): ServiceError {
  if (requestIdIsClients) {
    const detail = "The task is not proven yet. Send the same call with the same requestId again: it starts once.";
    return new ServiceError("unavailable", "creation-pending", detail, { extensions: { task_id: taskId } });
  }
  const detail =
    "The task may have been accepted. Ask GET /v1/requests/{request_id} with this request_id: sending the call again would make another task.";
  const extensions = { task_id: taskId, request_id: requestId };
  return new ServiceError("unavailable", "creation-pending", detail, { retryable: false, extensions });
}
