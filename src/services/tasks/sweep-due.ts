import pLimit from "p-limit";
import { errorText } from "../../domain/basics/error-text";
import { delayDueTasks, listDueTasks, listOverdueReservations } from "../../data/tasks/sweep-store";
import type { TaskToRemove } from "../../data/tasks/removal-store";
import type { Swept, SweepTime } from "../basics/swept";
import type { Services } from "../context";
import { retireTask } from "./remove-task";

/** As many as the queue takes in one call. */
const DUE_PER_SWEEP = 100;
/** Each is some calls of D1 and one of its object, and an invocation has a thousand calls. */
const RESERVATIONS_PER_SWEEP = 100;
const RESERVATIONS_AT_ONCE = 8;

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
 * Ends reserved ids that nobody has filled in time. One that could not be ended is due again later, so that it takes no
 * place of the others until then.
 */
export async function sweepReservations(services: Services, { endMs }: SweepTime): Promise<Swept> {
  const { db, clock } = services;
  const due = await listOverdueReservations(db, RESERVATIONS_PER_SWEEP);
  const slot = pLimit(RESERVATIONS_AT_ONCE);
  const ended = await Promise.all(
    due.map((each) => slot(async () => clock.nowMs() < endMs && endReservation(services, each))),
  );
  const left = due.filter((_, index) => ended[index] !== true);
  if (left.length > 0)
    await delayDueTasks(
      db,
      left.map(({ id }) => id),
    );
  return { count: due.length - left.length, hasMore: due.length === RESERVATIONS_PER_SWEEP };
}

async function endReservation(services: Services, reservation: TaskToRemove): Promise<boolean> {
  try {
    return await retireTask(services, reservation, { kind: "overdue" });
  } catch (error) {
    services.log("warn", "reservation-not-ended", { task_id: reservation.id, error: errorText(error) });
    return false;
  }
}
