import { z } from "zod";
import { within } from "../../domain/basics/time-limit";
import type { DeliveryBells } from "../../services/ports/ports";
import { RING_WITHIN_MS } from "./task-bells";

const BELL_VERSION = 1;

/** A message of the queue of deliveries: an id and nothing else, as those of tasks. */
export const DeliveryBell = z.object({ v: z.literal(BELL_VERSION), delivery_id: z.string().max(64) });
type DeliveryBell = z.infer<typeof DeliveryBell>;

export function queueDeliveryBells(queue: Queue): DeliveryBells {
  return {
    ring: async (deliveryIds, delaySeconds) => {
      const rings = deliveryIds.map((delivery_id) => ({
        body: { v: BELL_VERSION, delivery_id } satisfies DeliveryBell,
      }));
      await within(RING_WITHIN_MS, queue.sendBatch(rings, { delaySeconds }));
    },
  };
}
