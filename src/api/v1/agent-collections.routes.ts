import { createRoute, z } from "@hono/zod-openapi";
import { bindCollection, listAgentCollections, unbindCollection } from "../../services/agents/bindings";
import { listOf, pageRequestOf } from "../cursor";
import type { Api } from "../env";
import { rateLimit } from "../middleware/rate-limit";
import { COMMON_PROBLEMS, json, problems, SECURED } from "../route";
import { CollectionListV1, toCollectionV1 } from "./collections.dto";
import { CursorQueryV1, idParameter, LimitQueryV1 } from "./common.dto";

const AgentParamsV1 = z.object({ agent_id: idParameter("agent_id", "agent_6f1c8a523a3e4a529d0e2f6f1f0f7f11") });
const BindingParamsV1 = AgentParamsV1.extend({
  collection_id: idParameter("collection_id", "collection_0b7e4c1d9a5f4e6c8d2b3a1f0e9d8c7b"),
});

const agentCollectionsList = createRoute({
  method: "get",
  path: "/v1/agents/{agent_id}/collections",
  operationId: "agent-collections-list",
  tags: ["agents"],
  summary: "List the collections that an agent recalls from",
  security: SECURED,
  middleware: [rateLimit],
  request: { params: AgentParamsV1, query: z.strictObject({ limit: LimitQueryV1, cursor: CursorQueryV1 }) },
  responses: {
    200: json(CollectionListV1, "A page of collections."),
    ...problems(...COMMON_PROBLEMS, 400, 404, 410, 422),
  },
});

const agentCollectionBind = createRoute({
  method: "patch",
  path: "/v1/agents/{agent_id}/collections/{collection_id}/bind",
  operationId: "agent-collection-bind",
  tags: ["agents"],
  summary: "Let an agent recall from a collection",
  security: SECURED,
  middleware: [rateLimit],
  request: { params: BindingParamsV1 },
  responses: {
    204: { description: "It is bound, now or already." },
    ...problems(...COMMON_PROBLEMS, 404, 409, 410),
  },
});

const agentCollectionUnbind = createRoute({
  method: "patch",
  path: "/v1/agents/{agent_id}/collections/{collection_id}/unbind",
  operationId: "agent-collection-unbind",
  tags: ["agents"],
  summary: "Let an agent no longer recall from a collection",
  security: SECURED,
  middleware: [rateLimit],
  request: { params: BindingParamsV1 },
  responses: { 204: { description: "It is not bound, now or already." }, ...problems(...COMMON_PROBLEMS, 404, 410) },
});

export function agentCollectionsRoutes(app: Api): void {
  app.openapi(agentCollectionsList, async (c) => {
    const { agent_id } = c.req.valid("param");
    const page = await listAgentCollections(c.get("call"), agent_id, pageRequestOf(c.req.valid("query")));
    return c.json(listOf(c, page, toCollectionV1(c.get("services"))), 200);
  });
  app.openapi(agentCollectionBind, async (c) => {
    const { agent_id, collection_id } = c.req.valid("param");
    await bindCollection(c.get("call"), agent_id, collection_id);
    return c.body(null, 204);
  });
  app.openapi(agentCollectionUnbind, async (c) => {
    const { agent_id, collection_id } = c.req.valid("param");
    await unbindCollection(c.get("call"), agent_id, collection_id);
    return c.body(null, 204);
  });
}
