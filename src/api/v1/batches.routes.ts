import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { removeTask } from "../../services/tasks/remove-task";
import { getTask, listTasks } from "../../services/tasks/tasks";
import { listOf, pageRequestOf } from "../cursor";
import type { Api, ApiEnv } from "../env";
import { rateLimit } from "../middleware/rate-limit";
import { COMMON_PROBLEMS, json, problems, SECURED } from "../route";
import { CursorQueryV1, FlagQueryV1, idParameter, LimitQueryV1, listV1, NoQueryV1 } from "./common.dto";
import {
  BATCH_STATES,
  BatchRemovalV1,
  BatchStateViewV1,
  BatchV1,
  statusesOfBatchState,
  toBatchRemovalV1,
  toBatchStateV1,
  toBatchV1,
} from "./task.dto";

const tags = ["batches"];
const batchId = z.object({ id: idParameter("id", "task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e") });

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

export function batchesRoutes(app: Api): void {
  app.openapi(list, async (c) => {
    const { state: wanted, name, request_id: requestId, ...page } = c.req.valid("query");
    const statuses = wanted && statusesOfBatchState(wanted);
    const filter = {
      types: ["batch" as const],
      statuses,
      name,
      requestIds: requestId === undefined ? undefined : [requestId],
    };
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
}

function batchOf(c: Context<ApiEnv>) {
  return getTask(c.get("call"), c.req.param("id") ?? "");
}
