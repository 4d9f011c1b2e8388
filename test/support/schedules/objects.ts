import { runInDurableObject } from "cloudflare:test";
import { objectOf } from "../placement";

/** The object's process dies, and with it all that it remembers. */
export async function crash(taskId: string): Promise<void> {
  const died = runInDurableObject(objectOf(taskId), (_, state) => state.abort("Injected: the object crashes."));
  await died.catch(() => undefined);
}
