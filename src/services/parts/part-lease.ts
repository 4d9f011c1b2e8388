import type { ClaimedPart } from "../../data/parts/part-store";
import type { LeasedPart } from "../../data/parts/part-sql";
import { CallLedger } from "../../domain/tasks/budget";
import type { RunServices } from "./part-work";

/**
 * A part under a living lease. The keeper of its invocation extends it while work goes on; once it is lost, `signal` aborts,
 * and whatever is still written changes nothing, because every write carries the token.
 */
export class PartLease {
  /** What its calls may use, and used. */
  readonly calls: CallLedger;
  readonly part: LeasedPart;
  /** Runs of the part in a row without a checkpoint, this one counted. */
  readonly attempts: number;
  readonly #lost = new AbortController();
  /** By the clock of this invocation, reckoned from before the lease was written: D1 lets it lapse no sooner. */
  #standsUntilMs: number;

  constructor(
    private readonly services: RunServices,
    part: LeasedPart,
    claimed: ClaimedPart,
    standsUntilMs: number,
  ) {
    const calls = new CallLedger(claimed);
    this.calls = calls;
    this.part = {
      ...part,
      get extras() {
        return calls.extras;
      },
    };
    this.attempts = claimed.attempts;
    this.#standsUntilMs = standsUntilMs;
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  get lost(): boolean {
    return this.#lost.signal.aborted;
  }

  /** Keeps it for `longestMs` at most: work that hangs must not keep its part for ever. */
  start(longestMs: number): void {
    this.services.leases.keep(this, longestMs);
  }

  stop(): void {
    this.services.leases.release(this);
  }

  /** Until when a lease stands that is written from now on: it is written later, so it ends no sooner. */
  untilMs(): number {
    return this.services.clock.nowMs() + this.services.limits.leaseSeconds * 1_000;
  }

  extended(untilMs: number): void {
    this.#forfeitIfLapsed();
    this.#standsUntilMs = Math.max(this.#standsUntilMs, untilMs);
  }

  /** Takes a call of the task's budget. @returns false when none may be begun now. */
  takeCall(): boolean {
    this.#forfeitIfLapsed();
    return this.calls.take();
  }

  /** What a lapsed lease had reserved others may have by now, and its being extended later does not bring it back. */
  #forfeitIfLapsed(): void {
    if (this.services.clock.nowMs() >= this.#standsUntilMs) this.calls.forfeit();
  }

  lose(): void {
    this.stop();
    this.#lost.abort(new LeaseLost());
  }
}

/** Thrown out of work whose lease is gone: somebody else has the part, or the task has ended. */
export class LeaseLost extends Error {
  constructor() {
    super("The lease of this part is lost.");
    this.name = "LeaseLost";
  }
}
