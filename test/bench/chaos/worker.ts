import { seededRandom } from "../../../scripts/chaos/random";
import service, { Sweeper as RealSweeper, TaskRequestObject as RequestObject } from "../../../src/worker";

/*
 * The service with a queue that loses some messages and doubles others, for `npm run chaos`. Nothing in the service knows
 * of this: the faults stand around the binding.
 */

// oxlint-disable-next-line import/export -- all other classes of the service; those below stand before theirs
export * from "../../../src/worker";

interface Faults {
  /** Shares of all messages, from 0 to 1. */
  readonly CHAOS_DROPPED?: string;
  readonly CHAOS_DOUBLED?: string;
  /** What the lots are drawn with. */
  readonly CHAOS_SEED?: string;
}

/** A doubled message comes again after so long at most. */
const AGAIN_SECONDS_MAX = 3;

const known = new WeakMap<object, object>();

function withFaults<E extends object>(env: E): E {
  const before = known.get(env) ?? { ...env, TASK_BELLS: faultyQueue(env as E & Env & Faults) };
  known.set(env, before);
  return before as E;
}

function faultyQueue(env: Env & Faults): object {
  const dropped = Number(env.CHAOS_DROPPED ?? 0);
  const doubled = Number(env.CHAOS_DOUBLED ?? 0);
  const random = seededRandom(Number(env.CHAOS_SEED ?? 0));
  const queue = env.TASK_BELLS;
  const sendBatch = async (messages: Iterable<MessageSendRequest>, options?: QueueSendBatchOptions): Promise<void> => {
    const all = [...messages];
    const kept = all.filter(() => random.next() >= dropped);
    const again = kept.filter(() => random.next() < doubled);
    const late = again.map((each) => ({ ...each, delaySeconds: Math.floor(random.next() * (AGAIN_SECONDS_MAX + 1)) }));
    console.log(
      `chaos-bells ${JSON.stringify({ sent: all.length, dropped: all.length - kept.length, doubled: again.length })}`,
    );
    // Who sent them learns nothing of what became of them.
    if (kept.length + late.length > 0) await queue.sendBatch([...kept, ...late], options);
  };
  return {
    send: (body: unknown, options?: QueueSendOptions) => sendBatch([{ body, ...options }]),
    sendBatch,
    metrics: () => queue.metrics(),
  };
}

export class TaskRequestObject extends RequestObject {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, withFaults(env));
  }
}

export class Sweeper extends RealSweeper {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, withFaults(env));
  }
}

export default {
  fetch: (request: Request, env, ctx) => service.fetch(request, withFaults(env), ctx),
  queue: (batch, env) => service.queue(batch, withFaults(env)),
  scheduled: (controller, env) => service.scheduled(controller, withFaults(env)),
} satisfies ExportedHandler<Env>;
