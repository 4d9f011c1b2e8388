import { until } from "./api";
import { arm } from "./faults";

/** Holds the next call back whose label holds `at` and that names one of these ids, until the test lets it go. */
export function holdBack(at: string, ...scope: readonly string[]) {
  let isFree = false;
  const fault = arm("reorders", at, 1, { scope, heldUntil: () => isFree });
  return {
    /** Waits until the call is there. */
    isHeld: () =>
      until(
        async () => fault.fired,
        (fired) => fired === 1,
      ),
    free: () => void (isFree = true),
    /** Waits until it has happened: nobody else may wait for it any more. */
    hasLanded: () =>
      until(
        async () => fault.landed,
        (landed) => landed === 1,
      ),
  };
}
