import { DurableObject } from "cloudflare:workers";
import { errorText } from "../../../domain/basics/error-text";
import type { Services } from "../../../services/context";
import { sweep } from "../../../services/sweeping/sweep";
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

  constructor(ctx: DurableObjectState, env: Env, services: Services = openServices(env)) {
    super(ctx, env);
    this.#services = services;
  }

  /** Sees to it that a sweep comes, soon where none was to come. May be called at any time. */
  async arm(): Promise<void> {
    if (this.#services.limits.sweepSeconds === null) return;
    const nextMs = await this.ctx.storage.getAlarm();
    if (nextMs === null || nextMs < Date.now()) await this.#setAlarm(SOONEST_MS);
  }

  override async alarm(): Promise<void> {
    const { limits, log } = this.#services;
    if (limits.sweepSeconds === null) return;
    await this.#setAlarm(limits.sweepSeconds * 1_000);
    try {
      if (await sweep(this.#services)) await this.#setAlarm(SOONEST_MS);
    } catch (error) {
      log("error", "sweep-failed", { error: errorText(error) });
    }
  }

  async #setAlarm(inMs: number): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + inMs);
    await this.ctx.storage.sync();
  }
}
