import { z } from "zod";
import { errorText } from "../../domain/basics/error-text";
import { within } from "../../domain/basics/time-limit";
import type { Log } from "../../services/context";
import type { DeliveryBells } from "../../services/ports/ports";
import { RING_WITHIN_MS, type WaitUntil } from "./task-bells";

const BELL_VERSION = 1;
const RINGS_PER_SEND_MAX = 100;

/** A message of the queue of deliveries: an id and nothing else, as those of tasks. */
export const DeliveryBell = z.object({ v: z.literal(BELL_VERSION), delivery_id: z.string().max(64) });
type DeliveryBell = z.infer<typeof DeliveryBell>;

export function queueDeliveryBells(queue: Queue): DeliveryBells {
  return {
    ring: async (deliveryIds, delaySeconds) => {
      const rings = deliveryIds.map((delivery_id) => ({
        body: { v: BELL_VERSION, delivery_id } satisfies DeliveryBell,
      }));
      for (let i = 0; i < rings.length; i += RINGS_PER_SEND_MAX) {
        const send = queue.sendBatch(rings.slice(i, i + RINGS_PER_SEND_MAX), { delaySeconds });
        await within(RING_WITHIN_MS, send);
      }
    },
  };
}

/** As `afterAnswer` of the bells of tasks. */
export function deliveriesAfterAnswer(bells: DeliveryBells, waitUntil: WaitUntil, log: Log): DeliveryBells {
  return {
    ring: async (deliveryIds, delaySeconds) => {
      const lost = (error: unknown): void =>
        log("warn", "delivery-bell-lost", { count: deliveryIds.length, error: errorText(error) });
      waitUntil(bells.ring(deliveryIds, delaySeconds).catch(lost));
    },
  };
}
