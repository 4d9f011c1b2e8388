import pLimit from "p-limit";
import type { CallContext } from "./context";
import type { Creation } from "./claim-task";
import { createTask, type CreateTaskInput } from "./create-task";
import { outcomeOf, type Outcome } from "./outcome";

export const BULK_ITEMS_MAX = 100;
const ITEMS_AT_ONCE = 16;

/**
 * Creates a task for each item, each under its own request id and with its own verdict: a refused one spoils no other.
 * The bulk itself is no task, so it may be sent again after any failure; an id that stands twice in it is one task.
 */
export function createBulk(
  ctx: CallContext,
  items: readonly (() => Promise<CreateTaskInput>)[],
): Promise<readonly Outcome<Creation>[]> {
  const slot = pLimit(ITEMS_AT_ONCE);
  return Promise.all(items.map((item) => slot(() => outcomeOf(async () => createTask(ctx, await item())))));
}
