import type { RouteConfig, RouteHandler } from "@hono/zod-openapi";
import type { Handler } from "hono";
import type { Api, ApiEnv } from "./env";

/**
 * Adds a route whose handler looks up what stands before it validates. The document shows its schemas, and no validator of
 * the router reads them: that would refuse a replay for what they have become since.
 */
export function lookUpFirst<R extends RouteConfig & { getRoutingPath(): string }>(
  app: Api,
  route: R,
  handler: RouteHandler<R, ApiEnv>,
): void {
  app.openAPIRegistry.registerPath(route);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same handler, without what the router's validators would add to its context
  app.on(route.method, route.getRoutingPath(), handler as unknown as Handler<ApiEnv>);
}
