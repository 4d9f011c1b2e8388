import { errorText } from "../../domain/basics/error-text";
import { within } from "../../domain/basics/time-limit";
import { sweepRemovals } from "../collections/remove-collection";
import type { Services } from "../context";
import { sweepDueTasks } from "../tasks/sweep-due";
import { sweepStagedFiles } from "../tasks/sweep-files";
import { sweepRetention, sweepTombstones } from "../tasks/sweep-old";
import { sweepVectors } from "../vectors/embed-memories";
import { sweepDeliveries } from "../webhooks/deliveries";
import type { Swept } from "../basics/swept";

/** A step of a sweep: one page of what one table says is due. Repeatable, and does no harm beside another of its kind. */
type SweepStep = (services: Services) => Promise<Swept>;

/** What somebody waits for. Nothing else may hold it up. */
const FIRST: Readonly<Record<string, SweepStep>> = { "due-tasks": sweepDueTasks };

const OTHERS: Readonly<Record<string, SweepStep>> = {
  deliveries: sweepDeliveries,
  retention: sweepRetention,
  tombstones: sweepTombstones,
  "staged-files": sweepStagedFiles,
  removals: sweepRemovals,
  vectors: sweepVectors,
};

export const SWEEP_STEPS = [...Object.keys(FIRST), ...Object.keys(OTHERS)];

/** A step may take so long; what is left of it is the next sweep's. Two of them fit between two sweeps. */
const STEP_MS_MAX = 7_500;

/**
 * Looks after whatever lies still, once: a page of each kind. It knows nothing that the tables do not say, so two at once do
 * no harm, and neither does a crash at any place. A step that fails or hangs stops no other.
 * @returns whether there is more to do now.
 */
export async function sweep(services: Services): Promise<boolean> {
  const first = await takeSteps(services, FIRST);
  const others = await takeSteps(services, OTHERS);
  return first || others;
}

async function takeSteps(services: Services, steps: Readonly<Record<string, SweepStep>>): Promise<boolean> {
  const full = await Promise.all(Object.entries(steps).map(([name, step]) => takeStep(services, name, step)));
  return full.includes(true);
}

async function takeStep(services: Services, name: string, step: SweepStep): Promise<boolean> {
  try {
    const { count, isPageFull } = await within(STEP_MS_MAX, step(services));
    if (count > 0) services.log("info", "swept", { step: name, count });
    return isPageFull;
  } catch (error) {
    services.log("error", "sweep-step-failed", { step: name, error: errorText(error) });
    return false;
  }
}
