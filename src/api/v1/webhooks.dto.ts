import { z } from "@hono/zod-openapi";
import type { DeliveryState, TaskWebhook, Webhook, WebhookEvent, WebhookWish } from "../../domain/tasks/task-end";
import { WEBHOOK_URL_CHARACTERS_MAX } from "../../services/webhooks/webhook-address";
import type { WebhookSecret } from "../../services/webhooks/webhooks";
import { DescriptionV1, listV1, TimestampV1, toTimestamp, toTimestampOrNull, withoutUndefined } from "./common.dto";

const EVENTS = { complete: "complete", error: "error", canceled: "canceled" } as const satisfies Record<
  WebhookEvent,
  WebhookEvent
>;
const STATES = {
  pending: "pending",
  delivered: "delivered",
  failed: "failed",
  dropped: "dropped",
} as const satisfies Record<DeliveryState, DeliveryState>;

const URL_EXAMPLE = "https://hooks.example.com/refrain";
export const WEBHOOK_ID_EXAMPLE = "webhook_2b7d4f6a8c0e8d1b9f3a5c7e9d1b3f5a";

export const WebhookEventV1 = z.enum(EVENTS);
export const DeliveryStateV1 = z.enum(STATES);
const WebhookUrlV1 = z.string().max(WEBHOOK_URL_CHARACTERS_MAX).openapi({
  description: "An https address of the public internet, without a port.",
  example: URL_EXAMPLE,
});
const WebhookDescriptionV1 = DescriptionV1.openapi({ description: "For people.", example: "the archive's inbox" });

/** Who wants to hear of the end of a task. */
export const WebhookWishV1 = z
  .strictObject({
    url: WebhookUrlV1,
    events: z
      .array(WebhookEventV1)
      .min(1)
      .max(Object.keys(EVENTS).length)
      .optional()
      .openapi({ description: "The ends to hear of. Default: all.", example: ["complete", "error"] }),
  })
  .openapi("WebhookWishV1");

export function toWebhookWish(given: z.output<typeof WebhookWishV1> | null | undefined): WebhookWish | null {
  if (given === null || given === undefined) return null;
  return { url: given.url, events: given.events ?? Object.values(EVENTS) };
}

/** The same in the view of a task. */
export const TaskWebhookV1 = z
  .object({ webhook_id: z.string(), events: z.array(WebhookEventV1) })
  .nullable()
  .openapi({ description: "Who is told of its end.", example: null });

export function toTaskWebhookV1(webhook: TaskWebhook | null): z.infer<typeof TaskWebhookV1> {
  return webhook && { webhook_id: webhook.id, events: [...webhook.events] };
}

export const WebhookCreateV1 = z
  .strictObject({ url: WebhookUrlV1, description: WebhookDescriptionV1.optional() })
  .openapi("WebhookCreateV1");

export function toWebhookDraft({ url, description = null }: z.output<typeof WebhookCreateV1>) {
  return { url, description };
}

export const WebhookUpdateV1 = z
  .strictObject({
    description: WebhookDescriptionV1.optional(),
    enabled: z
      .boolean()
      .optional()
      .openapi({ description: "While it is not, nothing is sent, and ends are not kept for it.", example: true }),
  })
  .openapi("WebhookUpdateV1");

export function toWebhookPatch(given: z.output<typeof WebhookUpdateV1>) {
  return withoutUndefined({ description: given.description, enabled: given.enabled });
}

export const WebhookV1 = z
  .object({
    webhook_id: z.string().openapi({ example: WEBHOOK_ID_EXAMPLE }),
    url: z.string().openapi({ example: URL_EXAMPLE }),
    description: WebhookDescriptionV1,
    enabled: z.boolean().openapi({ example: true }),
    disabled_reason: z
      .enum({ gone: "gone" })
      .nullable()
      .openapi({ description: "`gone`: its server answered 410.", example: null }),
    created_at: TimestampV1,
    updated_at: TimestampV1,
  })
  .openapi("WebhookV1");

export const WebhookListV1 = listV1(WebhookV1, "WebhookListV1");

export function toWebhookV1(webhook: Webhook): z.infer<typeof WebhookV1> {
  return {
    webhook_id: webhook.id,
    url: webhook.url,
    description: webhook.description,
    enabled: webhook.enabled,
    disabled_reason: webhook.disabledReason,
    created_at: toTimestamp(webhook.createdAtMs),
    updated_at: toTimestamp(webhook.updatedAtMs),
  };
}

export const WebhookSecretV1 = z
  .object({
    secret: z.string().openapi({
      description: "What messages are signed with. Keep it secret.",
      example: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
    }),
    former_secret_until: TimestampV1.nullable().openapi({
      description: "Until then the secret before it signs too.",
      example: null,
    }),
  })
  .openapi("WebhookSecretV1");

export function toWebhookSecretV1({ secret, formerUntilMs }: WebhookSecret): z.infer<typeof WebhookSecretV1> {
  return { secret, former_secret_until: toTimestampOrNull(formerUntilMs) };
}
