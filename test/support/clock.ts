let aheadMs = 0;

/** The clock of the requests objects under test: it runs, and can be put forward. */
export const testClock = { nowMs: () => Date.now() + aheadMs };

const DAY_MS = 86_400_000;

export function travelDays(days: number): void {
  aheadMs += days * DAY_MS;
}

export function travelBack(): void {
  aheadMs = 0;
}
