const TRY_MS_MAX = 600_000;
const JITTER = 0.2;

/**
 * When to look again: half a lease (30 s) after something moved, then twice as long each time, up to 10 minutes;
 * spread by a fifth, so that objects that failed together do not come back together.
 */
export function nextTryMs(tries: number, leaseSeconds: number): number {
  const base = Math.min(leaseSeconds * 500 * 2 ** Math.min(tries, 20), TRY_MS_MAX);
  return Math.round(base * (1 + (Math.random() * 2 - 1) * JITTER));
}

/** At the latest then a claim is looked after by the alarm, whatever became of the call that made it. */
const FIRST_DUE_MS_MAX = 9_000;

/** When the alarm first looks after a new claim: what the call itself may take, or half a lease where that is less. */
export function firstDueMs(leaseSeconds: number): number {
  return Math.min(FIRST_DUE_MS_MAX, nextTryMs(0, leaseSeconds));
}
