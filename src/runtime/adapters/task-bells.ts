import { z } from "zod";
import { errorText } from "../../domain/basics/error-text";
import { within } from "../../domain/basics/time-limit";
import type { Log } from "../../services/context";
import type { TaskBells } from "../../services/ports/ports";

const BELL_VERSION = 1;
const RINGS_PER_SEND_MAX = 100;
/** The queue has no limit of its own: a send that hangs would hold up an object, or a consumer with its lease. */
export const RING_WITHIN_MS = 3_000;

/** A message of the queue: an id and nothing else. The consumer reads what is to be done in D1. */
export const Bell = z.object({ v: z.literal(BELL_VERSION), task_id: z.string().max(64) });
export type Bell = z.infer<typeof Bell>;

export function queueBells(queue: Queue): TaskBells {
  return {
    ring: async (taskId, { times, delaySeconds }) => {
      const bell: Bell = { v: BELL_VERSION, task_id: taskId };
      const rings = Array.from({ length: Math.min(times, RINGS_PER_SEND_MAX) }, () => ({ body: bell }));
      if (rings.length > 0) await within(RING_WITHIN_MS, queue.sendBatch(rings, { delaySeconds }));
    },
    ringOnce: async (taskIds) => {
      const rings = taskIds.map((task_id) => ({ body: { v: BELL_VERSION, task_id } satisfies Bell }));
      await within(RING_WITHIN_MS, queue.sendBatch(rings));
    },
  };
}

/** Keeps a call alive until the work is done, which its answer does not wait for. The work must not reject. */
export type WaitUntil = (work: Promise<unknown>) => void;

/** Bells that start each ring and return at once. They never throw: a ring that fails is logged. */
export function afterAnswer(bells: TaskBells, waitUntil: WaitUntil, log: Log): TaskBells {
  const start = (ring: Promise<void>, about: object): void =>
    waitUntil(ring.catch((error: unknown) => log("warn", "bell-not-rung", { ...about, error: errorText(error) })));
  return {
    ring: async (taskId, options) => start(bells.ring(taskId, options), { task_id: taskId }),
    ringOnce: async (taskIds) => start(bells.ringOnce(taskIds), { count: taskIds.length }),
  };
}
