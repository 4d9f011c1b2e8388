import { createRoute, z } from "@hono/zod-openapi";
import {
  createAgent,
  getAgent,
  listAgents,
  removeAgent,
  searchAgents,
  undeleteAgent,
  updateAgent,
} from "../../services/agents/agents";
import { listOf, pageOf, pageRequestOf } from "../cursor";
import type { Api } from "../env";
import { etagOf, versionsOf } from "../etag";
import { creationRequestOf } from "../creation-request";
import { jsonBody } from "../middleware/json-body";
import { rateLimit } from "../middleware/rate-limit";
import { BODY_PROBLEMS, COMMON_PROBLEMS, json, jsonRequest, problems, SECURED } from "../route";
import {
  AgentCreateV1,
  AgentRemovalV1,
  AgentsSearchV1,
  AgentUpdateV1,
  AgentV1,
  toAgentDraft,
  toAgentFilters,
  toAgentPatch,
  toAgentV1,
} from "./agents.dto";
import {
  CursorQueryV1,
  etagHeaderV1,
  idParameter,
  IfMatchHeadersV1,
  IncludeDeletedQueryV1,
  LimitQueryV1,
  listV1,
  locationHeaderV1,
  NoQueryV1,
  RemovalQueryV1,
  replayedHeaderV1,
  toRemoval,
} from "./common.dto";
import { requestIdHeaderV1 } from "./creation.dto";
import { SEARCH_DESCRIPTION, toNounSearch } from "./search.dto";

const AgentParamsV1 = z.object({ agent_id: idParameter("agent_id", "agent_6f1c8a523a3e4a529d0e2f6f1f0f7f11") });

const AgentListV1 = listV1(AgentV1, "AgentListV1");
const agentAnswer = (description: string) => ({
  ...json(AgentV1, description),
  headers: z.object({ ETag: etagHeaderV1 }),
});
const createdHeaders = z.object({
  ETag: etagHeaderV1,
  Location: locationHeaderV1,
  "Idempotent-Replayed": replayedHeaderV1,
});

const agentsCreate = createRoute({
  method: "put",
  path: "/v1/agents",
  operationId: "agents-create",
  tags: ["agents"],
  summary: "Create an agent",
  description: [
    "With a `requestId` it is created once, however often the call is sent: a repeat answers 200 with the agent as it is",
    "now, or 410 when it was deleted since.",
  ].join("\n"),
  security: SECURED,
  middleware: [rateLimit, jsonBody()],
  request: { headers: z.object({ requestId: requestIdHeaderV1(false) }), body: jsonRequest(AgentCreateV1) },
  responses: {
    200: { ...json(AgentV1, "An earlier call created it; the agent as it is now."), headers: createdHeaders },
    201: { ...json(AgentV1, "The agent that was created."), headers: createdHeaders },
    ...problems(...COMMON_PROBLEMS, ...BODY_PROBLEMS, 409, 410),
  },
});

const agentsList = createRoute({
  method: "get",
  path: "/v1/agents",
  operationId: "agents-list",
  tags: ["agents"],
  summary: "List the agents, newest first",
  security: SECURED,
  middleware: [rateLimit],
  request: {
    query: z.strictObject({ limit: LimitQueryV1, cursor: CursorQueryV1, include_deleted: IncludeDeletedQueryV1 }),
  },
  responses: {
    200: json(AgentListV1, "A page of agents."),
    ...problems(...COMMON_PROBLEMS, 400, 422),
  },
});

const agentsSearch = createRoute({
  method: "post",
  path: "/v1/agents/search",
  operationId: "agents-search",
  tags: ["agents"],
  summary: "Find agents by words and properties",
  description: SEARCH_DESCRIPTION,
  security: SECURED,
  middleware: [rateLimit, jsonBody()],
  request: { query: NoQueryV1, body: jsonRequest(AgentsSearchV1) },
  responses: {
    200: json(AgentListV1, "A page of agents."),
    ...problems(...COMMON_PROBLEMS, ...BODY_PROBLEMS),
  },
});

const agentGet = createRoute({
  method: "get",
  path: "/v1/agents/{agent_id}",
  operationId: "agent-get",
  tags: ["agents"],
  summary: "Read an agent",
  security: SECURED,
  middleware: [rateLimit],
  request: { params: AgentParamsV1, query: z.strictObject({ include_deleted: IncludeDeletedQueryV1 }) },
  responses: { 200: agentAnswer("The agent."), ...problems(...COMMON_PROBLEMS, 404, 410, 422) },
});

const agentUpdate = createRoute({
  method: "patch",
  path: "/v1/agents/{agent_id}",
  operationId: "agent-update",
  tags: ["agents"],
  summary: "Change an agent",
  description: "What is not given stays; null clears. With `If-Match` it is changed only if nobody else did since.",
  security: SECURED,
  middleware: [rateLimit, jsonBody()],
  request: {
    params: AgentParamsV1,
    headers: IfMatchHeadersV1,
    body: jsonRequest(AgentUpdateV1),
  },
  responses: {
    200: agentAnswer("The agent as it is now."),
    ...problems(...COMMON_PROBLEMS, ...BODY_PROBLEMS, 403, 404, 409, 410, 412),
  },
});

const agentDelete = createRoute({
  method: "delete",
  path: "/v1/agents/{agent_id}",
  operationId: "agent-delete",
  tags: ["agents"],
  summary: "Delete an agent",
  description: [
    "It can come back with `PATCH …/undelete`, and keeps its bindings until then. With `hard=true` it is removed for",
    "good, with its bindings; its collections stay, without an owner.",
  ].join("\n"),
  security: SECURED,
  middleware: [rateLimit],
  request: { params: AgentParamsV1, query: RemovalQueryV1 },
  responses: {
    200: json(AgentRemovalV1, "With `dry_run=true`: what would go."),
    204: { description: "It is deleted." },
    ...problems(...COMMON_PROBLEMS, 403, 404, 410, 422),
  },
});

const agentUndelete = createRoute({
  method: "patch",
  path: "/v1/agents/{agent_id}/undelete",
  operationId: "agent-undelete",
  tags: ["agents"],
  summary: "Bring a deleted agent back",
  security: SECURED,
  middleware: [rateLimit],
  request: { params: AgentParamsV1 },
  responses: { 200: agentAnswer("The agent."), ...problems(...COMMON_PROBLEMS, 403, 404, 409) },
});

export function agentsRoutes(app: Api): void {
  app.openapi(agentsCreate, async (c) => {
    const draft = toAgentDraft(c.req.valid("json"));
    const { made, replayed } = await createAgent(c.get("call"), draft, await creationRequestOf(c));
    c.header("Location", `/v1/agents/${made.id}`);
    c.header("ETag", etagOf(made.version));
    c.header("Idempotent-Replayed", String(replayed));
    return c.json(toAgentV1(made), replayed ? 200 : 201);
  });
  app.openapi(agentsSearch, async (c) => {
    const given = c.req.valid("json");
    const [search, filters] = [toNounSearch(given), toAgentFilters(given)];
    return c.json(pageOf(await searchAgents(c.get("call"), search, filters, pageRequestOf(given)), toAgentV1), 200);
  });
  app.openapi(agentsList, async (c) => {
    const query = c.req.valid("query");
    const page = await listAgents(c.get("call"), query.include_deleted, pageRequestOf(query));
    return c.json(listOf(c, page, toAgentV1), 200);
  });
  app.openapi(agentGet, async (c) => {
    const { agent_id } = c.req.valid("param");
    const agent = await getAgent(c.get("call"), agent_id, c.req.valid("query").include_deleted);
    c.header("ETag", etagOf(agent.version));
    return c.json(toAgentV1(agent), 200);
  });
  app.openapi(agentUpdate, async (c) => {
    const { agent_id } = c.req.valid("param");
    const versions = versionsOf(c.req.valid("header")["If-Match"]);
    const agent = await updateAgent(c.get("call"), agent_id, toAgentPatch(c.req.valid("json")), versions);
    c.header("ETag", etagOf(agent.version));
    return c.json(toAgentV1(agent), 200);
  });
  app.openapi(agentDelete, async (c) => {
    const removal = toRemoval(c.req.valid("query"));
    const ties = await removeAgent(c.get("call"), c.req.valid("param").agent_id, removal);
    return removal.dryRun ? c.json({ agents: 1, ...ties }, 200) : c.body(null, 204);
  });
  app.openapi(agentUndelete, async (c) => {
    const agent = await undeleteAgent(c.get("call"), c.req.valid("param").agent_id);
    c.header("ETag", etagOf(agent.version));
    return c.json(toAgentV1(agent), 200);
  });
}
