import { createRoute, z } from "@hono/zod-openapi";
import { ServiceError } from "../services/errors/errors";
import { docsPage } from "./docs-page";
import type { Api } from "./env";
import { openApiInfo } from "./openapi-info";
import { notFoundProblemPage, PROBLEM_PAGE_POLICY, problemPage } from "./problem-page";
import { json, problems } from "./route";

const HealthV1 = z.object({ status: z.literal("ok") }).openapi("HealthV1");
const ReadinessV1 = z
  .object({
    status: z.literal("ready"),
    parts: z.array(z.object({ part: z.string().openapi({ example: "database" }), ready: z.boolean() })),
  })
  .openapi("ReadinessV1");

const html = (description: string) => ({ description, content: { "text/html": { schema: z.string() } } });

const healthz = createRoute({
  method: "get",
  path: "/healthz",
  operationId: "healthz-get",
  tags: ["service"],
  summary: "Is the Worker alive?",
  security: [],
  responses: { 200: json(HealthV1, "It is.") },
});

const readyz = createRoute({
  method: "get",
  path: "/readyz",
  operationId: "readyz-get",
  tags: ["service"],
  summary: "Do the database, the requests object and the queue answer?",
  security: [],
  responses: { 200: json(ReadinessV1, "They do."), ...problems(503) },
});

const openapi = createRoute({
  method: "get",
  path: "/openapi.json",
  operationId: "openapi-get",
  tags: ["service"],
  summary: "This document",
  security: [],
  responses: {
    200: json(
      z.object({}).openapi({
        description: "An OpenAPI 3.1 document.",
        additionalProperties: true,
        example: { openapi: "3.1.0" },
      }),
      "The document.",
    ),
  },
});

const docs = createRoute({
  method: "get",
  path: "/docs",
  operationId: "docs-get",
  tags: ["service"],
  summary: "This document as a page",
  security: [],
  responses: { 200: html("The page. It loads nothing from elsewhere.") },
});

const problem = createRoute({
  method: "get",
  path: "/problems/{code}",
  operationId: "problem-get",
  tags: ["service"],
  summary: "What a problem means",
  security: [],
  request: {
    params: z.object({
      code: z.string().openapi({ param: { name: "code", in: "path" }, example: "request-id-reused" }),
    }),
  },
  responses: { 200: html("What it means, and what to do."), 404: html("There is no such problem.") },
});

/** The paths that need no key. */
export function publicRoutes(app: Api): void {
  app.openapi(healthz, (c) => c.json({ status: "ok" as const }, 200));
  app.openapi(readyz, async (c) => {
    const parts = await c.get("runtime").readiness();
    const silent = parts.filter((part) => !part.ready).map((part) => part.part);
    if (silent.length === 0) return c.json({ status: "ready" as const, parts: [...parts] }, 200);
    throw new ServiceError("unavailable", "not-ready", `No answer from: ${silent.join(", ")}.`);
  });
  app.openapi(openapi, (c) => c.json(app.getOpenAPI31Document(openApiInfo), 200));
  app.openAPIRegistry.registerPath(docs);
  app.get("/docs", docsPage);
  app.openapi(problem, (c) => {
    c.header("Content-Security-Policy", PROBLEM_PAGE_POLICY);
    const page = problemPage(c.req.valid("param").code);
    return page === undefined ? c.html(notFoundProblemPage(), 404) : c.html(page, 200);
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description: "The admin key, or a key made with `PUT /v1/keys`. `npm run dev` takes `dev-admin-key`.",
  });
}
