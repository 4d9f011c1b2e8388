import { TimeLimitError, within } from "../../../domain/basics/time-limit";
import type { Services } from "../../../services/context";
import {
  lookAtTasks,
  recordTasks,
  ringForNewTasks,
  ringForTask,
  type TaskSight,
} from "../../../services/tasks/task-rows";
import { type Gathered, Gatherer } from "./gatherer";
import { RING_WITHIN_MS } from "../../adapters/task-bells";

/** An own time limit, so that no caller waits for a database that hangs. */
export const ROW_WITHIN_MS = 5_000;

type Entry = Parameters<typeof recordTasks>[1][number];
type Row = Awaited<ReturnType<typeof recordTasks>>[number];

/**
 * What a claim still has to do outside: its row, then its bell; then looks at how its task stands. What several claims have to do at one time is done
 * together: one transaction in D1, one call of the queue. In an object of its own a claim has no company, and the same
 * code does one.
 */
export class Outbox {
  readonly #rows: Gatherer<Entry, Row>;
  readonly #bells: Gatherer<string, string>;
  readonly #looks: Gatherer<string, TaskSight>;

  /** @param services with bells that are awaited. */
  constructor(private readonly services: Services) {
    this.#rows = new Gatherer(
      ({ task }) => task.id,
      (entries) => together(ROW_WITHIN_MS, entries, (some) => recordTasks(services, some)),
    );
    this.#bells = new Gatherer(itself, (taskIds) =>
      together(RING_WITHIN_MS, taskIds, async (some) => {
        await ringForNewTasks(services, some);
        return some;
      }),
    );
    this.#looks = new Gatherer(itself, (taskIds) =>
      together(ROW_WITHIN_MS, taskIds, (some) => lookAtTasks(services, some)),
    );
  }

  /** How a task stands in D1. @throws when that is not certain. */
  look(taskId: string): Promise<TaskSight> {
    return this.#looks.add(taskId);
  }

  /** @returns what stands in D1 now. @throws when that is not certain. */
  writeRow(entry: Entry): Promise<Row> {
    return this.#rows.add(entry);
  }

  /** Once for each part that could be taken. @throws when it is not certain that the queue took it. */
  async ring(taskId: string, waiting = 1): Promise<void> {
    if (waiting > 1) await ringForTask(this.services, taskId, waiting);
    else await this.#bells.add(taskId);
  }
}

function itself(taskId: string): string {
  return taskId;
}

/**
 * One bad entry undoes the whole of a gathered write: so when that fails each is tried by itself. Not after the time is
 * up: then nothing answers, and the alarm comes again.
 */
async function together<T, R>(
  limitMs: number,
  items: readonly T[],
  work: (items: readonly T[]) => Promise<readonly R[]>,
): Promise<readonly Gathered<R>[]> {
  try {
    return (await within(limitMs, work(items))).map((value) => ({ ok: true, value }));
  } catch (error) {
    if (items.length === 1 || error instanceof TimeLimitError) return items.map(() => ({ ok: false, error }));
    return Promise.all(items.map((item) => alone(limitMs, item, work)));
  }
}

async function alone<T, R>(
  limitMs: number,
  item: T,
  work: (items: readonly T[]) => Promise<readonly R[]>,
): Promise<Gathered<R>> {
  const [answer] = await together(limitMs, [item], work);
  return answer ?? { ok: false, error: new Error("A write of one row answered for none.") };
}
