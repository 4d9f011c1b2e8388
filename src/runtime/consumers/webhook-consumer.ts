import pLimit from "p-limit";
import { errorText } from "../../domain/basics/error-text";
import type { Services } from "../../services/context";
import { deliver, type EndFormat } from "../../services/webhooks/deliver";
import { consumeBells } from "./task-consumer";
import { DeliveryBell } from "../adapters/webhook-bells";

const FAILED_BELL_DELAY_SECONDS = 10;
/** 2 s, 4 s, 8 s …: soon for an endpoint that is quick, and not too often for one that is slow. */
const BUSY_DELAY_SECONDS_MAX = 60;
/** A Worker holds six connections open at once. */
const ATTEMPTS_AT_ONCE = 6;

/**
 * Answers a batch of either queue. Deliveries have a queue of their own, because an endpoint may take its time, and no
 * task should wait for it.
 */
export async function consumeQueues(services: Services, format: EndFormat, batch: MessageBatch): Promise<void> {
  if (!batch.messages.some(({ body }) => DeliveryBell.safeParse(body).success)) return consumeBells(services, batch);
  const slot = pLimit(ATTEMPTS_AT_ONCE);
  await Promise.all(batch.messages.map((message) => slot(() => consume(services, format, message))));
}

async function consume(services: Services, format: EndFormat, message: Message): Promise<void> {
  const bell = DeliveryBell.safeParse(message.body);
  if (!bell.success) {
    // Not ours, or of another version. The sweeper rings again in the words of this one.
    services.log("error", "bell-unreadable", { message_id: message.id });
    message.ack();
    return;
  }
  try {
    const verdict = await deliver(services, format, bell.data.delivery_id);
    if (verdict === "busy") message.retry({ delaySeconds: Math.min(2 ** message.attempts, BUSY_DELAY_SECONDS_MAX) });
    else message.ack();
  } catch (error) {
    services.log("error", "delivery-failed", { delivery_id: bell.data.delivery_id, error: errorText(error) });
    message.retry({ delaySeconds: FAILED_BELL_DELAY_SECONDS });
  }
}
