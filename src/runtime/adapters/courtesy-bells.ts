import { errorText } from "../../domain/basics/error-text";
import type { Log, Services } from "../../services/context";
import type { DeliveryBells, TaskBells } from "../../services/ports/ports";

/** Keeps a call alive until the work is done, which its answer does not wait for. The work must not reject. */
export type WaitUntil = (work: Promise<unknown>) => void;

/**
 * The services of a call that a client waits for: no bell is on the way to its answer.
 *
 * That is right because the truth is in D1 before anything rings, and somebody looks there again. What a lost bell costs:
 * - of a new task or run: nine seconds at most. The alarm of its object is armed before the row is written, and rings. The
 *   sweeper does where the object has lost its record.
 * - of a delivery: until the sweeper comes. Its row says when it is due.
 *
 * It is wrong where the outcome decides something. So these keep bells that are awaited:
 * - the outbox of the requests object when the alarm empties it: it marks a bell as rung only when the queue took it.
 * - consumers: a message is acknowledged only when the bell for what is left has been rung; else the queue brings it again.
 * - the sweeper: what it could not ring for stays due.
 */
export function courteous(services: Services, waitUntil: WaitUntil): Services {
  const { bells, webhooks, log } = services;
  return {
    ...services,
    bells: afterAnswer(bells, waitUntil, log),
    webhooks: { ...webhooks, bells: deliveriesAfterAnswer(webhooks.bells, waitUntil, log) },
  };
}

/** Bells that start each ring and return at once. They never throw: a ring that fails is logged. */
export function afterAnswer(bells: TaskBells, waitUntil: WaitUntil, log: Log): TaskBells {
  const start = (ring: Promise<void>, about: object): void =>
    waitUntil(ring.catch((error: unknown) => log("warn", "bell-not-rung", { ...about, error: errorText(error) })));
  return {
    ring: async (taskId, options) => start(bells.ring(taskId, options), { task_id: taskId }),
    ringOnce: async (taskIds) => start(bells.ringOnce(taskIds), { count: taskIds.length }),
  };
}

/** As {@link afterAnswer}, for deliveries. */
export function deliveriesAfterAnswer(bells: DeliveryBells, waitUntil: WaitUntil, log: Log): DeliveryBells {
  return {
    ring: async (deliveryIds, delaySeconds) => {
      const lost = (error: unknown): void =>
        log("warn", "delivery-bell-lost", { count: deliveryIds.length, error: errorText(error) });
      waitUntil(bells.ring(deliveryIds, delaySeconds).catch(lost));
    },
  };
}
