import { createRoute, z } from "@hono/zod-openapi";
import { cancelRequest, getRequest, type KnownRequest } from "../../services/creation/requests";
import type { Api } from "../env";
import { rateLimit } from "../middleware/rate-limit";
import { COMMON_PROBLEMS, json, problems, SECURED } from "../route";
import { idParameter, NoQueryV1, TimestampV1, toTimestamp, toTimestampOrNull } from "./common.dto";
import { TaskStatusV1 } from "./task.dto";

const RequestV1 = z
  .object({
    request_id: z.string().openapi({ example: "5a1f7c1e-8f5e-4a5f-9f43-0c9f6ff0b7d1" }),
    task_id: z.string().openapi({ example: "task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e" }),
    status: TaskStatusV1,
    first_seen_at: TimestampV1,
    last_seen_at: TimestampV1,
    replay_count: z.number().int().openapi({ description: "May lag by a minute.", example: 2 }),
    expires_at: TimestampV1.nullable().openapi({
      description: "Until when the id is kept; null while its task is open.",
    }),
    mismatch_count: z.number().int().openapi({ description: "May lag by a minute.", example: 0 }),
  })
  .openapi("RequestV1");

const get = createRoute({
  method: "get",
  path: "/v1/requests/{request_id}",
  operationId: "request-get",
  tags: ["requests"],
  summary: "What became of a requestId",
  description: "404: nothing was accepted under it until now, and sending the same request with it again is safe.",
  security: SECURED,
  middleware: rateLimit,
  request: {
    params: z.object({ request_id: idParameter("request_id", "5a1f7c1e-8f5e-4a5f-9f43-0c9f6ff0b7d1") }),
    query: NoQueryV1,
  },
  responses: { 200: json(RequestV1, "What is known."), ...problems(...COMMON_PROBLEMS, 404, 410, 422) },
});

const CanceledRequestV1 = z
  .object({
    request_id: z.string().openapi({ example: "5a1f7c1e-8f5e-4a5f-9f43-0c9f6ff0b7d1" }),
    task_id: z.string().openapi({ example: "task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e" }),
    status: TaskStatusV1,
  })
  .openapi("CanceledRequestV1");

const cancel = createRoute({
  method: "patch",
  path: "/v1/requests/{request_id}/cancel",
  operationId: "request-cancel",
  tags: ["requests"],
  summary: "Give up a requestId",
  description: [
    "After its 200 nothing runs under this id: a task that is there is canceled, and one that is still to come, because",
    "its `PUT` is under way, is born canceled. It may be sent for an id that was never seen.",
  ].join("\n"),
  security: SECURED,
  middleware: rateLimit,
  request: {
    params: z.object({ request_id: idParameter("request_id", "5a1f7c1e-8f5e-4a5f-9f43-0c9f6ff0b7d1") }),
    query: NoQueryV1,
  },
  responses: { 200: json(CanceledRequestV1, "What is so now."), ...problems(...COMMON_PROBLEMS, 404, 410, 422) },
});

export function requestsRoutes(app: Api): void {
  app.openapi(cancel, async (c) => {
    const { requestId, taskId, status } = await cancelRequest(c.get("call"), c.req.valid("param").request_id);
    return c.json({ request_id: requestId, task_id: taskId, status }, 200);
  });
  app.openapi(get, async (c) => {
    const requestId = c.req.valid("param").request_id.toLowerCase();
    return c.json(toRequestV1(await getRequest(c.get("call"), requestId)), 200);
  });
}

function toRequestV1(request: KnownRequest): z.infer<typeof RequestV1> {
  return {
    request_id: request.requestId,
    task_id: request.taskId,
    status: request.status,
    first_seen_at: toTimestamp(request.firstSeenAtMs),
    last_seen_at: toTimestamp(request.lastSeenAtMs),
    replay_count: request.replayCount,
    mismatch_count: request.mismatchCount,
    expires_at: toTimestampOrNull(request.expiresAtMs),
  };
}
