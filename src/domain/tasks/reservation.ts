import type { NewTask } from "./task";

/** A reserved id that nobody has filled ends after so long. */
export const RESERVATION_HOURS = 24;
/** Ids that a namespace may hold without work behind them: open reservations, and cancels that came first. */
export const HELD_IDS_MAX = 1_000;

export const RESERVATION_MS = RESERVATION_HOURS * 3_600_000;

/** When a reservation ends that was made then. */
export function reservationEndsAtMs(createdAtMs: number): number {
  return createdAtMs + RESERVATION_MS;
}

/** True while a reserved id has no content: open, or canceled before it was filled. */
export function isUnfilled(task: Pick<NewTask, "command">): boolean {
  return task.command === null;
}
