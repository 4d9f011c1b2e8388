import { DurableObject } from "cloudflare:workers";
import type { Services } from "../../../services/context";
import { Sweep } from "../../../services/sweeping/sweep";
import { openServices } from "../../composition";

/** Never in the past, and far enough that a loop would be seen. */
const SOONEST_MS = 50;

/**
 * Looks after whatever lies still, every `SWEEP_SECONDS`. There is one of it; a second would do no harm.
 *
 * An alarm that fired is used up, and one whose handler throws is gone for ever after a few tries. So the next is set, and
 * durable, before the work begins, and the work throws nothing. Whatever loses it all the same, the cron and the next
 * isolate that answers a request arm it again.
 */
export class Sweeper extends DurableObject<Env> {
  readonly #services: Services;
  readonly #sweep: Sweep;

  constructor(ctx: DurableObjectState, env: Env, services: Services = openServices(env)) {
    super(ctx, env);
    this.#services = services;
    this.#sweep = new Sweep(services);
  }

  /** Sees to it that a sweep comes within `SWEEP_SECONDS`. May be called at any time. */
  async arm(): Promise<void> {
    const { sweepSeconds } = this.#services.limits;
    if (sweepSeconds === null) return;
    const nextMs = await this.ctx.storage.getAlarm();
    const nowMs = Date.now();
    const isComing = nextMs !== null && nextMs >= nowMs && nextMs <= nowMs + sweepSeconds * 1_000;
    if (!isComing) await this.#setAlarm(SOONEST_MS);
  }

  override async alarm(): Promise<void> {
    const { sweepSeconds } = this.#services.limits;
    if (sweepSeconds === null) return;
    await this.#setAlarm(sweepSeconds * 1_000);
    if (await this.#sweep.take()) await this.#setAlarm(SOONEST_MS);
  }

  async #setAlarm(inMs: number): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + inMs);
    await this.ctx.storage.sync();
  }
}
