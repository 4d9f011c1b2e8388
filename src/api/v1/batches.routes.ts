import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { removeTask } from "../../services/task-removal";
import { getTask, listTasks } from "../../services/tasks";
import { listOf, pageRequestOf } from "../cursor";
import type { Api, ApiEnv } from "../env";
import { creation, type CreationDoor } from "../middleware/creation";
import { rateLimit } from "../middleware/rate-limit";
import { BODY_PROBLEMS, COMMON_PROBLEMS, json, documentedRequest, problems, SECURED } from "../route";
import {
  BatchesRequestV1,
  BatchRequestV1,
  BulkV1,
  planBatch,
  planReVoice,
  ReVoiceRequestV1,
  toBulkV1,
} from "./batches.dto";
import { CursorQueryV1, FlagQueryV1, idParameter, LimitQueryV1, listV1, NoQueryV1 } from "./common.dto";
import { creationHeaders, preferHeaderV1, replayHeaders, requestIdHeaderV1 } from "./creation.dto";
import {
  BATCH_STATES,
  BatchRemovalV1,
  BatchStateViewV1,
  BatchV1,
  NewTaskResponseV1,
  statusesOfBatchState,
  toBatchRemovalV1,
  toBatchStateV1,
  toBatchV1,
  toNewTaskResponseV1,
} from "./task.dto";

const tags = ["batches"];
const batchId = z.object({ id: idParameter("id", "task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e") });
const creationProblems = problems(...COMMON_PROBLEMS, ...BODY_PROBLEMS, 403, 404, 410);
const door: CreationDoor<typeof BatchRequestV1> = {
  type: "batch",
  operation: "batches-create",
  requestId: "required",
  body: BatchRequestV1,
  bulkItemOperation: "batches-create",
  plan: planBatch,
};

const create = createRoute({
  method: "put",
  path: "/v1/batches",
  operationId: "batches-create",
  tags,
  summary: "Start long work exactly once",
  description:
    "However often the same request is sent with the same `requestId`, one task runs. The first answer is 201, every later one 200 with the task as it is now. `{ items: [...] }` starts up to 100 at once, each with a verdict of its own.",
  security: SECURED,
  middleware: creation(door),
  request: {
    headers: z.object({ requestId: requestIdHeaderV1(true), Prefer: preferHeaderV1 }),
    body: documentedRequest("BatchesRequestV1"),
  },
  responses: {
    201: { ...json(BatchV1, "Created by this call."), headers: creationHeaders },
    200: {
      ...json(
        z.union([BatchV1, BulkV1]),
        "Created by an earlier call; the task as it is now. Or the verdicts of a bulk.",
      ),
      headers: replayHeaders,
    },
    ...creationProblems,
  },
});

const submit = createRoute({
  method: "post",
  path: "/v1/batches",
  operationId: "batches-submit",
  tags,
  summary: "Start long work, each time anew",
  description: "As Livy's: every call makes a new task. To be safe against lost answers use `PUT` with a `requestId`.",
  security: SECURED,
  middleware: creation({ ...door, operation: "batches-submit", requestId: "minted" }),
  request: { headers: z.object({ Prefer: preferHeaderV1 }), body: documentedRequest("BatchesRequestV1") },
  responses: {
    201: { ...json(BatchV1, "Created."), headers: creationHeaders },
    200: json(BulkV1, "The verdicts of a bulk."),
    ...creationProblems,
  },
});

const list = createRoute({
  method: "get",
  path: "/v1/batches",
  operationId: "batches-list",
  tags,
  summary: "List batches, newest first",
  security: SECURED,
  middleware: rateLimit,
  request: {
    query: z.strictObject({
      limit: LimitQueryV1,
      cursor: CursorQueryV1,
      request_id: z.string().optional(),
      name: z.string().optional(),
      state: z.enum(BATCH_STATES).optional(),
    }),
  },
  responses: { 200: json(listV1(BatchV1, "BatchListV1"), "A page."), ...problems(...COMMON_PROBLEMS, 400, 422) },
});

const get = createRoute({
  method: "get",
  path: "/v1/batches/{id}",
  operationId: "batch-get",
  tags,
  summary: "Read a batch",
  security: SECURED,
  middleware: rateLimit,
  request: { params: batchId, query: NoQueryV1 },
  responses: { 200: json(BatchV1, "The batch."), ...problems(...COMMON_PROBLEMS, 404, 410, 422) },
});

const state = createRoute({
  method: "get",
  path: "/v1/batches/{id}/state",
  operationId: "batch-state",
  tags,
  summary: "Read the state of a batch",
  security: SECURED,
  middleware: rateLimit,
  request: { params: batchId, query: NoQueryV1 },
  responses: {
    200: json(BatchStateViewV1, "The state, in Livy's words."),
    ...problems(...COMMON_PROBLEMS, 404, 410, 422),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/batches/{id}",
  operationId: "batch-delete",
  tags,
  summary: "Cancel and remove a batch",
  description:
    "What it wrote stays in its collection. Reads and replays answer 410 from then on: its `requestId` never runs again.",
  security: SECURED,
  middleware: rateLimit,
  request: {
    params: batchId,
    query: z.strictObject({
      dry_run: FlagQueryV1.openapi({ description: "Change nothing: only count what would go.", example: "true" }),
    }),
  },
  responses: {
    200: json(BatchRemovalV1, "With `dry_run=true`: what would go."),
    204: { description: "It is removed." },
    ...problems(...COMMON_PROBLEMS, 404, 410, 422),
  },
});

const reVoice = createRoute({
  method: "put",
  path: "/v1/agents/{agent_id}/collections/{collection_id}/re-voice",
  operationId: "agent-collection-re-voice",
  tags: ["agents"],
  summary: "Re-voice a collection in the agent's voice",
  description: "Long work: the answer names its task. The collection need not be bound to the agent.",
  security: SECURED,
  middleware: creation({
    type: "batch",
    operation: "agent-collection-re-voice",
    requestId: "optional",
    body: ReVoiceRequestV1,
    plan: (ctx, taskId, body, path) =>
      planReVoice(ctx, taskId, body, {
        agentId: path["agent_id"] ?? "",
        collectionId: path["collection_id"] ?? "",
        pointers: { agent: null, source: null },
      }),
  }),
  request: {
    params: z.object({
      agent_id: idParameter("agent_id", "agent_6f1c8a523a3e4a529d0e2f6f1f0f7f11"),
      collection_id: idParameter("collection_id", "collection_0b7e4c1d9a5f4e6c8d2b3a1f0e9d8c7b"),
    }),
    headers: z.object({ requestId: requestIdHeaderV1(false), Prefer: preferHeaderV1 }),
    body: documentedRequest("ReVoiceRequestV1"),
  },
  responses: {
    202: { ...json(NewTaskResponseV1, "The task, first and replay."), headers: replayHeaders },
    ...creationProblems,
  },
});

export function batchesRoutes(app: Api): void {
  app.openAPIRegistry.register("BatchesRequestV1", BatchesRequestV1);
  app.openAPIRegistry.register("ReVoiceRequestV1", ReVoiceRequestV1);
  app.openapi(create, (c) => {
    const bulk = c.get("bulk");
    if (bulk !== undefined) return c.json(toBulkV1(bulk), 200);
    const { task, replayed } = c.get("creation");
    if (replayed) return c.json(toBatchV1(task), 200);
    return c.json(toBatchV1(task), 201, location(task.id));
  });
  app.openapi(submit, (c) => {
    const bulk = c.get("bulk");
    if (bulk !== undefined) return c.json(toBulkV1(bulk), 200);
    const { task } = c.get("creation");
    return c.json(toBatchV1(task), 201, location(task.id));
  });
  app.openapi(list, async (c) => {
    const { state: wanted, name, request_id: requestId, ...page } = c.req.valid("query");
    const statuses = wanted && statusesOfBatchState(wanted);
    const filter = { types: ["batch" as const], statuses, name, requestId: requestId?.toLowerCase() };
    return c.json(listOf(c, await listTasks(c.get("call"), filter, pageRequestOf(page)), toBatchV1), 200);
  });
  app.openapi(get, async (c) => c.json(toBatchV1(await batchOf(c)), 200));
  app.openapi(state, async (c) => c.json(toBatchStateV1(await batchOf(c)), 200));
  app.openapi(remove, async (c) => {
    const task = await batchOf(c);
    if (c.req.valid("query").dry_run) return c.json(toBatchRemovalV1(task), 200);
    await removeTask(c.get("call"), task.id);
    return c.body(null, 204);
  });
  app.openapi(reVoice, (c) => {
    const { task } = c.get("creation");
    const view = toNewTaskResponseV1(task);
    return c.json(view, 202, { Location: view.links.self });
  });
}

function location(taskId: string): { Location: string } {
  return { Location: `/v1/batches/${taskId}` };
}

function batchOf(c: Context<ApiEnv>) {
  return getTask(c.get("call"), c.req.param("id") ?? "");
}
