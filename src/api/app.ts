import { errorStack } from "../domain/basics/error-text";
import { OpenAPIHono } from "@hono/zod-openapi";
import { HTTPException } from "hono/http-exception";
import type { EndFormat } from "../services/webhooks/deliver";
import { ServiceError } from "../services/errors/errors";
import { unavailableOf } from "../services/errors/refusals";
import { allowedMethods } from "./allowed-methods";
import type { Api, ApiEnv } from "./env";
import { faultsOf, validationFailed } from "./faults";
import { authenticate } from "./middleware/authenticate";
import { trace } from "./middleware/trace";
import { HttpProblem, problemOfBug, problemOfError, problemOfHttp } from "./problem";
import { publicRoutes } from "./public.routes";
import { v1Routes } from "./v1/index";
import { toWebhookMessageV1 } from "./v1/webhook-event.dto";

/** The body of a webhook's message is a part of the contract: the consumer that sends it gets its words from here. */
export const endFormat: EndFormat = (deliveryId, end) => JSON.stringify(toWebhookMessageV1(deliveryId, end));

/** A router that answers a request which does not fit its schema with our problem. */
function newRouter(): Api {
  return new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (!result.success) throw validationFailed(faultsOf(result.error, result.target === "query" ? "/query" : ""));
    },
  });
}

export function createApp(): Api {
  const app = newRouter();
  app.use(trace);
  app.use("/v1/*", authenticate);
  publicRoutes(app);
  v1Routes(app);
  app.notFound((c) => {
    const methods = allowedMethods(app.routes, c.req.path);
    if (methods.length === 0)
      return problemOfHttp(c, new HttpProblem(404, "route-not-found", "There is no such path. See /docs."));
    const allow = methods.join(", ");
    const detail = `This path takes ${allow}, not ${c.req.method}.`;
    return problemOfHttp(c, new HttpProblem(405, "method-not-allowed", detail, { headers: { Allow: allow } }));
  });
  app.onError((error, c) => {
    if (error instanceof ServiceError) return problemOfError(c, error.value);
    if (error instanceof HttpProblem) return problemOfHttp(c, error);
    if (error instanceof HTTPException && error.status < 500)
      return problemOfHttp(c, new HttpProblem(400, "json-invalid", error.message));
    const unavailable = unavailableOf(error);
    c.get("services")?.log("error", unavailable === undefined ? "request-failed" : "request-unavailable", {
      trace_id: c.get("traceId"),
      path: c.req.path,
      error: errorStack(error),
    });
    return unavailable === undefined ? problemOfBug(c) : problemOfError(c, unavailable.value);
  });
  return app;
}
