import { env } from "cloudflare:workers";
import { openServices } from "../../src/runtime/composition";
import type { CallContext } from "../../src/services/context";

/** A caller of the services themselves, inside a namespace, some of whose services are the test's own. */
export function callerIn(namespaceId: string, own: Partial<CallContext> = {}): CallContext {
  return { ...openServices(env), log: () => {}, namespaceId, keyId: "key_test", admin: false, ...own };
}

/** A clock that is so much later whenever it is looked at. */
export function jumpingClock(stepMs: number): CallContext["clock"] {
  let nowMs = Date.now();
  return { nowMs: () => (nowMs += stepMs), offsetMs: 0 };
}
