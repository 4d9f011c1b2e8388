import { serviceClock, setClockOffset } from "../../src/runtime/clock";

const DAY_MS = 86_400_000;

/** Puts the clock forward: of the Worker, of its objects and of all SQL. It goes on running. */
export function travelDays(days: number): void {
  travelMs(days * DAY_MS);
}

export function travelMs(ms: number): void {
  setClockOffset(serviceClock.offsetMs + ms);
}

export function travelBack(): void {
  setClockOffset(0);
}
