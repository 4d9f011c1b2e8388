import pLimit from "p-limit";
import { errorText } from "../../domain/basics/error-text";
import { type EndedCursor, listRetainedTasks, purgeTombstones } from "../../data/tasks/sweep-store";
import type { TaskHead } from "../../domain/tasks/task";
import type { Swept, SweepTime } from "../basics/swept";
import type { Services } from "../context";

const DAY_MS = 86_400_000;
/** Each is up to two calls of its object, and an invocation has a thousand calls. */
const RETIRED_PER_SWEEP = 100;
const OBJECTS_AT_ONCE = 8;
const PURGED_PER_SWEEP = 100;

/**
 * Removes tasks that are past their retention: each becomes a tombstone, which answers 410. Their objects do it, because
 * an invoke may come at any time.
 *
 * It remembers where the last sweep stopped, and begins anew at the end. So a task that cannot be removed holds up no other,
 * however many such there are. Forgotten with its object, it begins with the oldest.
 */
export class RetentionSweep {
  #after: EndedCursor | null = null;

  async take(services: Services, { endMs }: SweepTime): Promise<Swept> {
    const { db, clock, limits } = services;
    const olderThanMs = limits.retentionDays * DAY_MS;
    const old = await listRetainedTasks(db, { olderThanMs, after: this.#after, limit: RETIRED_PER_SWEEP });
    const slot = pLimit(OBJECTS_AT_ONCE);
    const removed = await Promise.all(
      old.map((head) => slot(async () => clock.nowMs() < endMs && retire(services, head))),
    );
    const isPageFull = old.length === RETIRED_PER_SWEEP;
    const last = old.at(-1);
    this.#after = isPageFull && last !== undefined ? { endedAtMs: last.endedAtMs ?? 0, id: last.id } : null;
    const count = removed.filter(Boolean).length;
    return { count, hasMore: isPageFull && count > 0 };
  }
}

/** @returns false where it runs again, or could not be removed; then a later sweep tries again. */
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
  const count = await purgeTombstones(db, limits.tombstoneDays * DAY_MS, PURGED_PER_SWEEP);
  return { count, hasMore: count === PURGED_PER_SWEEP };
}
