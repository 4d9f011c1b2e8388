import { type EventSight, listEvents } from "../../data/tasks/event-store";
import { type TaskEvent, taskEventsOf } from "../../domain/tasks/task-event";
import type { CallContext } from "../context";
import { ServiceError } from "../errors/errors";
import type { WatchRecord } from "../ports/task-watchers";
import { taskMissing, taskRemoved } from "./tasks";

/** Watchers are many, and each is a connection that is held: these bound what one task, and one object, hold. */
export const WATCHERS_PER_TASK_MAX = 500;

export interface EventPage {
  readonly events: readonly TaskEvent[];
  /** The sequence after which the next page begins; null at the end. */
  readonly next: number | null;
}

/** A cursor that names an event which there is not. */
export interface Ahead {
  readonly kind: "ahead";
  /** The last event that there is. */
  readonly last: number;
}

/**
 * Events after a sequence, 0 for all, in their order.
 * @throws ServiceError `task-not-found`, `task-deleted`.
 */
export async function listTaskEvents(
  ctx: CallContext,
  taskId: string,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<({ readonly kind: "page" } & EventPage) | Ahead> {
  const sight = await lookAt(ctx, taskId, { after, limit });
  if (after > sight.last) return { kind: "ahead", last: sight.last };
  const found = taskEventsOf(sight.about, sight.stored, after);
  const events = found.slice(0, limit);
  return { kind: "page", events, next: found.length > limit ? (events.at(-1)?.sequence ?? null) : null };
}

/**
 * What happened, from the event of index `from` on, and how much there is in all.
 * @throws ServiceError as above.
 */
export async function readTaskLog(
  ctx: CallContext,
  taskId: string,
  { from, size }: { readonly from: number; readonly size: number },
): Promise<{ readonly events: readonly TaskEvent[]; readonly total: number }> {
  const sight = await lookAt(ctx, taskId, { after: from, limit: size });
  const events = from >= sight.last ? [] : taskEventsOf(sight.about, sight.stored, from);
  return { events: events.slice(0, size), total: sight.last };
}

/** One more than is asked for, so that the end of the list is seen. */
async function lookAt(
  ctx: CallContext,
  taskId: string,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<EventSight & { readonly last: number }> {
  const sight = await listEvents(ctx.db, { namespaceId: ctx.namespaceId, taskId }, { after, limit: limit + 1 });
  if (sight === undefined) throw taskMissing();
  if (sight.task === undefined) throw taskRemoved();
  return sight;
}

/**
 * The stream of a task's events: first a snapshot, where there is no cursor, then all events after it, as they come.
 * @param after the cursor, or null.
 * @throws ServiceError `task-not-found`, `task-deleted`, `too-many-watchers`, `watchers-full`, or `unavailable`.
 */
export async function watchTask(
  ctx: CallContext,
  taskId: string,
  after: number | null,
): Promise<
  | { readonly kind: "stream"; readonly records: ReadableStream<readonly WatchRecord[]> }
  | { readonly kind: "over" }
  | Ahead
> {
  const answer = await ctx.watchers.watch({ namespaceId: ctx.namespaceId, taskId, after });
  switch (answer.kind) {
    case "missing":
      throw taskMissing();
    case "removed":
      throw taskRemoved();
    case "task-full":
      throw tooManyWatchers();
    case "object-full":
      throw watchersFull();
    default:
      return answer;
  }
}

const RETRY_SECONDS = 10;

function tooManyWatchers(): ServiceError {
  const detail = `This task has ${WATCHERS_PER_TASK_MAX} watchers already. Read its events in pages, or try again later.`;
  return new ServiceError("limit-exceeded", "too-many-watchers", detail, { retryAfterSeconds: RETRY_SECONDS });
}

function watchersFull(): ServiceError {
  const detail = "No more streams can be held now. Read the events in pages, or try again later.";
  return new ServiceError("unavailable", "watchers-full", detail, { retryAfterSeconds: RETRY_SECONDS });
}
