import { createRoute, z } from "@hono/zod-openapi";
import type { Context, TypedResponse } from "hono";
import { mapStream } from "../../services/basics/map-stream";
import { type Ahead, listTaskEvents, readTaskLog, watchTask } from "../../services/tasks/task-events";
import { decodeCursorOf, listOf } from "../cursor";
import type { Api, ApiEnv } from "../env";
import { EVENT_STREAM, EVENT_STREAM_HEADERS, sequenceOf, wantsEventStream } from "../event-stream";
import { rateLimit } from "../middleware/rate-limit";
import { HttpProblem } from "../problem";
import { COMMON_PROBLEMS, json, problems, SECURED } from "../route";
import { CursorQueryV1, idParameter, LimitQueryV1, listV1 } from "./common.dto";
import { TaskEventV1, TaskLogV1, toEventStreamV1, toTaskEventV1, toTaskLogV1 } from "./task-event.dto";

const LOG_LINES_MAX = 1_000;
const LOG_LINES_DEFAULT = 100;

const TASK_ID_EXAMPLE = "task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e";
const STREAM_EXAMPLE = [
  "event: snapshot",
  `data: {"task_id":"${TASK_ID_EXAMPLE}","status":"created"}`,
  "",
  "id: 1",
  "event: status",
  `data: {"sequence":1,"type":"status","task_id":"${TASK_ID_EXAMPLE}","run":1,"status":"created"}`,
  "",
  "",
].join("\n");

const list = createRoute({
  method: "get",
  path: "/v1/checkmate/tasks/{task_id}/events",
  operationId: "checkmate-task-events-list",
  tags: ["checkmate"],
  summary: "Watch a task, or list its events",
  description: [
    "Every change of the status, every checkpoint, and every memory that was flagged, skipped or failed is an event, with",
    "a `sequence` from 1 without a gap. With `Accept: text/event-stream` they are streamed as they come: first one",
    "`snapshot` without an id, whose data is the task, then all events from 1, each with its sequence as the `id`. With a",
    "cursor (`Last-Event-ID`, which an EventSource sends by itself, or `starting_after`) there is no snapshot, and the next",
    "event comes first. The stream closes after the `end` of the task as it stands: an invoke after an earlier end goes on.",
    "Asked again with that end as the cursor: 204, which tells an EventSource to stop. Any other close is a reason to come",
    "back with the cursor. Otherwise the events come in pages.",
  ].join("\n"),
  security: SECURED,
  middleware: rateLimit,
  request: {
    params: z.object({ task_id: idParameter("task_id", TASK_ID_EXAMPLE) }),
    query: z.strictObject({
      limit: LimitQueryV1,
      cursor: CursorQueryV1,
      starting_after: z
        .string()
        .optional()
        .openapi({ description: "The sequence of the last event that you have; 0 for none." }),
    }),
    headers: z.object({
      "Last-Event-ID": z.string().optional().openapi({ description: "The same. It goes before the others." }),
    }),
  },
  responses: {
    200: {
      description: "The events: as a stream, or a page in their order.",
      content: {
        ...json(listV1(TaskEventV1, "TaskEventListV1"), "").content,
        [EVENT_STREAM]: { schema: z.string().openapi({ example: STREAM_EXAMPLE }) },
      },
    },
    204: { description: "Of a stream: the task has ended, and the cursor is its last event." },
    ...problems(...COMMON_PROBLEMS, 400, 404, 410, 422),
  },
});

const log = createRoute({
  method: "get",
  path: "/v1/batches/{id}/log",
  operationId: "batch-log",
  tags: ["batches"],
  summary: "Read what happened to a batch, in lines for people",
  security: SECURED,
  middleware: rateLimit,
  request: {
    params: z.object({ id: idParameter("id", TASK_ID_EXAMPLE) }),
    query: z.strictObject({
      from: z.coerce
        .number()
        .int()
        .min(0)
        .max(Number.MAX_SAFE_INTEGER)
        .default(0)
        .openapi({ description: "The index of the first line.", example: 0 }),
      size: z.coerce
        .number()
        .int()
        .min(1)
        .max(LOG_LINES_MAX)
        .default(LOG_LINES_DEFAULT)
        .openapi({ description: "How many lines at most.", example: LOG_LINES_DEFAULT }),
    }),
  },
  responses: {
    200: json(TaskLogV1, "The lines; none beyond the last."),
    ...problems(...COMMON_PROBLEMS, 404, 410, 422),
  },
});

export function taskEventsRoutes(app: Api): void {
  app.openapi(list, async (c) => {
    const { task_id: taskId } = c.req.valid("param");
    const { limit, ...given } = c.req.valid("query");
    const after = cursorOf(c, taskId, given);
    if (wantsEventStream(c) && c.req.method !== "HEAD") return streamOf(c, taskId, after);
    return c.json(await pageOf(c, taskId, { after: after ?? 0, limit }), 200, headersOfPage(c));
  });
  app.openapi(log, async (c) => {
    const { id } = c.req.valid("param");
    const { from, size } = c.req.valid("query");
    return c.json(toTaskLogV1(id, from, await readTaskLog(c.get("call"), id, { from, size })), 200);
  });
}

/** An EventSource that comes back sends its first URL again, and where it is in the header. */
function cursorOf(
  c: Context<ApiEnv>,
  taskId: string,
  given: { readonly cursor?: string | undefined; readonly starting_after?: string | undefined },
): number | null {
  // Empty means none: so the standard of server-sent events has it.
  const lastEventId = c.req.header("Last-Event-ID") ?? "";
  if (lastEventId !== "") return sequenceOf(lastEventId, "Last-Event-ID");
  if (given.cursor !== undefined) return decodeCursorOf(taskId, given.cursor);
  return given.starting_after === undefined ? null : sequenceOf(given.starting_after, "starting_after");
}

async function pageOf(c: Context<ApiEnv>, taskId: string, wanted: { readonly after: number; readonly limit: number }) {
  const found = await listTaskEvents(c.get("call"), taskId, wanted);
  if (found.kind === "ahead") throw cursorAhead(found);
  const next = found.next === null ? null : { createdAtMs: found.next, id: taskId };
  return listOf(c, { items: found.events, next }, toTaskEventV1);
}

/** A HEAD of a stream opens none. */
function headersOfPage(c: Context<ApiEnv>): Record<string, string> {
  return wantsEventStream(c) ? EVENT_STREAM_HEADERS : {};
}

async function streamOf(c: Context<ApiEnv>, taskId: string, after: number | null) {
  const watched = await watchTask(c.get("call"), taskId, after);
  if (watched.kind === "ahead") throw cursorAhead(watched);
  if (watched.kind === "over") return c.body(null, 204);
  const encoder = new TextEncoder();
  const bytes = mapStream(watched.records, (records) => encoder.encode(toEventStreamV1(records)));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a stream: the library's types know bodies as a whole alone
  return c.body(bytes, 200, EVENT_STREAM_HEADERS) as Response & TypedResponse<never, never, never>;
}

function cursorAhead({ last }: Ahead): HttpProblem {
  const detail = `The task has ${last} events until now. Use the sequence of one of them.`;
  return new HttpProblem(400, "cursor-ahead", detail);
}
