import { createMiddleware } from "hono/factory";
import { openApiRuntime } from "../../runtime/composition";
import type { ApiEnv } from "../env";

/** Gives every answer its `x-trace-id`, and the handlers their services. */
export const trace = createMiddleware<ApiEnv>(async (c, next) => {
  const traceId = crypto.randomUUID();
  c.set("traceId", traceId);
  c.header("x-trace-id", traceId);
  const runtime = openApiRuntime(c.env, (work) => c.executionCtx.waitUntil(work));
  c.set("runtime", runtime);
  c.set("services", runtime.services);
  try {
    await next();
  } catch (thrown) {
    // Hono gives errors alone to its error handler; some libraries throw other things.
    throw new Error(`Thrown, and no error: ${String(thrown)}`, { cause: thrown });
  }
});
