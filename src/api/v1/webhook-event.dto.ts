import type { TaskEnd } from "../../domain/tasks/task-end";
import { z } from "@hono/zod-openapi";
import { TimestampV1, toTimestamp } from "./common.dto";
import { OperationV1, TaskErrorV1, TaskStatusV1 } from "./task.dto";
import { ResultV1, toResultV1 } from "./task-result.dto";

const TASK_ID_EXAMPLE = "task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e";
const count = (description: string, example: number) => z.number().int().openapi({ description, example });

/**
 * The message of a webhook: CloudEvents 1.0, in JSON. Its `id` and `source` are the same in every attempt.
 * Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
 */
export const WebhookMessageV1 = z
  .object({
    specversion: z.literal("1.0"),
    id: z.string().openapi({
      description: "As the header `webhook-id`: one for each end of each run, however often it is sent.",
      example: "delivery_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e_1",
    }),
    source: z.string().openapi({ example: "/v1/checkmate/tasks" }),
    type: z.string().openapi({ description: "`refrain.task.` and the status.", example: "refrain.task.complete" }),
    subject: z.string().openapi({ description: "The task.", example: TASK_ID_EXAMPLE }),
    time: TimestampV1.openapi({ description: "When the task ended." }),
    datacontenttype: z.literal("application/json"),
    data: z.object({
      task_id: z.string().openapi({ example: TASK_ID_EXAMPLE }),
      request_id: z.string().openapi({ example: "5a1f7c1e-8f5e-4a5f-9f43-0c9f6ff0b7d1" }),
      operation: OperationV1.nullable(),
      status: TaskStatusV1,
      run: count("1, and one more for each invoke.", 1),
      progress: z.object({
        done: count("Memories that ended well, or lines of a file that were taken.", 419),
        failed: count("Memories that failed, or lines that were refused.", 0),
        total: z.number().int().nullable().openapi({ example: 419 }),
      }),
      result: ResultV1.nullable().openapi({ description: "As that of the task." }),
      error: TaskErrorV1,
    }),
  })
  .openapi("WebhookMessageV1", { description: "What a webhook is sent." });

export function toWebhookMessageV1(deliveryId: string, end: TaskEnd): z.infer<typeof WebhookMessageV1> {
  const { taskId, operation, status, result } = end;
  return {
    specversion: "1.0",
    id: deliveryId,
    source: "/v1/checkmate/tasks",
    type: `refrain.task.${status}`,
    subject: taskId,
    time: toTimestamp(end.endedAtMs),
    datacontenttype: "application/json",
    data: {
      task_id: taskId,
      request_id: end.requestId,
      operation,
      status,
      run: end.run,
      progress: { ...end.progress },
      result: result && toResultV1(result),
      error: end.error,
    },
  };
}
