import { createRoute, z } from "@hono/zod-openapi";
import { createNamespace, listNamespaces } from "../../services/access/namespaces";
import { listOf, pageRequestOf } from "../cursor";
import type { Api } from "../env";
import { jsonBody } from "../middleware/json-body";
import { rateLimit } from "../middleware/rate-limit";
import { BODY_PROBLEMS, COMMON_PROBLEMS, json, jsonRequest, problems, SECURED } from "../route";
import { CursorQueryV1, LimitQueryV1, listV1 } from "./common.dto";
import { NamespaceCreateV1, NamespaceV1, toNamespaceV1 } from "./namespaces.dto";

const namespacesCreate = createRoute({
  method: "put",
  path: "/v1/namespaces",
  operationId: "namespaces-create",
  tags: ["namespaces"],
  summary: "Create a namespace",
  description: "Only the admin key may.",
  security: SECURED,
  middleware: [rateLimit, jsonBody()],
  request: { body: jsonRequest(NamespaceCreateV1) },
  responses: {
    201: json(NamespaceV1, "The namespace that was created."),
    ...problems(...COMMON_PROBLEMS, ...BODY_PROBLEMS, 403, 409),
  },
});

const namespacesList = createRoute({
  method: "get",
  path: "/v1/namespaces",
  operationId: "namespaces-list",
  tags: ["namespaces"],
  summary: "List the namespaces, newest first",
  description: "Only the admin key may.",
  security: SECURED,
  middleware: [rateLimit],
  request: { query: z.strictObject({ limit: LimitQueryV1, cursor: CursorQueryV1 }) },
  responses: {
    200: json(listV1(NamespaceV1, "NamespaceListV1"), "A page of namespaces."),
    ...problems(...COMMON_PROBLEMS, 400, 403, 422),
  },
});

export function namespacesRoutes(app: Api): void {
  app.openapi(namespacesCreate, async (c) => {
    const namespace = await createNamespace(c.get("call"), c.req.valid("json").name);
    return c.json(toNamespaceV1(namespace), 201);
  });
  app.openapi(namespacesList, async (c) => {
    const page = await listNamespaces(c.get("call"), pageRequestOf(c.req.valid("query")));
    return c.json(listOf(c, page, toNamespaceV1), 200);
  });
}
