import { env } from "cloudflare:workers";
import { readConfig } from "../../src/runtime/config/config";
import { objectNameOf } from "../../src/runtime/config/placement";

/** Where the requests objects under test are: the project says it. */
export const PLACEMENT = readConfig(env).placement;

/** The object that has the claim of a task, where the placement under test says that it is. */
export function objectOf(taskId: string) {
  return env.TASK_REQUESTS.getByName(objectNameOf(PLACEMENT, taskId));
}
