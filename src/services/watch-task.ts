import { findPulse } from "../data/task-part-store";
import { insertTask, type StandingRow } from "../data/task-store";
import { hasEnded, type NewTask } from "../domain/task";
import type { Services } from "./context";

/** What a look at a task found. */
export type TaskSight =
  | { readonly kind: "missing" }
  | { readonly kind: "ended" }
  /** Someone works on it. */
  | { readonly kind: "busy" }
  /** There is work, and nobody works on it; so many parts could be taken. */
  | { readonly kind: "still"; readonly waiting: number };

export async function lookAtTask(services: Services, taskId: string): Promise<TaskSight> {
  const pulse = await findPulse(services.db, taskId, services.clock.nowMs());
  if (pulse === undefined) return { kind: "missing" };
  if (hasEnded(pulse.status)) return { kind: "ended" };
  return pulse.working > 0 ? { kind: "busy" } : { kind: "still", waiting: pulse.waiting };
}

/** Writes the row of a claimed task, or finds it: repeatable. */
export function recordTask(services: Services, task: NewTask): Promise<StandingRow> {
  return insertTask(services.db, task);
}

/** Rings once for each part that could be taken, and once for a task without a plan. A bell too many does no harm. */
export function ringForTask(services: Services, taskId: string, waiting = 1): Promise<void> {
  const times = Math.max(1, Math.min(waiting, services.limits.parallelParts));
  return services.bells.ring(taskId, { times, delaySeconds: 0 });
}
