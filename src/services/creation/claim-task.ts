import { webhookIdOf } from "../../domain/ids";
import type { RequestMaterial } from "../../domain/tasks/request";
import { type Creation, toCreation } from "./read-claim-answer";
import type { CallContext } from "../context";
import { fingerprintOf } from "./fingerprint";
import { type Outcome, outcomeOf, valueOf } from "../errors/outcome";
import type { ClaimRequest } from "../ports/task-requests";
import type { NameResolver } from "../ports/ports";
import type { TaskInput } from "../ports/task-input";
import { askingOnce, checkAddress } from "../webhooks/webhook-address";

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
}

/** {@link claimTasks} of one. @throws ServiceError */
export async function claimTask(ctx: CallContext, input: ClaimInput): Promise<Creation> {
  const [outcome] = await claimTasks(ctx, [input]);
  if (outcome === undefined) throw new Error("A claim got no answer.");
  return valueOf(outcome);
}

/**
 * The way of all doors to the requests objects, one creation or many together. A request whose form is refused goes there
 * too: a replay is never refused for what its schema has become, and a refused request never uses up its id.
 * @returns for each, in its place: the task; or the refusal, `mismatch`, or `unavailable` when the task or its row is not
 * proven.
 */
export async function claimTasks(
  ctx: CallContext,
  inputs: readonly ClaimInput[],
): Promise<readonly Outcome<Creation>[]> {
  const resolver = askingOnce(ctx.webhooks.resolver);
  const requests = await Promise.all(inputs.map((input) => toRequest(ctx, input, resolver)));
  const answers = await ctx.requests.claim(requests);
  return Promise.all(
    inputs.map((input, index) => outcomeOf(() => toCreation(ctx, input, answers[index] ?? NO_ANSWER))),
  );
}

const NO_ANSWER = { kind: "unproven", reason: "There was no answer." } as const;

async function toRequest(ctx: CallContext, input: ClaimInput, resolver: NameResolver): Promise<ClaimRequest> {
  const { door, taskId, requestId, request } = input;
  const { namespaceId, keyId } = ctx;
  const identity = { door, taskId, namespaceId, requestId, keyId, type: request.type };
  const wanted = await outcomeOf(async () => {
    const parsed = input.parse();
    if (!parsed.wish) return parsed;
    const url = await checkAddress(parsed.wish.url, "/webhook/url", { ...ctx.webhooks, resolver });
    const secretKey = ctx.webhooks.secrets.newest;
    return { ...parsed, webhook: { ...parsed.wish, url, secretKey, id: await webhookIdOf(namespaceId, url) } };
  });
  return { ...identity, ...(await fingerprintOf(request)), callId: crypto.randomUUID(), wanted };
}
