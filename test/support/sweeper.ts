import { env } from "cloudflare:workers";
import { openServices } from "../../src/runtime/composition";
import type { Services } from "../../src/services/context";
import { Sweep } from "../../src/services/sweeping/sweep";
import { travelMs } from "./clock";
import { withFaults } from "./faulty-bindings";

let seconds: number | null = null;

/** How often the sweeper's object sweeps from now on. Null, as it is unless a test sets it: never. */
export function setSweepSeconds(sweepSeconds: number | null): void {
  seconds = sweepSeconds;
}

/** The services of the sweeper's object under test. */
export function sweeperServices(services: Services): Services {
  const limits = {
    ...services.limits,
    get sweepSeconds() {
      return seconds;
    },
  };
  return { ...services, limits };
}

/** Puts the clock so far forward that a bell rung before has had its time. */
export function travelPastBells(): void {
  travelMs(openServices(env).limits.ringSeconds * 1_000);
}

/** One sweep, outside of the sweeper's object. @returns whether there is more to do. */
export function sweepOnce(): Promise<boolean> {
  return new Sweep(openServices(withFaults(env))).take();
}
