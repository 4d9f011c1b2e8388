import pLimit from "p-limit";
import { errorText } from "../../domain/basics/error-text";
import { delayDueTasks, listDueReservations, listDueTasks } from "../../data/tasks/sweep-store";
import type { TaskHead } from "../../domain/tasks/task";
import type { Swept, SweepTime } from "../basics/swept";
import type { Services } from "../context";

/** As many as the queue takes in one call. */
const DUE_PER_SWEEP = 100;
/** Each is up to three calls of its object, and an invocation has a thousand calls. */
const RESERVATIONS_PER_SWEEP = 100;
const OBJECTS_AT_ONCE = 8;

/**
 * Rings for open tasks that are due, in one call of the queue. A task is due when nobody has taken it up, or its lease has
 * lapsed, whatever was lost: a bell, a message, an alarm, a consumer. It is rung for first, and due again later only then: a
 * crash in between rings twice, and misses none.
 */
export async function sweepDueTasks({ db, bells }: Services): Promise<Swept> {
  const due = await listDueTasks(db, DUE_PER_SWEEP);
  if (due.length > 0) {
    await bells.ringOnce(due);
    await delayDueTasks(db, due);
  }
  return { count: due.length, hasMore: due.length === DUE_PER_SWEEP };
}

/**
 * Ends reserved ids that nobody has filled in time. Those that are left are due again later, so that one which fails takes no
 * place of the others until then.
 */
export async function sweepReservations(services: Services, { endMs }: SweepTime): Promise<Swept> {
  const { db, clock } = services;
  const due = await listDueReservations(db, RESERVATIONS_PER_SWEEP);
  if (due.length === 0) return { count: 0, hasMore: false };
  const slot = pLimit(OBJECTS_AT_ONCE);
  const over = due.filter(({ isOver }) => isOver);
  await Promise.all(
    over.map((each) => slot(async () => void (clock.nowMs() < endMs && (await endReservation(services, each))))),
  );
  await delayDueTasks(
    db,
    due.map(({ id }) => id),
  );
  return { count: over.length, hasMore: due.length === RESERVATIONS_PER_SWEEP };
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
