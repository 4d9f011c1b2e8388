import { taskIdsOf } from "../../domain/ids";
import type { Creation } from "./read-claim-answer";
import { type ClaimInput, claimTask, claimTasks } from "./claim-task";
import type { CallContext } from "../context";
import { type Outcome, outcomeOf } from "../errors/outcome";

export const BULK_ITEMS_MAX = 100;

export interface CreateTaskInput extends Omit<ClaimInput, "door" | "taskId"> {
  /** Case-folded GUID; minted by the caller where a client may leave it out. */
  readonly requestId: string;
}

/** Creates a task exactly once for a request id. @throws as {@link claimTask}. */
export async function createTask(ctx: CallContext, input: CreateTaskInput): Promise<Creation> {
  return claimTask(ctx, await toClaim(taskIdsOf(ctx.namespaceId), input));
}

/**
 * Creates a task for each item, each under its own request id and with its own verdict: a refused one spoils no other.
 * The bulk itself is no task, so it may be sent again after any failure; an id that stands twice in it is one task.
 */
export async function createBulk(
  ctx: CallContext,
  items: readonly (() => Promise<CreateTaskInput>)[],
): Promise<readonly Outcome<Creation>[]> {
  const taskIdOf = taskIdsOf(ctx.namespaceId);
  const inputs = await Promise.all(items.map((item) => outcomeOf(async () => toClaim(taskIdOf, await item()))));
  const claims = inputs.flatMap((input) => (input.ok ? [input.value] : []));
  const outcomes = (await claimTasks(ctx, claims)).values();
  return inputs.map((input) => (input.ok ? next(outcomes) : input));
}

async function toClaim(taskIdOf: ReturnType<typeof taskIdsOf>, input: CreateTaskInput): Promise<ClaimInput> {
  return { ...input, door: "create", taskId: await taskIdOf(input.requestId) };
}

function next<T>(values: Iterator<T>): T {
  const { done, value } = values.next();
  if (done) throw new Error("There are fewer outcomes than items.");
  return value;
}
