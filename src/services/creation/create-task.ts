import { taskIdsOf } from "../../domain/ids";
import type { RequestMaterial } from "../../domain/requests/request";
import type { Task } from "../../domain/tasks/task";
import type { CallContext } from "../context";
import { notFound, ServiceError } from "../errors/errors";
import { fail, type Outcome, outcomeOf, valueOf } from "../errors/outcome";
import type { CalledBulk, CreationAnswer, CreationCall } from "../ports/task-requests";
import type { NameResolver } from "../ports/ports";
import type { TaskInput } from "../ports/task-input";
import { withCheckedWebhook } from "../webhooks/task-webhook";
import { askingOnce } from "../webhooks/webhook-address";
import { fingerprintOf } from "./fingerprint";
import { requestRetired, requestReused } from "./standing-request";

export const BULK_ITEMS_MAX = 100;
/**
 * After so long nothing of a call is written any more, however late its statement lands. One number for all tries of a call:
 * an answer in doubt says until when the doubt lasts.
 */
export const DEADLINE_MS = 30_000;

/** A task that a creation made, or found. */
export interface Creation {
  readonly task: Task;
  readonly replayed: boolean;
}

/** What is asked under a request id. */
export interface CreationInput {
  readonly door: CreationCall["door"];
  readonly taskId: string;
  /** Null for a fill: its row knows. */
  readonly requestId: string | null;
  /** False when the caller minted the id: a client's repeat would then make a new task. */
  readonly requestIdIsClients: boolean;
  readonly request: RequestMaterial;
  /** What it asks for, or why its form is refused: a replay is not refused for what its schema has become. */
  readonly wanted: Outcome<TaskInput>;
}

export interface CreateTaskInput extends Omit<CreationInput, "door" | "taskId"> {
  /** Case-folded GUID; minted by the caller where a client may leave it out. */
  readonly requestId: string;
}

/** The bulk that items come in. */
export interface BulkInput extends Pick<CreateTaskInput, "requestId" | "requestIdIsClients" | "request"> {
  /** Each with what a `PUT` of the item alone would be; or why that cannot be told. */
  readonly items: readonly Outcome<CreateTaskInput>[];
}

/**
 * Creates a task exactly once for a request id.
 * @throws ServiceError the refusal; `request-id-reused`, `request-id-retired`; `creation-pending` when it is in doubt.
 */
export async function createTask(ctx: CallContext, input: CreateTaskInput): Promise<Creation> {
  return createUnder(ctx, { ...input, door: "task", taskId: await taskIdsOf(ctx.namespaceId)(input.requestId) });
}

/** The way of all doors that make, reserve or fill a task. @throws as {@link createTask}. */
export async function createUnder(ctx: CallContext, input: CreationInput): Promise<Creation> {
  const call = await toCall(ctx, input, { deadlineMs: deadlineOf(ctx), resolver: ctx.webhooks.resolver });
  const [answer = NO_ANSWER] = await ctx.requests.create([call], null);
  return toCreation(ctx, input, call, answer);
}

/**
 * Creates a task for each item, each under its own request id and with its own verdict: a refused one spoils no other.
 * The bulk has a row of its own, which freezes no verdict: sent again, what stands is replayed and what was refused is
 * tried again. An id that stands twice in it is one task.
 * @throws ServiceError `request-id-reused`, `request-id-retired`: the bulk's id was used for something else.
 */
export async function createBulk(ctx: CallContext, input: BulkInput): Promise<readonly Outcome<Creation>[]> {
  const { namespaceId } = ctx;
  const taskIdOf = taskIdsOf(namespaceId);
  const sent = { deadlineMs: deadlineOf(ctx), resolver: askingOnce(ctx.webhooks.resolver) };
  const { requestId, request } = input;
  const id = await taskIdOf(requestId);
  const bulk: CalledBulk = {
    id,
    namespaceId,
    requestId,
    callId: crypto.randomUUID(),
    ...(await fingerprintOf(request)),
  };
  const items = await Promise.all(
    input.items.map((item) =>
      outcomeOf(async () => {
        const given = valueOf(item);
        const created = { ...given, door: "task" as const, taskId: await taskIdOf(given.requestId) };
        return { created, call: await toCall(ctx, created, sent) };
      }),
    ),
  );
  const calls = items.flatMap((item) => (item.ok ? [item.value.call] : []));
  const answers = calls.length === 0 ? [] : await ctx.requests.create(calls, bulk);
  const refusal = answers.map(refusalOfBulk).find((found) => found !== undefined);
  if (refusal !== undefined) throw refusal;
  const byCall = new Map(calls.map((call, index) => [call, answers[index] ?? NO_ANSWER]));
  return Promise.all(
    items.map((item) => {
      if (!item.ok) return Promise.resolve(fail(item.error));
      const { created, call } = item.value;
      return outcomeOf(async () => toCreation(ctx, created, call, byCall.get(call) ?? NO_ANSWER));
    }),
  );
}

const NO_ANSWER: CreationAnswer = { kind: "unproven", reason: "There was no answer." };

export function deadlineOf({ clock }: Pick<CallContext, "clock">): number {
  return clock.nowMs() + DEADLINE_MS;
}

async function toCall(
  ctx: CallContext,
  input: CreationInput,
  { deadlineMs, resolver }: { readonly deadlineMs: number; readonly resolver: NameResolver },
): Promise<CreationCall> {
  const { door, taskId, requestId, request, wanted } = input;
  if (request.type === "agent" || request.type === "collection") throw new Error(`${request.type} is no type of task.`);
  const { namespaceId, keyId } = ctx;
  const sent = { ...(await fingerprintOf(request)), callId: crypto.randomUUID(), deadlineMs, isSecondTry: false };
  return {
    ...sent,
    door,
    taskId,
    namespaceId,
    requestId,
    keyId,
    type: request.type,
    wanted: await outcomeOf(async () => withCheckedWebhook(ctx, resolver, valueOf(wanted))),
  };
}

/** What the answer of the object means for the caller. @throws ServiceError */
function toCreation(ctx: CallContext, input: CreationInput, call: CreationCall, answer: CreationAnswer): Creation {
  switch (answer.kind) {
    case "made":
      return { task: answer.task, replayed: false };
    case "replayed":
      return { task: answer.task, replayed: true };
    case "mismatch":
      throw requestReused(answer);
    case "retired":
      throw requestRetired(answer);
    case "unknown":
      throw notFound("task");
    case "refused":
      throw ServiceError.of(answer.error);
    default:
      ctx.log("warn", "creation-unproven", { task_id: input.taskId, reason: answer.reason });
      throw creationPending(input, call.deadlineMs);
  }
}

function refusalOfBulk(answer: CreationAnswer): ServiceError | undefined {
  if (answer.kind === "mismatch" && answer.isOfBulk) return requestReused(answer);
  if (answer.kind === "retired" && answer.isOfBulk) return requestRetired(answer);
  return undefined;
}

/**
 * The 503 of a creation in doubt. Who sends it again under its id learns what became of it; where the id was minted a
 * repeat would make another task, and the look-up tells.
 */
function creationPending({ taskId, requestId, requestIdIsClients }: CreationInput, deadlineMs: number): ServiceError {
  const doubt = { task_id: taskId, doubt_until: new Date(deadlineMs).toISOString() };
  if (requestIdIsClients) {
    const detail = "The task is not proven yet. Send the same call with the same requestId again: it starts once.";
    return new ServiceError("unavailable", "creation-pending", detail, { extensions: doubt });
  }
  const detail =
    "The task may have been accepted. Ask GET /v1/requests/{request_id} with this request_id: sending the call again would make another task.";
  const extensions = { ...doubt, request_id: requestId };
  return new ServiceError("unavailable", "creation-pending", detail, { retryable: false, extensions });
}
