import type { WatchLimits } from "../../src/runtime/objects/watching/watched-task";

const OF_TESTS: WatchLimits = {
  watchersPerTask: 60,
  watchersPerObject: 100,
  lookMs: 300,
  beatMs: 60_000,
  stalledMs: 60_000,
};

/** The limits of the objects of those who watch, under test; a test may set them. */
export const watchLimits = { ...OF_TESTS };

export function resetWatchLimits(): void {
  Object.assign(watchLimits, OF_TESTS);
}
