import pLimit from "p-limit";
import { errorText } from "../../domain/basics/error-text";
import { delayDueTasks, type DueTask, listDueTasks } from "../../data/tasks/sweep-store";
import type { TaskHead } from "../../domain/tasks/task";
import type { Services } from "../context";
import type { Swept } from "../basics/swept";

/** As many as the queue takes in one call. */
const DUE_PER_PAGE = 100;
const OBJECTS_AT_ONCE = 8;

/**
 * Rings for open tasks that are due, in one call of the queue, and ends reservations that nobody has filled in time. A
 * task is due when nobody has taken it up, or its lease has lapsed, whatever was lost: a bell, a message, an alarm, a
 * consumer.
 */
export async function sweepDueTasks(services: Services): Promise<Swept> {
  const due = await listDueTasks(services.db, DUE_PER_PAGE);
  const { task = [], unfilled = [], over = [] } = Object.groupBy(due, ({ kind }) => kind);
  const done = await Promise.allSettled([ringFor(services, task), endReservations(services, [...unfilled, ...over])]);
  for (const part of done) if (part.status === "rejected") throw part.reason;
  return { count: due.length, isPageFull: due.length === DUE_PER_PAGE };
}

/** Rung first, and due again later only then: a crash in between rings twice, and misses none. */
async function ringFor(services: Services, due: readonly TaskHead[]): Promise<void> {
  if (due.length === 0) return;
  const ids = due.map(({ id }) => id);
  await services.bells.ringOnce(ids);
  await delayDueTasks(services.db, ids);
}

/** One that fails is due again later: until then it takes no place of the others. One that is not over is left alone. */
async function endReservations(services: Services, due: readonly DueTask[]): Promise<void> {
  if (due.length === 0) return;
  const ids = due.map(({ id }) => id);
  await delayDueTasks(services.db, ids);
  const over = due.filter(({ kind }) => kind === "over");
  const slot = pLimit(OBJECTS_AT_ONCE);
  await Promise.all(over.map((head) => slot(() => endReservation(services, head))));
}

/**
 * Its object ends it in time; where that has lost its record, this does. The object is asked first: the id may have been
 * filled in time, with the row still to come.
 */
async function endReservation(services: Services, head: TaskHead): Promise<void> {
  try {
    if (!(await services.requests.poke(head.id))) await services.requests.remove(head);
  } catch (error) {
    services.log("warn", "reservation-not-ended", { task_id: head.id, error: errorText(error) });
  }
}
