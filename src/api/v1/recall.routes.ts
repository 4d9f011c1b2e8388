import { createRoute, z } from "@hono/zod-openapi";
import { searchAgentMemories, searchCollection } from "../../services/recall/search-memories";
import type { Api } from "../env";
import { jsonBody } from "../middleware/json-body";
import { rateLimit } from "../middleware/rate-limit";
import { BODY_PROBLEMS, COMMON_PROBLEMS, json, jsonRequest, problems, SECURED } from "../route";
import { idParameter } from "./common.dto";
import { MemorySearchResultV1, MemorySearchV1, toMemorySearch, toMemorySearchResultV1 } from "./recall.dto";

const CollectionParamsV1 = z.object({
  collection_id: idParameter("collection_id", "collection_0b7e4c1d9a5f4e6c8d2b3a1f0e9d8c7b"),
});
const AgentParamsV1 = z.object({ agent_id: idParameter("agent_id", "agent_6f1c8a523a3e4a529d0e2f6f1f0f7f11") });

const WHAT_IT_DOES = [
  "Finds memories by the words of the query, their stems, and words of like meaning. Scores are absolute: the same memory",
  "and query score the same whatever else is found. A query that says nothing, or that nothing answers, finds empty lists.",
].join("\n");

const answers = {
  200: json(MemorySearchResultV1, "What was found."),
  ...problems(...COMMON_PROBLEMS, ...BODY_PROBLEMS, 404, 410),
};

const collectionSearch = createRoute({
  method: "post",
  path: "/v1/collections/{collection_id}/search",
  operationId: "collection-search",
  tags: ["recall"],
  summary: "Recall from one collection",
  description: WHAT_IT_DOES,
  security: SECURED,
  middleware: [rateLimit, jsonBody()],
  request: { params: CollectionParamsV1, body: jsonRequest(MemorySearchV1) },
  responses: answers,
});

const agentMemoriesSearch = createRoute({
  method: "post",
  path: "/v1/agents/{agent_id}/memories/search",
  operationId: "agent-memories-search",
  tags: ["recall"],
  summary: "Recall from all collections that are bound to an agent",
  description: `${WHAT_IT_DOES}\nWhat \`memory_settings\` does not set, the agent's own settings do.`,
  security: SECURED,
  middleware: [rateLimit, jsonBody()],
  request: { params: AgentParamsV1, body: jsonRequest(MemorySearchV1) },
  responses: answers,
});

export function recallRoutes(app: Api): void {
  app.openapi(collectionSearch, async (c) => {
    const search = toMemorySearch(c.req.valid("json"));
    const result = await searchCollection(c.get("call"), c.req.valid("param").collection_id, search);
    return c.json(toMemorySearchResultV1(result), 200);
  });
  app.openapi(agentMemoriesSearch, async (c) => {
    const search = toMemorySearch(c.req.valid("json"));
    const result = await searchAgentMemories(c.get("call"), c.req.valid("param").agent_id, search);
    return c.json(toMemorySearchResultV1(result), 200);
  });
}
