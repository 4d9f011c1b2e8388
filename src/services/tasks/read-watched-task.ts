import { lookAtEvents } from "../../data/tasks/event-store";
import { hasEnded, type Task } from "../../domain/tasks/task";
import { type TaskEvent, taskEventsOf } from "../../domain/tasks/task-event";
import type { Services } from "../context";

/** A task as its watchers see it. */
export interface WatchedSight {
  /** Undefined where it was removed. */
  readonly task: Task | undefined;
  readonly events: readonly TaskEvent[];
  /** There may be more events than were read. */
  readonly more: boolean;
  /** Nothing comes after these events: the task has ended with them, or was removed. */
  readonly over: boolean;
}

/**
 * Looks at a task for all its watchers, in one round trip.
 * @param wanted `after` is null for the last events that there are; `watchedForMs` is null where nothing need be said.
 * @returns undefined where the namespace has no such task.
 */
export async function lookAtWatched(
  services: Services,
  of: { readonly namespaceId: string; readonly taskId: string },
  wanted: { readonly after: number | null; readonly limit: number; readonly watchedForMs: number | null },
): Promise<WatchedSight | undefined> {
  const { after, limit, watchedForMs } = wanted;
  const sight = await lookAtEvents(services.db, of, { after, limit, watchedForMs });
  if (sight === undefined) return undefined;
  const { task, about, stored } = sight;
  const more = after !== null && stored.length === limit;
  const over = !more && hasEnded(about.status);
  return { task, events: taskEventsOf(about, stored, after ?? 0), more, over };
}
