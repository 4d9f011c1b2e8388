import { env } from "cloudflare:workers";
import { openServices } from "../../src/runtime/composition";
import type { Services } from "../../src/services/context";
import { Sweep } from "../../src/services/sweeping/sweep";
import { serviceClock } from "../../src/runtime/clock";
import { until } from "./api";
import { travelMs } from "./clock";
import { withFaults } from "./faulty-bindings";
import { rows, taskOf } from "./scene";

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

/**
 * The task at its end, with the sweeper about: time passes until the task is due, whenever nobody has a lease of it.
 */
export async function sweptEndOf(taskId: string, limitMs?: number): Promise<any> {
  return until(
    async () => {
      const nowMs = serviceClock.nowMs();
      const [task] = await rows<{ due: number | null; leased: number }>(
        `SELECT CASE WHEN ended_at_ms IS NULL THEN ring_at_ms END AS due,
           EXISTS (SELECT 1 FROM task_parts WHERE task_id = tasks.id AND lease_expires_at_ms > ?2) AS leased
         FROM tasks WHERE id = ?1`,
        taskId,
        nowMs,
      );
      if (task?.due && task.leased === 0) {
        travelMs(Math.max(0, task.due - nowMs));
        await sweepOnce();
      }
      return taskOf(taskId);
    },
    (task) => Boolean(task.ended_at),
    limitMs,
    // Whoever was rung for has time to come.
    200,
  );
}
