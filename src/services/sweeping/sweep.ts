import { errorText } from "../../domain/basics/error-text";
import { within } from "../../domain/basics/time-limit";
import type { Swept, SweepTime } from "../basics/swept";
import { sweepRemovals } from "../collections/remove-collection";
import type { Services } from "../context";
import { sweepDueTasks, sweepReservations } from "../tasks/sweep-due";
import { sweepStagedFiles } from "../tasks/sweep-files";
import { RetentionSweep, sweepLeftovers, TombstoneSweep } from "../tasks/sweep-old";
import { sweepVectors } from "../vectors/embed-memories";
import { sweepDeliveries, sweepOldDeliveries } from "../webhooks/deliveries";

/** A step of a sweep: a bounded page of what one table says is due. Repeatable, and harmless beside another of its kind. */
type SweepStep = (services: Services, time: SweepTime) => Promise<Swept>;

/** The longest that a step may take. With the default of SWEEP_SECONDS the two rounds of steps end before the next sweep. */
const STEP_MS_MAX = 7_500;

/**
 * Looks after what lies still, a page of each kind at a time. All that it decides it reads from the tables, so two sweepers at
 * once do no harm, and neither does a crash at any place. A step that fails or hangs stops no other.
 */
export class Sweep {
  readonly #retention = new RetentionSweep();
  readonly #tombstones = new TombstoneSweep();

  /** These go first and by themselves, because somebody waits for what they look after. */
  readonly #first: Readonly<Record<string, SweepStep>> = { "due-tasks": sweepDueTasks };

  readonly #others: Readonly<Record<string, SweepStep>> = {
    deliveries: sweepDeliveries,
    "old-deliveries": sweepOldDeliveries,
    reservations: sweepReservations,
    retention: (services, time) => this.#retention.take(services, time),
    tombstones: (services) => this.#tombstones.take(services),
    leftovers: sweepLeftovers,
    "staged-files": sweepStagedFiles,
    removals: sweepRemovals,
    vectors: sweepVectors,
  };

  constructor(private readonly services: Services) {}

  get steps(): readonly string[] {
    return [...Object.keys(this.#first), ...Object.keys(this.#others)];
  }

  /** Takes each step once. Never throws. @returns whether there is more to do now. */
  async take(): Promise<boolean> {
    const first = await this.#takeAll(this.#first);
    const others = await this.#takeAll(this.#others);
    return first || others;
  }

  async #takeAll(steps: Readonly<Record<string, SweepStep>>): Promise<boolean> {
    const more = await Promise.all(Object.entries(steps).map(([name, step]) => this.#takeStep(name, step)));
    return more.includes(true);
  }

  async #takeStep(name: string, step: SweepStep): Promise<boolean> {
    const { clock, log } = this.services;
    try {
      const time = { endMs: clock.nowMs() + STEP_MS_MAX };
      const { count, hasMore } = await within(STEP_MS_MAX, step(this.services, time));
      if (count > 0) log("info", "swept", { step: name, count });
      return hasMore;
    } catch (error) {
      log("error", "sweep-step-failed", { step: name, error: errorText(error) });
      return false;
    }
  }
}
