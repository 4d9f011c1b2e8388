const MINUTE_MS = 60_000;
/** How much of a minute's amount may come at once. */
const BURST_SHARE = 1 / 12;

/**
 * An amount a minute, strictly: in no span of 60 s is more taken than `perMinute` (that of one taking apart, which may pass
 * what there is; then nothing is taken until that is made up for). What may come at once and what comes in a minute are
 * together no more than the amount.
 */
export class RateBucket {
  readonly #capacity: number;
  readonly #perMs: number;
  #level: number;
  #atMs: number;

  constructor(perMinute: number, nowMs: number) {
    this.#capacity = Math.max(1, Math.floor(perMinute * BURST_SHARE));
    this.#perMs = (perMinute - this.#capacity) / MINUTE_MS;
    this.#level = this.#capacity;
    this.#atMs = nowMs;
  }

  /** What may be taken now. */
  available(nowMs: number): number {
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#level = Math.min(this.#capacity, this.#level + passedMs * this.#perMs);
    this.#atMs = Math.max(this.#atMs, nowMs);
    return Math.max(0, this.#level);
  }

  take(amount: number): void {
    this.#level -= amount;
  }

  /** What was taken and not used. */
  giveBack(amount: number): void {
    this.#level = Math.min(this.#capacity, this.#level + amount);
  }

  /** How long until so much may be taken; no more than it holds is waited for. */
  msUntil(amount: number, nowMs: number): number {
    this.available(nowMs);
    const missing = Math.min(amount, this.#capacity) - this.#level;
    // One more, for what a sum of fractions may lack.
    return missing <= 0 ? 0 : Math.ceil(missing / this.#perMs) + 1;
  }
}
