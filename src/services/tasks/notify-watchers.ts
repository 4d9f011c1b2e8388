import type { Services } from "../context";

/** Says that a task has changed, where somebody watches it. Never throws, and is soon back. */
export async function tellWatchers(
  services: Services,
  taskId: string,
  watchedUntilMs: number | null | undefined,
): Promise<void> {
  if (watchedUntilMs === null || watchedUntilMs === undefined || watchedUntilMs <= services.clock.nowMs()) return;
  await services.watchers.tell(taskId);
}
