import { createRoute, z } from "@hono/zod-openapi";
import { createMemories, getMemory, listMemories } from "../../services/memories/memories";
import { listOf, pageRequestOf } from "../cursor";
import type { Api } from "../env";
import { etagOf } from "../etag";
import { jsonBody, MEMORIES_BODY_BYTES_MAX } from "../middleware/json-body";
import { rateLimit } from "../middleware/rate-limit";
import { BODY_PROBLEMS, COMMON_PROBLEMS, json, jsonRequest, problems, SECURED } from "../route";
import { CursorQueryV1, etagHeaderV1, idParameter, IncludeDeletedQueryV1, LimitQueryV1, listV1 } from "./common.dto";
import {
  MemoriesCreateV1,
  MemoryFiltersV1,
  MemoryInputV1,
  MemoryV1,
  MemoryVerdictsV1,
  statusOfVerdicts,
  toMemoryContents,
  toMemoryFilters,
  toMemoryV1,
  toMemoryVerdictsV1,
} from "./memories.dto";

export const MemoriesParamsV1 = z.object({
  collection_id: idParameter("collection_id", "collection_0b7e4c1d9a5f4e6c8d2b3a1f0e9d8c7b"),
});
export const MemoryParamsV1 = MemoriesParamsV1.extend({
  memory_id: idParameter("memory_id", "memory_5d0c7b1e2f3a4b5c8d9e0f1a2b3c4d5e"),
});

export const memoryAnswer = (description: string) => ({
  ...json(MemoryV1, description),
  headers: z.object({ ETag: etagHeaderV1 }),
});

const memoriesCreate = createRoute({
  method: "put",
  path: "/v1/collections/{collection_id}/memories",
  operationId: "collection-memories-create",
  tags: ["memories"],
  summary: "Add 1 to 100 memories to a collection",
  description: [
    "Each memory has a verdict of its own: the faults of one refuse that one, and the others are kept. It may be sent",
    "again at any time: what is there already is `skipped`, or `updated` as a whole when it has a known `external_id`",
    "and other content.",
  ].join("\n"),
  security: SECURED,
  middleware: [rateLimit, jsonBody(MEMORIES_BODY_BYTES_MAX)],
  request: { params: MemoriesParamsV1, body: jsonRequest(MemoriesCreateV1) },
  responses: {
    200: json(MemoryVerdictsV1, "No memory is new."),
    201: json(MemoryVerdictsV1, "At least one memory was created."),
    ...problems(...COMMON_PROBLEMS, ...BODY_PROBLEMS, 404, 410),
  },
});

const memoriesList = createRoute({
  method: "get",
  path: "/v1/collections/{collection_id}/memories",
  operationId: "collection-memories-list",
  tags: ["memories"],
  summary: "List the memories of a collection, newest first",
  security: SECURED,
  middleware: [rateLimit],
  request: {
    params: MemoriesParamsV1,
    query: z.strictObject({
      limit: LimitQueryV1,
      cursor: CursorQueryV1,
      ...MemoryFiltersV1,
      include_deleted: IncludeDeletedQueryV1,
    }),
  },
  responses: {
    200: json(listV1(MemoryV1, "MemoryListV1"), "A page of memories."),
    ...problems(...COMMON_PROBLEMS, 400, 404, 410, 422),
  },
});

const memoryGet = createRoute({
  method: "get",
  path: "/v1/collections/{collection_id}/memories/{memory_id}",
  operationId: "collection-memory-get",
  tags: ["memories"],
  summary: "Read a memory",
  security: SECURED,
  middleware: [rateLimit],
  request: { params: MemoryParamsV1, query: z.strictObject({ include_deleted: IncludeDeletedQueryV1 }) },
  responses: { 200: memoryAnswer("The memory."), ...problems(...COMMON_PROBLEMS, 404, 410, 422) },
});

export function memoriesRoutes(app: Api): void {
  app.openAPIRegistry.register("MemoryInputV1", MemoryInputV1);
  app.openapi(memoriesCreate, async (c) => {
    const contents = toMemoryContents(c.req.valid("json").memories);
    const verdicts = await createMemories(c.get("call"), c.req.valid("param").collection_id, contents);
    return c.json(toMemoryVerdictsV1(verdicts), statusOfVerdicts(verdicts));
  });
  app.openapi(memoriesList, async (c) => {
    const query = c.req.valid("query");
    const { collection_id } = c.req.valid("param");
    const page = await listMemories(c.get("call"), collection_id, toMemoryFilters(query), pageRequestOf(query));
    return c.json(listOf(c, page, toMemoryV1), 200);
  });
  app.openapi(memoryGet, async (c) => {
    const { collection_id, memory_id } = c.req.valid("param");
    const { include_deleted } = c.req.valid("query");
    const memory = await getMemory(c.get("call"), collection_id, memory_id, include_deleted);
    c.header("ETag", etagOf(memory.version));
    return c.json(toMemoryV1(memory), 200);
  });
}
