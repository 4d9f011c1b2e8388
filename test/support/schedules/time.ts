import { vi } from "vitest";
import { travelMs } from "../clock";

const DAY_MS = 86_400_000;
/** So far ahead no alarm fires by itself: the object sets it by this clock, and the platform waits by its own. */
const START_AHEAD_MS = 1_000 * DAY_MS;
/** Time limits from this length on are shortened while a call hangs, so that nobody waits for them. */
const LONG_MS = 1_000;
const SHORTENED = 40;

let hurried = false;

/** From here on the clock of Worker, objects and SQL is ahead; {@link advance} puts it on. */
export function takeTime(): void {
  const wait = globalThis.setTimeout;
  travelMs(START_AHEAD_MS);
  // The jitter of the back-off: a schedule shall say alone what is due.
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  const waitLess = (work: () => void, ms = 0) => wait(work, hurried && ms >= LONG_MS ? ms / SHORTENED : ms);
  vi.stubGlobal("setTimeout", waitLess);
  // What goes wrong in a schedule is meant to; its own trace says more than the log.
  for (const level of ["info", "warn", "error"] as const) vi.spyOn(console, level).mockImplementation(() => undefined);
}

export function endTime(): void {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
}

export function advance(ms: number): void {
  travelMs(ms);
}

export function hurry(on: boolean): void {
  hurried = on;
}
