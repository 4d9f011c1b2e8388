import type { Clock } from "../services/ports/ports";

let offsetMs = 0;

/** The clock of the service. Its offset is 0, but in tests that travel in time. */
export const serviceClock: Clock = {
  nowMs: () => Date.now() + offsetMs,
  get offsetMs() {
    return offsetMs;
  },
};

/** Puts the clock of this isolate forward: in the program and in SQL alike. For tests. */
export function setClockOffset(ms: number): void {
  offsetMs = ms;
}
