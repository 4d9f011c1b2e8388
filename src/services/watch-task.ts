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
  /** There is work, and nobody works on it. */
  | { readonly kind: "still" };

export async function lookAtTask(services: Services, taskId: string): Promise<TaskSight> {
  const pulse = await findPulse(services.db, taskId, services.clock.nowMs());
  if (pulse === undefined) return { kind: "missing" };
  if (hasEnded(pulse.status)) return { kind: "ended" };
  return { kind: pulse.working > 0 ? "busy" : "still" };
}

/** Writes the row of a claimed task, or finds it: repeatable. */
export function recordTask(services: Services, task: NewTask): Promise<StandingRow> {
  return insertTask(services.db, task);
}

/** Rings for a task that lies still; more than one bell does no harm, because parts are claimed. */
export function ringForTask(services: Services, taskId: string): Promise<void> {
  return services.bells.ring(taskId, { times: 1, delaySeconds: 0 });
}
