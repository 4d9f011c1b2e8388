import pLimit from "p-limit";
import { errorText } from "../../domain/basics/error-text";
import {
  type LeftoversOf,
  listLeftovers,
  purgeCancels,
  purgeTombstones,
  type RetiredCursor,
} from "../../data/requests/retire-store";
import { type EndedCursor, listRetainedTasks } from "../../data/tasks/sweep-store";
import { removeLeftovers, type TaskToRemove } from "../../data/tasks/removal-store";
import type { Swept, SweepTime } from "../basics/swept";
import type { Services } from "../context";
import { retireTask } from "./remove-task";

const DAY_MS = 86_400_000;
/** Each is some calls of D1 and one of its object, and an invocation has a thousand calls. */
const RETIRED_PER_SWEEP = 100;
const RETIRED_AT_ONCE = 8;
const PURGED_PER_SWEEP = 100;
const CLEARED_PER_SWEEP = 20;
/** Watchers of a removed task have read its last events by then. */
const LEFTOVERS_AFTER_MS = 60_000;

/**
 * Removes tasks that are past their retention: each becomes a tombstone, which answers 410. The write repeats the condition
 * that found the task, because an invoke may come at any time.
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
    const slot = pLimit(RETIRED_AT_ONCE);
    const removed = await Promise.all(
      old.map((task) => slot(async () => clock.nowMs() < endMs && retire(services, task, olderThanMs))),
    );
    const isPageFull = old.length === RETIRED_PER_SWEEP;
    const last = old.at(-1);
    this.#after = isPageFull && last !== undefined ? { endedAtMs: last.endedAtMs ?? 0, id: last.id } : null;
    const count = removed.filter(Boolean).length;
    return { count, hasMore: isPageFull && count > 0 };
  }
}

/** @returns false where it runs again, or could not be removed; then a later sweep tries again. */
async function retire(services: Services, task: TaskToRemove, olderThanMs: number): Promise<boolean> {
  try {
    return await retireTask(services, task, { kind: "ended", olderThanMs });
  } catch (error) {
    services.log("warn", "task-not-retired", { task_id: task.id, error: errorText(error) });
    return false;
  }
}

/**
 * Forgets tombstones that are past their time: from then on nothing is known of their request ids. Those that stay for
 * what their tasks made hold up no other: it goes through all, as {@link RetentionSweep} does.
 */
export class TombstoneSweep {
  #after: RetiredCursor | null = null;

  async take({ db, limits }: Services): Promise<Swept> {
    const olderThanMs = limits.tombstoneDays * DAY_MS;
    const page = { olderThanMs, after: this.#after, limit: PURGED_PER_SWEEP };
    const { found, purged } = await purgeTombstones(db, page);
    const isPageFull = found.length === PURGED_PER_SWEEP;
    this.#after = (isPageFull && found.at(-1)) || null;
    const cancels = await purgeCancels(db, PURGED_PER_SWEEP);
    return { count: purged + cancels, hasMore: (isPageFull && purged > 0) || cancels === PURGED_PER_SWEEP };
  }
}

/** Goes on with the rows of removed tasks, a page of each task at a time. One that fails holds up no other of its page. */
export async function sweepLeftovers(services: Services, { endMs }: SweepTime): Promise<Swept> {
  const { db, clock } = services;
  const due = await listLeftovers(db, { olderThanMs: LEFTOVERS_AFTER_MS, limit: CLEARED_PER_SWEEP });
  let [count, hasMoved] = [0, false];
  for (const task of due) {
    if (clock.nowMs() >= endMs) break;
    const isCleared = await clear(services, task);
    if (isCleared) count += 1;
    hasMoved ||= isCleared !== undefined;
  }
  return { count, hasMore: hasMoved };
}

/** @returns whether nothing is left; undefined where it failed. */
async function clear({ db, log }: Services, task: LeftoversOf): Promise<boolean | undefined> {
  try {
    return await removeLeftovers(db, task);
  } catch (error) {
    log("warn", "leftovers-not-removed", { task_id: task.id, error: errorText(error) });
    return undefined;
  }
}
