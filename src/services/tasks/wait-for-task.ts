import { findTask } from "../../data/tasks/task-store";
import { within } from "../../domain/basics/time-limit";
import { hasEnded, type Task } from "../../domain/tasks/task";
import type { Services } from "../context";

/** A look that takes longer is given up, and the wait is broken. */
const LOOK_WITHIN_MS = 5_000;

/**
 * Looks at a task until it has ended, at each wake and once more at the limit.
 * @param wake.next resolves at the next wake, or after the time that it is given.
 * @returns the task as it was last seen.
 */
export async function waitForTask(
  { db, clock }: Services,
  { namespaceId, taskId }: { readonly namespaceId: string; readonly taskId: string },
  wake: { readonly next: (timeoutMs: number) => Promise<void>; readonly timeoutMs: number },
): Promise<Task | undefined> {
  const endMs = clock.nowMs() + wake.timeoutMs;
  for (;;) {
    const task = await within(LOOK_WITHIN_MS, findTask(db, namespaceId, taskId));
    const leftMs = endMs - clock.nowMs();
    if (task === undefined || hasEnded(task.status) || leftMs <= 0) return task;
    await wake.next(leftMs);
  }
}
