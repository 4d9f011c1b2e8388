import { env } from "cloudflare:workers";
import { objectNameOf } from "../../src/runtime/placement";
import { readConfig } from "../../src/runtime/config";

/** The object that has the claim of a task, where the placement under test says that it is. */
export function objectOf(taskId: string) {
  return env.TASK_REQUESTS.getByName(objectNameOf(readConfig(env).placements.current, taskId));
}
