import { errorText } from "../../domain/basics/error-text";
import { takeStillTasks } from "../../data/tasks/task-store";
import type { Services } from "../context";

/** An open task that nobody has looked at for so long is looked at. */
export const STILL_SECONDS = 600;
export const SWEEP_PAGE_SIZE = 100;
export const SWEEP_PAGES_MAX = 10;

/**
 * The last net: pokes the objects of open tasks that lie still, whatever lost their alarms. A task whose object knows
 * nothing of it is rung for directly: the row is the truth.
 * @returns how many tasks were looked at.
 */
export async function sweep(services: Services): Promise<number> {
  let count = 0;
  for (let page = 0; page < SWEEP_PAGES_MAX; page++) {
    const nowMs = services.clock.nowMs();
    const still = await takeStillTasks(services.db, nowMs - STILL_SECONDS * 1_000, nowMs, SWEEP_PAGE_SIZE);
    await Promise.all(still.map((task) => lookAfter(services, task.id)));
    count += still.length;
    if (still.length < SWEEP_PAGE_SIZE) break;
  }
  return count;
}

async function lookAfter(services: Services, taskId: string): Promise<void> {
  try {
    const known = await services.requests.poke(taskId);
    if (!known) await services.bells.ring(taskId, { times: 1, delaySeconds: 0 });
  } catch (error) {
    services.log("warn", "sweep-failed", { task_id: taskId, error: errorText(error) });
  }
}
