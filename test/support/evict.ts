import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";

/** The requests objects of these names are gone from memory, as objects are that nobody has asked for a while. */
export async function evicted(names: readonly string[]): Promise<void> {
  for (const name of names)
    await evictDurableObject(env.TASK_REQUESTS.getByName(name)).catch((error: unknown) => {
      if (!String(error).includes("not currently running")) throw error;
    });
}
