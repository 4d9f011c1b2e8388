import type { z } from "@hono/zod-openapi";
import { createMiddleware } from "hono/factory";
import { createTask } from "../../services/creation/create-task";
import { createForSubject } from "../../services/creation/create-for-subject";
import type { ApiEnv } from "../env";
import { claimOf, type CreationDoor, waited } from "./creation";
import { prefersAsync } from "./prefer";
import { rateRefusal } from "./rate-limit";
import { findRequestId } from "./request-id";

/**
 * Route middleware of a GET that answers at once, or starts a task where the client prefers that: `inBackground` is its
 * task then. Without a request id it joins the task of the same subject that is still open. HEAD never starts anything.
 */
export function inBackground<S extends z.ZodType>(
  door: CreationDoor<S> & { readonly subjectOf: (path: Readonly<Record<string, string>>) => string },
) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    if (c.req.method !== "GET" || !prefersAsync(c)) {
      const refusal = await rateRefusal(c);
      if (refusal !== undefined) throw refusal;
      return next();
    }
    const clientsId = findRequestId(c);
    const claim = claimOf(c, door, null);
    const call = c.get("call");
    const made =
      clientsId === undefined
        ? await createForSubject(call, door.subjectOf(c.req.param()), claim)
        : await createTask(call, { ...claim, requestId: clientsId, requestIdIsClients: true });
    c.header("Idempotent-Replayed", String(made.replayed));
    c.set("inBackground", { ...made, task: await waited(c, made.task) });
    return next();
  });
}
