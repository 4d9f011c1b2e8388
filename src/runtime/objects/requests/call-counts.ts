/** Calls of a request id that found it used. */
interface Counted {
  replays: number;
  mismatches: number;
}

/** They are written so long after the last of them, and no later than so long after the first. */
const AFTER_LAST_MS = 1_000;
const AFTER_FIRST_MS = 5_000;

/**
 * Adds up replays and mismatches in memory, and writes those of all request ids in one statement. A crash may lose the
 * last of them: nothing but the figures of the look-up depends on them.
 */
export class CallCounts {
  #counts = new Map<string, Counted>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #firstAtMs = 0;

  readonly #write: (counts: readonly (Counted & { readonly id: string })[]) => Promise<void>;

  /** @param write one statement, however many they are. Must not reject. */
  constructor(write: (counts: readonly (Counted & { readonly id: string })[]) => Promise<void>) {
    this.#write = write;
  }

  add(id: string, kind: keyof Counted): void {
    const nowMs = Date.now();
    if (this.#counts.size === 0) this.#firstAtMs = nowMs;
    const counted = this.#counts.get(id) ?? { replays: 0, mismatches: 0 };
    counted[kind] += 1;
    this.#counts.set(id, counted);
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#flush(), Math.min(AFTER_LAST_MS, this.#firstAtMs + AFTER_FIRST_MS - nowMs));
  }

  #flush(): void {
    const counts = [...this.#counts].map(([id, counted]) => ({ id, ...counted }));
    this.#counts = new Map();
    void this.#write(counts);
  }
}
