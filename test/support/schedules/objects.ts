import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { objectOf } from "../placement";

/** Fires the alarm of a task's object, if one is set. */
export async function fireAlarm(taskId: string): Promise<void> {
  await runDurableObjectAlarm(objectOf(taskId));
}

/** Whether an alarm is set: an object that keeps anything has one. */
export function hasAlarm(taskId: string): Promise<boolean> {
  return runInDurableObject(objectOf(taskId), async (_, state) => (await state.storage.getAlarm()) !== null);
}

/** The object's process dies; what was durable stays. */
export async function crash(taskId: string): Promise<void> {
  const died = runInDurableObject(objectOf(taskId), (_, state) => state.abort("Injected: the object crashes."));
  await died.catch(() => undefined);
}
