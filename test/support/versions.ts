import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { type Placements, objectNameOf } from "../../src/runtime/config/placement";
import { readConfig } from "../../src/runtime/config/config";
import worker from "./worker";
import { type Answer, answerOf, requestOf } from "./api";
import { setObjectPlacements } from "./object-placements";

/** A deployed version of the Worker, with a placement of its own. */
export interface Version {
  readonly placements: Placements;
  call(method: string, path: string, options?: Parameters<typeof requestOf>[2]): Promise<Answer>;
  objectOf(taskId: string): ReturnType<typeof env.TASK_REQUESTS.getByName>;
}

export function versionOf(current: string, former = ""): Version {
  const variables = { ...env, REQUEST_OBJECTS: current, REQUEST_OBJECTS_FORMER: former };
  const { placements } = readConfig(variables);
  return {
    placements,
    call: async (method, path, options = {}) => {
      const ctx = createExecutionContext();
      const request = requestOf(method, path, options);
      return answerOf(await worker.fetch(request, variables, ctx));
    },
    objectOf: (taskId) => env.TASK_REQUESTS.getByName(objectNameOf(placements.current, taskId)),
  };
}

/**
 * From now on objects wake up as this version. Those that are awake stay what they are, as in a deployment that has
 * not reached them.
 */
export function deployObjects(version: Version): void {
  setObjectPlacements(version.placements);
}
