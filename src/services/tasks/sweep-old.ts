import pLimit from "p-limit";
import { errorText } from "../../domain/basics/error-text";
import { type EndedCursor, listRetainedTasks, purgeTombstones } from "../../data/tasks/sweep-store";
import type { TaskHead } from "../../domain/tasks/task";
import type { Services } from "../context";
import type { Swept } from "../basics/swept";

const DAY_MS = 86_400_000;
const RETIRED_PER_PAGE = 100;
/** Pages that one sweep turns past tasks which it could not remove. */
const PAGES_MAX = 10;
const OBJECTS_AT_ONCE = 8;
const PURGED_PER_PAGE = 100;

/**
 * Removes tasks that are past their retention: each becomes a tombstone, which answers 410. Their objects do it, because
 * an invoke may come at any time.
 */
export async function sweepRetention(services: Services): Promise<Swept> {
  let after: EndedCursor | null = null;
  for (let page = 0; page < PAGES_MAX; page++) {
    const olderThanMs = services.limits.retentionDays * DAY_MS;
    const old: Awaited<ReturnType<typeof listRetainedTasks>> = await listRetainedTasks(services.db, {
      olderThanMs,
      after,
      limit: RETIRED_PER_PAGE,
    });
    const slot = pLimit(OBJECTS_AT_ONCE);
    const removed = await Promise.all(old.map((head) => slot(() => retire(services, head))));
    const count = removed.filter(Boolean).length;
    const isPageFull = old.length === RETIRED_PER_PAGE;
    if (count > 0 || !isPageFull) return { count, isPageFull };
    const last = old.at(-1);
    after = last === undefined ? null : { endedAtMs: last.endedAtMs ?? 0, id: last.id };
  }
  return { count: 0, isPageFull: false };
}

/** @returns false where it runs again, or could not be removed; then it is tried again by the next sweep. */
async function retire(services: Services, head: TaskHead): Promise<boolean> {
  try {
    return (await services.requests.removeEnded(head)) === "removed";
  } catch (error) {
    services.log("warn", "task-not-retired", { task_id: head.id, error: errorText(error) });
    return false;
  }
}

/** Forgets tombstones that are past their time: from then on nothing is known of their request ids. */
export async function sweepTombstones({ db, limits }: Services): Promise<Swept> {
  const count = await purgeTombstones(db, limits.tombstoneDays * DAY_MS, PURGED_PER_PAGE);
  return { count, isPageFull: count === PURGED_PER_PAGE };
}
