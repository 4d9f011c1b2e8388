import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { type InvokeInput, invokeTask } from "../../services/creation/invoke-task";
import { cancelTask, getTask, listItems, listTasks, waitForEnd } from "../../services/tasks/tasks";
import { decodeCursorOf, listOf, pageRequestOf } from "../cursor";
import type { Api, ApiEnv } from "../env";
import { etagOf, versionsOf } from "../etag";
import { findRequestId } from "../middleware/request-id";
import { preferredWaitSeconds } from "../middleware/prefer";
import { rateLimit } from "../middleware/rate-limit";
import { COMMON_PROBLEMS, json, problems, SECURED } from "../route";
import { CursorQueryV1, idParameter, LimitQueryV1, listV1, NoQueryV1, severalV1, TimestampV1 } from "./common.dto";
import { ifMatchHeaderV1, preferHeaderV1, requestIdHeaderV1 } from "./creation.dto";
import {
  ItemVerdictV1,
  NewTaskResponseV1,
  OperationV1,
  TaskItemV1,
  TaskStatusV1,
  TaskStatusViewV1,
  TaskTypeV1,
  TaskV1,
  toNewTaskResponseV1,
  toTaskItemV1,
  toTaskStatusV1,
  toTaskV1,
} from "./task.dto";

const tags = ["checkmate"];
const params = z.object({ task_id: idParameter("task_id", "task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e") });
const taskProblems = problems(...COMMON_PROBLEMS, 404, 410, 422);

const list = createRoute({
  method: "get",
  path: "/v1/checkmate/tasks",
  operationId: "checkmate-tasks-list",
  tags,
  summary: "List tasks",
  security: SECURED,
  middleware: rateLimit,
  request: {
    query: z.strictObject({
      limit: LimitQueryV1,
      cursor: CursorQueryV1,
      status: severalV1(TaskStatusV1),
      operation: severalV1(OperationV1),
      type: severalV1(TaskTypeV1),
      tag: severalV1(z.string()).openapi({ description: "Tasks that carry all of these tags." }),
      since: TimestampV1.optional().openapi({ description: "Created at this time or later." }),
      sort: z.enum(["created_at", "-created_at"]).default("-created_at"),
    }),
  },
  responses: { 200: json(listV1(TaskV1, "TaskListV1"), "A page."), ...problems(...COMMON_PROBLEMS, 400, 422) },
});

const get = createRoute({
  method: "get",
  path: "/v1/checkmate/tasks/{task_id}",
  operationId: "checkmate-task-get",
  tags,
  summary: "Read a task",
  security: SECURED,
  middleware: rateLimit,
  request: { params, query: NoQueryV1 },
  responses: { 200: json(TaskV1, "The task."), ...taskProblems },
});

const status = createRoute({
  method: "get",
  path: "/v1/checkmate/tasks/{task_id}/status",
  operationId: "checkmate-task-status",
  tags,
  summary: "Read the status of a task, or wait for its end",
  security: SECURED,
  middleware: rateLimit,
  request: { params, query: NoQueryV1, headers: z.object({ Prefer: preferHeaderV1 }) },
  responses: { 200: json(TaskStatusViewV1, "The status; the end state if it came in time."), ...taskProblems },
});

const cancel = createRoute({
  method: "patch",
  path: "/v1/checkmate/tasks/{task_id}/cancel",
  operationId: "checkmate-task-cancel",
  tags,
  summary: "Cancel a task",
  description: "It ends at once, and nothing is written for it any more. One that has ended stays as it is.",
  security: SECURED,
  middleware: rateLimit,
  request: { params, query: NoQueryV1 },
  responses: { 200: json(TaskV1, "The task as it is now."), ...taskProblems },
});

const invoke = createRoute({
  method: "patch",
  path: "/v1/checkmate/tasks/{task_id}/invoke",
  operationId: "checkmate-task-invoke",
  tags,
  summary: "Run a task again that failed, was canceled, or has failed memories",
  description: [
    "Opens the next run of a task in `error` or `canceled`. It goes on from what is done; what failed is tried again. One",
    "that is still open stays as it is. To be safe against lost answers send a `requestId` of this invoke's own, or",
    "`If-Match` with the task's ETag.",
    "",
    "With `?from=failed` it redoes the memories that failed, of a `complete` task too. One that ended early and has",
    "memories which were never done is refused: without `from` it goes on with these as well.",
  ].join("\n"),
  security: SECURED,
  middleware: rateLimit,
  request: {
    params,
    query: z.strictObject({
      from: z.enum(["failed"]).optional().openapi({
        description: "`failed`: redo what failed, and nothing else. Of a complete task too.",
      }),
    }),
    headers: z.object({ requestId: requestIdHeaderV1(false), "If-Match": ifMatchHeaderV1 }),
  },
  responses: {
    202: json(NewTaskResponseV1, "The task as it is now."),
    ...problems(...COMMON_PROBLEMS, 400, 404, 409, 410, 412, 422),
  },
});

const items = createRoute({
  method: "get",
  path: "/v1/checkmate/tasks/{task_id}/items",
  operationId: "checkmate-task-items-list",
  tags,
  summary: "List each memory's verdict, source and result",
  security: SECURED,
  middleware: rateLimit,
  request: {
    params,
    query: z.strictObject({
      limit: LimitQueryV1,
      cursor: CursorQueryV1,
      verdict: ItemVerdictV1.optional(),
    }),
  },
  responses: {
    200: json(listV1(TaskItemV1, "TaskItemListV1"), "A page, in the order of the work."),
    ...problems(...COMMON_PROBLEMS, 400, 404, 410, 422),
  },
});

/** The request id of an invoke of its own, and what it asks; null without one. */
function invokeRequestOf(c: Context<ApiEnv>): InvokeInput["request"] {
  const requestId = findRequestId(c);
  const [path, query] = [c.req.param(), c.req.query()];
  const request = { api: 1, type: "batch", operation: "checkmate-task-invoke", path, query, body: null } as const;
  return requestId === undefined ? null : { requestId, request };
}

export function checkmateRoutes(app: Api): void {
  app.openapi(list, async (c) => {
    const { limit, cursor, status: statuses, operation: operations, type: types, tag, ...rest } = c.req.valid("query");
    const sinceMs = rest.since === undefined ? undefined : Date.parse(rest.since);
    const filter = { statuses, operations, types, tags: tag, sinceMs, oldestFirst: rest.sort === "created_at" };
    const page = await listTasks(c.get("call"), filter, pageRequestOf({ limit, cursor }));
    return c.json(listOf(c, page, toTaskV1), 200);
  });
  app.openapi(get, async (c) => {
    const task = await getTask(c.get("call"), c.req.valid("param").task_id);
    return c.json(toTaskV1(task), 200, { ETag: etagOf(task.run) });
  });
  app.openapi(invoke, async (c) => {
    const expectedRuns = versionsOf(c.req.header("If-Match"));
    const from = c.req.valid("query").from === "failed" ? "failed" : "checkpoints";
    const taskId = c.req.valid("param").task_id;
    const task = await invokeTask(c.get("call"), taskId, { expectedRuns, request: invokeRequestOf(c), from });
    return c.json(toNewTaskResponseV1(task), 202);
  });
  app.openapi(status, async (c) => {
    const task = await getTask(c.get("call"), c.req.valid("param").task_id);
    return c.json(toTaskStatusV1(await waitForEnd(c.get("call"), task, preferredWaitSeconds(c))), 200);
  });
  app.openapi(cancel, async (c) =>
    c.json(toTaskV1(await cancelTask(c.get("call"), c.req.valid("param").task_id)), 200),
  );
  app.openapi(items, async (c) => {
    const { task_id: taskId } = c.req.valid("param");
    const { limit, cursor, verdict } = c.req.valid("query");
    const afterPosition = cursor === undefined ? -1 : decodeCursorOf(taskId, cursor);
    const page = await listItems(c.get("call"), taskId, { verdict, afterPosition, limit });
    const next = page.next === null ? null : { createdAtMs: page.next, id: taskId };
    return c.json(listOf(c, { items: page.items, next }, toTaskItemV1), 200);
  });
}
