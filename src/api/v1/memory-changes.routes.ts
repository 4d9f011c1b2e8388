import { createRoute } from "@hono/zod-openapi";
import { updateMemory } from "../../services/memories/update-memory";
import { removeMemory, truncateMemories, undeleteMemory } from "../../services/memories/remove-memories";
import { createMemories } from "../../services/memories/memories";
import type { Api } from "../env";
import { etagOf, versionsOf } from "../etag";
import { jsonBody, MEMORIES_BODY_BYTES_MAX } from "../middleware/json-body";
import { rateLimit } from "../middleware/rate-limit";
import { BODY_PROBLEMS, COMMON_PROBLEMS, json, jsonRequest, problems, SECURED } from "../route";
import { IfMatchHeadersV1, NoQueryV1, RemovalQueryV1, toRemoval } from "./common.dto";
import {
  MemoriesCreateV1,
  MemoryRemovalV1,
  MemoryUpdateV1,
  MemoryVerdictsV1,
  toMemoryContents,
  toMemoryPatch,
  toMemoryV1,
  toMemoryVerdictsV1,
} from "./memories.dto";
import { MemoriesParamsV1, memoryAnswer, MemoryParamsV1 } from "./memories.routes";

const tags = ["memories"];

const memoriesAdd = createRoute({
  method: "patch",
  path: "/v1/collections/{collection_id}/memories",
  operationId: "collection-memories-add",
  tags,
  summary: "Add or update 1 to 100 memories",
  description: "As `PUT`, by the same rules and with the same verdicts; the answer is 200 whether one is new or not.",
  security: SECURED,
  middleware: [rateLimit, jsonBody(MEMORIES_BODY_BYTES_MAX)],
  request: { params: MemoriesParamsV1, query: NoQueryV1, body: jsonRequest(MemoriesCreateV1) },
  responses: {
    200: json(MemoryVerdictsV1, "A verdict for each memory."),
    ...problems(...COMMON_PROBLEMS, ...BODY_PROBLEMS, 404, 410),
  },
});

const memoriesTruncate = createRoute({
  method: "delete",
  path: "/v1/collections/{collection_id}/memories",
  operationId: "collection-memories-truncate",
  tags,
  summary: "Delete all memories of a collection",
  description: [
    "Each can come back with `PATCH …/undelete`; with `hard=true` they are removed for good, those that were deleted",
    "before too. The collection stays. They go in steps of 1,000, oldest first, and the count is exact after each; what is",
    "added meanwhile may stay. When there are more than one call removes, the answer is 503 `truncation-unfinished`: send",
    "the call again, it goes on.",
  ].join("\n"),
  security: SECURED,
  middleware: [rateLimit],
  request: { params: MemoriesParamsV1, query: RemovalQueryV1 },
  responses: {
    200: json(MemoryRemovalV1, "With `dry_run=true`: what would go."),
    204: { description: "They are deleted." },
    ...problems(...COMMON_PROBLEMS, 404, 410, 422),
  },
});

const memoryUpdate = createRoute({
  method: "patch",
  path: "/v1/collections/{collection_id}/memories/{memory_id}",
  operationId: "collection-memory-update",
  tags,
  summary: "Change a memory",
  description: [
    "What is not given stays; null clears. With `If-Match` it is changed only if nobody else did since. The next search",
    "finds it by its new text. It cannot become what another memory of the collection is: one with its `external_id`, or,",
    "without one, equal in text, type, occurred_at and agent_id.",
  ].join("\n"),
  security: SECURED,
  middleware: [rateLimit, jsonBody()],
  request: { params: MemoryParamsV1, query: NoQueryV1, headers: IfMatchHeadersV1, body: jsonRequest(MemoryUpdateV1) },
  responses: {
    200: memoryAnswer("The memory as it is now."),
    ...problems(...COMMON_PROBLEMS, ...BODY_PROBLEMS, 404, 409, 410, 412),
  },
});

const memoryDelete = createRoute({
  method: "delete",
  path: "/v1/collections/{collection_id}/memories/{memory_id}",
  operationId: "collection-memory-delete",
  tags,
  summary: "Delete a memory",
  description: [
    "It can come back with `PATCH …/undelete`; with `hard=true` it is removed for good. Other memories that name it, as a",
    "child or as their source, go on naming it: that says what they were made of.",
  ].join("\n"),
  security: SECURED,
  middleware: [rateLimit],
  request: { params: MemoryParamsV1, query: RemovalQueryV1 },
  responses: {
    200: json(MemoryRemovalV1, "With `dry_run=true`: what would go."),
    204: { description: "It is deleted." },
    ...problems(...COMMON_PROBLEMS, 404, 410, 422),
  },
});

const memoryUndelete = createRoute({
  method: "patch",
  path: "/v1/collections/{collection_id}/memories/{memory_id}/undelete",
  operationId: "collection-memory-undelete",
  tags,
  summary: "Bring a deleted memory back",
  description: "Unless another memory of the collection has its `external_id`, or says the same, by now: 409 names it.",
  security: SECURED,
  middleware: [rateLimit],
  request: { params: MemoryParamsV1, query: NoQueryV1 },
  responses: { 200: memoryAnswer("The memory."), ...problems(...COMMON_PROBLEMS, 404, 409, 410, 422) },
});

export function memoryChangesRoutes(app: Api): void {
  app.openapi(memoriesAdd, async (c) => {
    const contents = toMemoryContents(c.req.valid("json").memories);
    const verdicts = await createMemories(c.get("call"), c.req.valid("param").collection_id, contents);
    return c.json(toMemoryVerdictsV1(verdicts), 200);
  });
  app.openapi(memoriesTruncate, async (c) => {
    const removal = toRemoval(c.req.valid("query"));
    const memories = await truncateMemories(c.get("call"), c.req.valid("param").collection_id, removal);
    return removal.dryRun ? c.json({ memories }, 200) : c.body(null, 204);
  });
  app.openapi(memoryUpdate, async (c) => {
    const { collection_id: collectionId, memory_id: id } = c.req.valid("param");
    const versions = versionsOf(c.req.valid("header")["If-Match"]);
    const patch = toMemoryPatch(c.req.valid("json"));
    const memory = await updateMemory(c.get("call"), { collectionId, id }, patch, versions);
    c.header("ETag", etagOf(memory.version));
    return c.json(toMemoryV1(memory), 200);
  });
  app.openapi(memoryDelete, async (c) => {
    const { collection_id, memory_id } = c.req.valid("param");
    const removal = toRemoval(c.req.valid("query"));
    await removeMemory(c.get("call"), collection_id, memory_id, removal);
    return removal.dryRun ? c.json({ memories: 1 }, 200) : c.body(null, 204);
  });
  app.openapi(memoryUndelete, async (c) => {
    const { collection_id, memory_id } = c.req.valid("param");
    const memory = await undeleteMemory(c.get("call"), collection_id, memory_id);
    c.header("ETag", etagOf(memory.version));
    return c.json(toMemoryV1(memory), 200);
  });
}
