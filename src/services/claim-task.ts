import { errorText } from "../domain/error-text";
import { findForCreation } from "../data/reference-store";
import type { RequestMaterial } from "../domain/request";
import { isUnfilled } from "../domain/reservation";
import type { NewTask, Task } from "../domain/task";
import { type Creation, toCreation } from "./claim-answer";
import type { CallContext } from "./context";
import { notFound, ServiceError } from "./errors";
import { fingerprintOf } from "./fingerprint";
import { fail, type Outcome, outcomeOf, valueOf } from "./outcome";
import type { ClaimRequest } from "./ports";
import { idsOf, planTask, type TaskInput, type TaskPlan } from "./task-plan";
import { unavailableOf } from "./unavailable";

export interface ClaimInput {
  readonly door: ClaimRequest["door"];
  readonly taskId: string;
  /** Null for a fill: its row knows. */
  readonly requestId: string | null;
  /** False when the caller minted the id: a client's repeat would then make a new task. */
  readonly requestIdIsClients: boolean;
  readonly request: RequestMaterial;
  /** What it asks for, once its form is found right. @throws ServiceError the refusal. */
  readonly parse: () => TaskInput;
  /** The rate limit and quota: asked only when the task is not there yet. @returns the refusal, if any. */
  readonly refuseClaim: () => Promise<ServiceError | undefined>;
}

/** A claim that is ready to be made. */
interface Prepared {
  readonly input: ClaimInput;
  readonly request: ClaimRequest;
  /** The row as it was before the claim, if there was one. */
  readonly standing: Task | undefined;
}

/** {@link claimTasks} of one. @throws ServiceError */
export async function claimTask(ctx: CallContext, input: ClaimInput): Promise<Creation> {
  const [outcome] = await claimTasks(ctx, [input]);
  if (outcome === undefined) throw new Error("A claim got no answer.");
  return valueOf(outcome);
}

/**
 * The way of all doors to the requests objects, one creation or many together. The later checks are made first and their
 * verdict travels along, so that look-up and claim are one step there: a replay is never refused for what changed since,
 * and a refused request never uses up its id. One round trip to the database serves all.
 * @returns for each, in its place: the task; or the verdict's refusal, `mismatch`, or `unavailable` when the task or its
 * row is not proven.
 */
export async function claimTasks(
  ctx: CallContext,
  inputs: readonly ClaimInput[],
): Promise<readonly Outcome<Creation>[]> {
  const prepared = await prepare(ctx, inputs);
  const answers = await ctx.requests.claim(prepared.map(({ request }) => request));
  return Promise.all(
    prepared.map((claim, index) => outcomeOf(() => toCreation(ctx, claim, answers[index] ?? NO_ANSWER))),
  );
}

const NO_ANSWER = { kind: "unproven", reason: "There was no answer." } as const;

async function prepare(ctx: CallContext, inputs: readonly ClaimInput[]): Promise<readonly Prepared[]> {
  const parsed = await Promise.all(
    inputs.map(async (input) => ({
      input,
      wanted: await outcomeOf(async () => input.parse()),
      print: await fingerprintOf(input.request),
    })),
  );
  const read = await readFor(ctx, parsed);
  return Promise.all(
    parsed.map(async ({ input, wanted, print }) => {
      const standing = read.ok ? read.value.tasks.get(input.taskId) : undefined;
      const verdict = await outcomeOf(async () => {
        const known = valueOf(read);
        const refusal = isNew(input, standing) ? await input.refuseClaim() : undefined;
        if (refusal !== undefined) throw refusal;
        const plan = await planTask(input.taskId, valueOf(wanted), known);
        return toClaim(ctx, input, { plan, standing, fingerprint: print.fingerprint });
      }).catch((error: unknown) => uncheckable(ctx, error));
      const { door, taskId } = input;
      const reservation =
        door === "fill" && standing !== undefined && isUnfilled(standing)
          ? { fingerprint: standing.fingerprint }
          : null;
      const request = { door, taskId, ...print, callId: crypto.randomUUID(), verdict, reservation };
      return { input, request, standing };
    }),
  );
}

type Parsed = { readonly input: ClaimInput; readonly wanted: Outcome<TaskInput> };

async function readFor(ctx: CallContext, parsed: readonly Parsed[]) {
  const wanted = parsed.flatMap(({ wanted }) => (wanted.ok ? [idsOf(wanted.value)] : []));
  try {
    const found = await findForCreation(ctx.db, ctx.namespaceId, {
      taskIds: parsed.map(({ input }) => input.taskId),
      agentIds: [...new Set(wanted.flatMap(({ agentIds }) => agentIds))],
      collectionIds: [...new Set(wanted.flatMap(({ collectionIds }) => collectionIds))],
    });
    return { ok: true, value: found } as const;
  } catch (error) {
    return uncheckable(ctx, error);
  }
}

/**
 * The database does not answer, so nothing can be checked: a known id is replayed all the same, a new one is not claimed
 * and stays unused. @throws any other error.
 */
function uncheckable(ctx: CallContext, error: unknown): ReturnType<typeof fail> {
  if (unavailableOf(error) === undefined) throw error;
  ctx.log("warn", "creation-checks-failed", { error: errorText(error) });
  const detail = "The request could not be checked, and nothing was started. Send it again.";
  return fail(new ServiceError("unavailable", "creation-unavailable", detail).value);
}

function isNew({ door }: ClaimInput, standing: Task | undefined): boolean {
  return standing === undefined || (door === "fill" && isUnfilled(standing));
}

/** @throws ServiceError for a fill of what is not there. */
function toClaim(
  ctx: CallContext,
  input: ClaimInput,
  made: { readonly plan: TaskPlan; readonly standing: Task | undefined; readonly fingerprint: string },
): NewTask {
  const { plan, standing, fingerprint } = made;
  const requestId = input.requestId ?? standing?.requestId;
  if (requestId === undefined) throw notFound("task");
  const identity = { id: input.taskId, namespaceId: ctx.namespaceId, requestId, keyId: ctx.keyId };
  const { type } = input.request;
  const acceptedAtMs = ctx.clock.nowMs();
  const createdAtMs = input.door === "fill" ? (standing?.createdAtMs ?? acceptedAtMs) : acceptedAtMs;
  return { ...plan, ...identity, type, fingerprint, createdAtMs, acceptedAtMs };
}
