import { errorText } from "../domain/error-text";
import * as parts from "../data/task-part-store";
import type { LeasedPart } from "../data/task-part-sql";
import type { Services } from "./context";

/**
 * A part under a living lease. Heartbeats extend it while work goes on; once it is lost, `signal` aborts, and whatever
 * is still written changes nothing, because every write carries the token.
 */
export class PartLease {
  readonly #lost = new AbortController();
  #timer: ReturnType<typeof setInterval> | undefined;
  #endsAtMs = 0;

  constructor(
    private readonly services: Services,
    readonly part: LeasedPart,
    /** Runs of the part in a row without a checkpoint, this one counted. */
    readonly attempts: number,
  ) {}

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  get lost(): boolean {
    return this.#lost.signal.aborted;
  }

  /** Beats for `longestMs` at most: work that hangs must not keep its part for ever. */
  start(longestMs: number): void {
    this.#endsAtMs = this.services.clock.nowMs() + longestMs;
    this.#timer = setInterval(() => void this.#beat(), this.services.limits.heartbeatSeconds * 1_000);
  }

  stop(): void {
    clearInterval(this.#timer ?? null);
  }

  /** When a lease that is written now ends. */
  expiresAtMs(): number {
    return this.services.clock.nowMs() + this.services.limits.leaseSeconds * 1_000;
  }

  lose(): void {
    this.stop();
    this.#lost.abort(new LeaseLost());
  }

  async #beat(): Promise<void> {
    if (this.services.clock.nowMs() > this.#endsAtMs) return this.lose();
    try {
      if (!(await parts.extendLease(this.services.db, this.part, this.expiresAtMs()))) this.lose();
    } catch (error) {
      // The database may answer the next beat; if it does not, the lease lapses and another takes the part.
      this.services.log("warn", "heartbeat-failed", { task_id: this.part.taskId, error: errorText(error) });
    }
  }
}

/** Thrown out of work whose lease is gone: somebody else has the part, or the task has ended. */
export class LeaseLost extends Error {
  constructor() {
    super("The lease of this part is lost.");
    this.name = "LeaseLost";
  }
}
