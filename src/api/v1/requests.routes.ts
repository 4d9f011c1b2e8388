import { createRoute, z } from "@hono/zod-openapi";
import type { RequestDoor } from "../../domain/requests/request";
import { cancelRequest } from "../../services/creation/cancel-request";
import { getRequest, type KnownRequest } from "../../services/creation/look-up";
import type { Api } from "../env";
import { rateLimit } from "../middleware/rate-limit";
import { COMMON_PROBLEMS, json, problems, SECURED } from "../route";
import { idParameter, NoQueryV1, TimestampV1, toTimestamp, toTimestampOrNull } from "./common.dto";
import { TaskStatusV1 } from "./task.dto";

const MadeThingV1 = z
  .object({
    kind: z.enum(["task", "agent", "collection"]),
    id: z.string().openapi({ example: "task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e" }),
    links: z.object({
      self: z.string().openapi({ example: "/v1/checkmate/tasks/task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e" }),
    }),
  })
  .openapi("MadeThingV1");

const DOORS = {
  task: "task",
  reservation: "reservation",
  bulk: "bulk",
  invoke: "invoke",
  agent: "agent",
  collection: "collection",
  cancel: "cancel",
} satisfies Record<RequestDoor, string>;

const RequestV1 = z
  .object({
    request_id: z.string().openapi({ example: "5a1f7c1e-8f5e-4a5f-9f43-0c9f6ff0b7d1" }),
    door: z.enum(DOORS).openapi({
      description: [
        "What came under it first. `cancel`: nothing else has come. The status of a `bulk` is `created` while one of its",
        "tasks is open, and `complete` then.",
      ].join("\n"),
    }),
    status: TaskStatusV1,
    made: z.array(MadeThingV1).openapi({ description: "What it made, not what it found." }),
    task_id: z.string().nullable().openapi({
      description: "The task that it made, or ran again; null where there is none, or several.",
      example: "task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e",
    }),
    first_seen_at: TimestampV1,
    last_seen_at: TimestampV1,
    replay_count: z.number().int().openapi({ description: "May lag by some seconds.", example: 2 }),
    expires_at: TimestampV1.nullable().openapi({
      description: "Until when the id is kept; null while its task is open.",
    }),
    mismatch_count: z.number().int().openapi({ description: "May lag by some seconds.", example: 0 }),
  })
  .openapi("RequestV1");

const get = createRoute({
  method: "get",
  path: "/v1/requests/{request_id}",
  operationId: "request-get",
  tags: ["requests"],
  summary: "What became of a requestId",
  description: [
    "404: nothing was accepted under it until now, and sending the same request with it again is safe. Its `as_of` is the",
    "time of that look: once it is past the `doubt_until` of a 503, nothing of that call will come any more.",
  ].join("\n"),
  security: SECURED,
  middleware: rateLimit,
  request: {
    params: z.object({ request_id: idParameter("request_id", "5a1f7c1e-8f5e-4a5f-9f43-0c9f6ff0b7d1") }),
    query: NoQueryV1,
  },
  responses: { 200: json(RequestV1, "What is known."), ...problems(...COMMON_PROBLEMS, 404, 410, 422) },
});

const cancel = createRoute({
  method: "patch",
  path: "/v1/requests/{request_id}/cancel",
  operationId: "request-cancel",
  tags: ["requests"],
  summary: "Give up a requestId",
  description: [
    "After its 200 nothing runs under this id: a task that is there is canceled, and so is all that a bulk made; one that",
    "is still to come, because its `PUT` is under way, is born canceled. It may be sent for an id that was never seen.",
    "An agent or a collection that was made under it stays.",
  ].join("\n"),
  security: SECURED,
  middleware: rateLimit,
  request: {
    params: z.object({ request_id: idParameter("request_id", "5a1f7c1e-8f5e-4a5f-9f43-0c9f6ff0b7d1") }),
    query: NoQueryV1,
  },
  responses: { 200: json(RequestV1, "What is so now."), ...problems(...COMMON_PROBLEMS, 404, 410, 422) },
});

export function requestsRoutes(app: Api): void {
  app.openapi(cancel, async (c) =>
    c.json(toRequestV1(await cancelRequest(c.get("call"), c.req.valid("param").request_id)), 200),
  );
  app.openapi(get, async (c) =>
    c.json(toRequestV1(await getRequest(c.get("call"), c.req.valid("param").request_id)), 200),
  );
}

const PLACES = { task: "/v1/checkmate/tasks", agent: "/v1/agents", collection: "/v1/collections" };

function toRequestV1(request: KnownRequest): z.infer<typeof RequestV1> {
  const { door, status, made } = request;
  const [only] = made;
  return {
    request_id: request.requestId,
    door,
    status,
    made: made.map(({ kind, id }) => ({ kind, id, links: { self: `${PLACES[kind]}/${id}` } })),
    task_id: door !== "bulk" && only?.kind === "task" ? only.id : null,
    first_seen_at: toTimestamp(request.firstSeenAtMs),
    last_seen_at: toTimestamp(request.lastSeenAtMs),
    replay_count: request.replayCount,
    mismatch_count: request.mismatchCount,
    expires_at: toTimestampOrNull(request.expiresAtMs),
  };
}
