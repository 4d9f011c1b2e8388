import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { objectNameOf, type Placement } from "../../src/runtime/config/placement";
import { readConfig } from "../../src/runtime/config/config";
import worker from "./worker";
import { type Answer, answerOf, requestOf } from "./api";

/**
 * A deployed version of the Worker, with a placement of its own. Two of them at once, as during a deployment, have two objects
 * for one id. An object knows no placement, so there are no versions of it.
 */
export interface Version {
  readonly placement: Placement;
  readonly call: (method: string, path: string, options?: Parameters<typeof requestOf>[2]) => Promise<Answer>;
  /** Where this version has the calls of a task's request id meet. */
  readonly objectNameOf: (taskId: string) => string;
}

/** @param requestObjects its REQUEST_OBJECTS. */
export function versionOf(requestObjects: string): Version {
  const variables = { ...env, REQUEST_OBJECTS: requestObjects };
  const { placement } = readConfig(variables);
  return {
    placement,
    call: async (method, path, options = {}) => {
      const request = requestOf(method, path, options);
      return answerOf(await worker.fetch(request, variables, createExecutionContext()));
    },
    objectNameOf: (taskId) => objectNameOf(placement, taskId),
  };
}
