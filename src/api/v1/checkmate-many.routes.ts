import { createRoute, z } from "@hono/zod-openapi";
import { cancelTasks } from "../../services/tasks/cancel-tasks";
import { CLEANED_PER_CALL_MAX, cleanTasks } from "../../services/tasks/clean-tasks";
import type { Api } from "../env";
import { jsonBody } from "../middleware/json-body";
import { rateLimit } from "../middleware/rate-limit";
import { BODY_PROBLEMS, COMMON_PROBLEMS, json, jsonRequest, problems, SECURED } from "../route";
import {
  CanceledTasksV1,
  CancelTasksV1,
  CleanedTasksV1,
  OlderThanDaysV1,
  toCanceledTasksV1,
  toCancelMany,
} from "./checkmate-many.dto";
import { FlagQueryV1, NoQueryV1 } from "./common.dto";

const tags = ["checkmate"];

const cancelMany = createRoute({
  method: "patch",
  path: "/v1/checkmate/tasks/cancel",
  operationId: "checkmate-tasks-cancel",
  tags,
  summary: "Cancel many tasks",
  description: [
    "Those that are named in `task_ids`, or the open ones that a `filter` matches, oldest first. All end at once, each",
    "with a verdict, and nothing is written for them any more. A filter that matches nothing is an empty verdict. It may",
    "be sent again at any time: what has ended stays as it is.",
  ].join("\n"),
  security: SECURED,
  middleware: [rateLimit, jsonBody()],
  request: { query: NoQueryV1, body: jsonRequest(CancelTasksV1) },
  responses: {
    200: json(CanceledTasksV1, "A verdict for each."),
    ...problems(...COMMON_PROBLEMS, ...BODY_PROBLEMS),
  },
});

const clean = createRoute({
  method: "delete",
  path: "/v1/checkmate/tasks",
  operationId: "checkmate-tasks-clean",
  tags,
  summary: "Remove tasks that ended long ago",
  description: [
    "What they wrote stays in its collection. Reads and replays answer 410 from then on: their `requestId`s never run",
    `again. One call removes ${CLEANED_PER_CALL_MAX} at most, those that ended first; send it again until it cleans none.`,
  ].join("\n"),
  security: SECURED,
  middleware: rateLimit,
  request: {
    query: z.strictObject({
      older_than_days: OlderThanDaysV1,
      dry_run: FlagQueryV1.openapi({ description: "Change nothing: only count.", example: "true" }),
    }),
  },
  responses: { 200: json(CleanedTasksV1, "How many are removed."), ...problems(...COMMON_PROBLEMS, 422) },
});

export function checkmateManyRoutes(app: Api): void {
  app.openapi(cancelMany, async (c) => {
    const input = toCancelMany(c.req.valid("json"));
    return c.json(toCanceledTasksV1(await cancelTasks(c.get("call"), input), input.dryRun), 200);
  });
  app.openapi(clean, async (c) => {
    const { older_than_days: olderThanDays, dry_run: dryRun } = c.req.valid("query");
    return c.json({ cleaned: await cleanTasks(c.get("call"), { olderThanDays, dryRun }), dry_run: dryRun }, 200);
  });
}
