import { z } from "@hono/zod-openapi";
import {
  CANCELED_BY_SEARCH_DEFAULT,
  CANCELED_PER_CALL_MAX,
  type CanceledMany,
  type CancelManyInput,
  type SkippedTask,
} from "../../services/tasks/cancel-tasks";
import { CLEAN_OLDER_THAN_DAYS_DEFAULT } from "../../services/tasks/clean-tasks";
import { NameV1, severalV1, TimestampV1 } from "./common.dto";
import { OperationV1, TaskStatusV1, TaskTypeV1 } from "./task.dto";

const TASK_ID_EXAMPLE = "task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e";

/** The filters of the list of tasks; what is given must all fit. */
const CancelFilterV1 = z
  .strictObject({
    status: severalV1(TaskStatusV1).openapi({ description: "One, or any of several." }),
    operation: severalV1(OperationV1).openapi({ description: "One, or any of several." }),
    type: severalV1(TaskTypeV1).openapi({ description: "One, or any of several." }),
    tag: severalV1(z.string()).openapi({ description: "One tag, or several that it must all carry." }),
    name: NameV1.optional(),
    since: TimestampV1.optional().openapi({ description: "Created at this time or later." }),
    request_id: severalV1(z.string()).openapi({ description: "The tasks of these request ids." }),
  })
  .refine((filter) => Object.values(filter).some((given) => given !== undefined), {
    error: "Name at least one filter: an empty one would cancel every task.",
  })
  .openapi("CancelFilterV1", { example: { tag: "nightly", status: ["created", "running", "retry"] } });

export const CancelTasksV1 = z
  .strictObject({
    task_ids: z.array(z.string()).min(1).max(CANCELED_PER_CALL_MAX).optional(),
    filter: CancelFilterV1.optional(),
    dry_run: z.boolean().default(false).openapi({ description: "Change nothing: only say what would be." }),
    max_results: z
      .number()
      .int()
      .min(1)
      .max(CANCELED_PER_CALL_MAX)
      .optional()
      .openapi({
        description: `How many are canceled at most, the oldest first. Default: ${CANCELED_BY_SEARCH_DEFAULT} of a filter, and all that are named.`,
      }),
  })
  .refine(({ task_ids, filter }) => (task_ids === undefined) !== (filter === undefined), {
    error: "Give exactly one of: task_ids, filter.",
  })
  .openapi("CancelTasksV1", { example: { task_ids: [TASK_ID_EXAMPLE], dry_run: false } });

/** What each reason is inside. */
const REASONS = {
  ended: "ended",
  removed: "removed",
  "not-found": "not-found",
  "over-limit": "over-limit",
} as const satisfies Record<SkippedTask["reason"], string>;

const task_id = z.string().openapi({ example: TASK_ID_EXAMPLE });

export const CanceledTasksV1 = z
  .object({
    done: z
      .array(z.object({ task_id, status: TaskStatusV1 }))
      .openapi({ description: "What was canceled, with its status now; with `dry_run` what would be." }),
    skipped: z
      .array(
        z.object({
          task_id,
          status: z
            .union([TaskStatusV1, z.null()])
            .openapi({ description: "Null where there is none to tell.", example: "complete" }),
          reason: z.enum(REASONS).openapi({
            description:
              "`ended`: it had ended, and stays as it is. `removed`: it was deleted. `over-limit`: `max_results` left it out.",
            example: "ended",
          }),
        }),
      )
      .openapi({ description: "What was named and is not canceled." }),
    remaining: z
      .number()
      .int()
      .openapi({ description: "How many more `max_results` left out. Send the call again for these.", example: 0 }),
    dry_run: z.boolean().openapi({ example: false }),
  })
  .openapi("CanceledTasksV1", {
    example: {
      done: [{ task_id: TASK_ID_EXAMPLE, status: "canceled" }],
      skipped: [{ task_id: "task_77c0b1d2e3f4a5b6c7d8e9f0a1b2c3d4", status: "complete", reason: "ended" }],
      remaining: 0,
      dry_run: false,
    },
  });

/** The tasks are named, or looked for. */
export function toCancelMany(given: z.output<typeof CancelTasksV1>): CancelManyInput {
  const { task_ids: taskIds, filter, dry_run: dryRun, max_results: maxResults } = given;
  if (filter === undefined) return { which: { taskIds: taskIds ?? [] }, dryRun, maxResults };
  const { status: statuses, operation: operations, type: types, tag: tags, name, since, request_id } = filter;
  const sinceMs = since === undefined ? undefined : Date.parse(since);
  const search = { statuses, operations, types, tags, name, sinceMs, requestIds: request_id };
  return { which: { search }, dryRun, maxResults };
}

export function toCanceledTasksV1(many: CanceledMany, dryRun: boolean): z.infer<typeof CanceledTasksV1> {
  return {
    done: many.done.map(({ taskId, status }) => ({ task_id: taskId, status })),
    skipped: many.skipped.map(({ taskId, status, reason }) => ({ task_id: taskId, status, reason: REASONS[reason] })),
    remaining: many.remaining,
    dry_run: dryRun,
  };
}

const DAYS_MAX = 3_650;

/** Digits alone: an empty parameter must not count as 0, and clean everything. */
export const OlderThanDaysV1 = z
  .string()
  .regex(/^\d{1,4}$/, `Must be a whole number of days, from 0 to ${DAYS_MAX}.`)
  .transform(Number)
  .refine((days) => days <= DAYS_MAX, { error: `Must be at most ${DAYS_MAX}.` })
  .default(CLEAN_OLDER_THAN_DAYS_DEFAULT)
  .openapi({ type: "integer", description: "Since the end of the task.", example: CLEAN_OLDER_THAN_DAYS_DEFAULT });

export const CleanedTasksV1 = z
  .object({
    cleaned: z.number().int().openapi({
      description: "Tasks that this call removed; with `dry_run` all that could be.",
      example: 12,
    }),
    dry_run: z.boolean().openapi({ example: false }),
  })
  .openapi("CleanedTasksV1");
