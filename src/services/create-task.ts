import { errorText } from "../domain/error-text";
import { selectTask } from "../data/task-store";
import { toTask } from "../data/task-row";
import { taskIdOf } from "../domain/ids";
import { type RequestMaterial, WHOLE_REQUEST } from "../domain/request";
import { bornTask, type NewTask, type Task } from "../domain/task";
import type { CallContext } from "./context";
import { ServiceError } from "./errors";
import { fingerprintOf } from "./fingerprint";
import { fail, type Outcome, outcomeOf } from "./outcome";
import type { ClaimAnswer } from "./ports";
import { findTaskToShow } from "./tasks";
import { headOf, removalPending, requestRetired } from "./task-removal";
import { unavailableOf } from "./unavailable";

/** A task that a creation made, or found. */
export interface Creation {
  readonly task: Task;
  readonly replayed: boolean;
}

/** What a task is made of, beside what its request says: checked and resolved. */
export type TaskPlan = Pick<NewTask, "operation" | "name" | "tags" | "memo" | "metadata" | "command">;

export interface CreateTaskInput {
  /** Case-folded GUID; minted by the caller where a client may leave it out. */
  readonly requestId: string;
  /** False when the caller minted the id: a client's repeat would then make a new task. */
  readonly requestIdIsClients: boolean;
  readonly request: RequestMaterial;
  /**
   * The checks that come after the look-up: schema and references. Called with the task's id, before the claim.
   * @throws ServiceError the refusal.
   */
  readonly check: (taskId: string) => Promise<TaskPlan>;
  /** The rate limit and quota: asked only when the task is not there yet. @returns the refusal, if any. */
  readonly refuseClaim: () => Promise<ServiceError | undefined>;
}

/**
 * Creates a task exactly once for a request id. The later checks are made first and their verdict travels along, so
 * that look-up and claim are one step inside the requests object: a replay is never refused for what changed since,
 * and a refused request never uses up its id.
 * @throws ServiceError the verdict's refusal; `mismatch`; or `unavailable` when the task or its row is not proven.
 */
export async function createTask(ctx: CallContext, input: CreateTaskInput): Promise<Creation> {
  const taskId = await taskIdOf(ctx.namespaceId, input.requestId);
  const { material, fingerprint } = await fingerprintOf(input.request);
  const { standing, verdict } = await makeVerdict(ctx, input, taskId, fingerprint);
  const callId = crypto.randomUUID();
  const answer = await claim(ctx, input, { taskId, material, fingerprint, callId, verdict });
  if (answer.kind === "retired" && !answer.rowStands) throw removalPending(taskId);
  if (answer.kind === "retired" || isTombstone(standing)) throw await retired(ctx, taskId, standing);
  if (answer.kind === "refused" && standing !== undefined) return adopt(standing, fingerprint);
  return toCreation(ctx, input, answer, standing);
}

async function claim(
  ctx: CallContext,
  input: CreateTaskInput,
  request: Parameters<CallContext["requests"]["claim"]>[0],
): Promise<ClaimAnswer> {
  try {
    return await ctx.requests.claim(request);
  } catch (error) {
    ctx.log("warn", "claim-unreachable", { task_id: request.taskId, error: errorText(error) });
    throw pending(input, request.taskId);
  }
}

async function makeVerdict(ctx: CallContext, input: CreateTaskInput, taskId: string, fingerprint: string) {
  try {
    const [rows, verdict] = await Promise.all([
      selectTask(ctx.db, ctx.namespaceId, taskId),
      outcomeOf(() => input.check(taskId)),
    ]);
    const standing = rows[0] && toTask(rows[0]);
    const refusal = standing === undefined ? await input.refuseClaim() : undefined;
    if (refusal !== undefined) return { standing, verdict: fail(refusal.value) };
    return { standing, verdict: verdict.ok ? ok(ctx, input, taskId, fingerprint, verdict.value) : verdict };
  } catch (error) {
    if (unavailableOf(error) === undefined) throw error;
    // The database does not answer, so nothing can be checked: a known id is replayed all the same, a new one is not
    // claimed and stays unused.
    ctx.log("warn", "creation-checks-failed", { task_id: taskId, error: errorText(error) });
    const detail = "The request could not be checked, and nothing was started. Send it again.";
    const refusal = new ServiceError("unavailable", "creation-unavailable", detail);
    return { standing: undefined, verdict: fail(refusal.value) };
  }
}

function ok(
  ctx: CallContext,
  input: CreateTaskInput,
  taskId: string,
  fingerprint: string,
  plan: TaskPlan,
): Outcome<NewTask> {
  const identity = { id: taskId, namespaceId: ctx.namespaceId, requestId: input.requestId, keyId: ctx.keyId };
  const { type } = input.request;
  return { ok: true, value: { ...plan, ...identity, type, fingerprint, createdAtMs: ctx.clock.nowMs() } };
}

async function toCreation(
  ctx: CallContext,
  input: CreateTaskInput,
  answer: Exclude<ClaimAnswer, { readonly kind: "retired" }>,
  standing: Task | undefined,
): Promise<Creation> {
  if (answer.kind === "refused") throw ServiceError.of(answer.error);
  if (answer.kind === "mismatch") throw reused(answer.taskId, answer.firstSeenAtMs, answer.pointers);
  if (answer.kind === "replayed" && standing !== undefined) return { task: standing, replayed: true };
  if (!answer.rowStands) throw pending(input, answer.task.id);
  if (answer.kind === "claimed" && !answer.canceled) return { task: bornTask(answer.task), replayed: false };
  const task = await findTaskToShow(ctx, answer.task.id).catch(() => undefined);
  if (task === undefined) throw pending(input, answer.task.id);
  return { task, replayed: answer.kind === "replayed" };
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

/** The row is there though the object knows no claim (its storage was lost): the row decides. */
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

function pending(input: CreateTaskInput, taskId: string): ServiceError {
  if (input.requestIdIsClients) {
    const detail = "The task is not proven yet. Send the same call with the same requestId again: it starts once.";
    return new ServiceError("unavailable", "creation-pending", detail, { extensions: { task_id: taskId } });
  }
  const detail =
    "The task may have been accepted. Ask GET /v1/requests/{request_id} with this request_id: sending the call again would make another task.";
  const extensions = { task_id: taskId, request_id: input.requestId };
  return new ServiceError("unavailable", "creation-pending", detail, { retryable: false, extensions });
}
