import { z } from "@hono/zod-openapi";
import type { Delivery } from "../../domain/tasks/task-end";
import { listV1, TimestampV1, toTimestamp, toTimestampOrNull } from "./common.dto";
import { DeliveryStateV1, WEBHOOK_ID_EXAMPLE, WebhookEventV1 } from "./webhooks.dto";

export const DELIVERY_ID_EXAMPLE = "delivery_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e_1";

export const DeliveryV1 = z
  .object({
    delivery_id: z.string().openapi({ description: "Sent as `webhook-id`.", example: DELIVERY_ID_EXAMPLE }),
    webhook_id: z.string().openapi({ example: WEBHOOK_ID_EXAMPLE }),
    task_id: z.string().openapi({ example: "task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e" }),
    run: z.number().int().openapi({ description: "Of the task.", example: 1 }),
    event: WebhookEventV1.openapi({ example: "complete" }),
    state: DeliveryStateV1.openapi({
      description: "`dropped`: the webhook was disabled or deleted before it was delivered.",
      example: "delivered",
    }),
    attempts: z.number().int().openapi({ description: "So far, or since it was redelivered.", example: 1 }),
    next_attempt_at: TimestampV1.nullable().openapi({ example: null }),
    log: z
      .array(
        z.object({
          at: TimestampV1,
          duration_ms: z.number().int().nullable().openapi({ example: 84 }),
          status: z.number().int().nullable().openapi({ description: "What the server answered.", example: 204 }),
          error: z.string().nullable().openapi({ description: "Why it did not succeed.", example: null }),
        }),
      )
      .openapi({ description: "The last 20 attempts, the oldest first." }),
    created_at: TimestampV1,
    ended_at: TimestampV1.nullable(),
  })
  .openapi("DeliveryV1");

export const DeliveryListV1 = listV1(DeliveryV1, "DeliveryListV1");

export function toDeliveryV1(delivery: Delivery): z.infer<typeof DeliveryV1> {
  return {
    delivery_id: delivery.id,
    webhook_id: delivery.webhookId,
    task_id: delivery.taskId,
    run: delivery.run,
    event: delivery.event,
    state: delivery.state,
    attempts: delivery.attempts,
    next_attempt_at: toTimestampOrNull(delivery.nextAttemptAtMs),
    log: delivery.log.map(({ atMs, durationMs, status, error }) => ({
      at: toTimestamp(atMs),
      duration_ms: durationMs,
      status,
      error,
    })),
    created_at: toTimestamp(delivery.createdAtMs),
    ended_at: toTimestampOrNull(delivery.endedAtMs),
  };
}
