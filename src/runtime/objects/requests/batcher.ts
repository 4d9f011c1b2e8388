import { CREATIONS_WAITING_MAX } from "../../config/limits";

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (value: R) => void;
  readonly reject: (error: unknown) => void;
}

/** Keys of one batch; many calls may be about the same one. */
const KEYS_PER_BATCH_MAX = 100;
/** A batch that takes longer no longer holds up the next: whatever hangs, hangs for itself. */
const NEXT_AFTER_MS = 250;
const TURN_MS = 1;
/** So many turns a batch waits for callers that come again; and no longer, when so many in a row brought nobody. */
const TURNS_MAX = 16;
const QUIET_TURNS = 2;

/** So many wait already that this one is refused at once, rather than after its caller's time. */
export class TooManyWaiting extends Error {
  constructor() {
    super(`${CREATIONS_WAITING_MAX} calls wait already.`);
    this.name = "TooManyWaiting";
  }
}

/**
 * Does together what comes together: while one batch is at work, what comes gathers for the next. A call that comes alone
 * is served alone and at once. No two batches are about the same key at one time: what comes for a key that is at work waits
 * until that is done, and joins nothing that has begun.
 */
export class Batcher<T, R> {
  #waiting: Waiting<T, R>[] = [];
  readonly #atWork = new Set<string>();
  #running = false;
  /** When so many wait, all are back who are waited for: told at once, because a timer comes a millisecond late or two. */
  #expected = Infinity;
  #everyoneIsBack: () => void = () => undefined;
  readonly #keyOf: (item: T) => string;
  readonly #work: (items: readonly T[]) => Promise<readonly R[]>;

  /**
   * @param keyOf what an item is about: those that are about the same go in one batch, however many they are.
   * @param work answers for each item in its place; when it throws, all of the batch fail.
   */
  constructor(keyOf: (item: T) => string, work: (items: readonly T[]) => Promise<readonly R[]>) {
    this.#keyOf = keyOf;
    this.#work = work;
  }

  /** @throws TooManyWaiting @throws whatever the work throws. */
  add(item: T): Promise<R> {
    if (this.#waiting.length >= CREATIONS_WAITING_MAX) return Promise.reject(new TooManyWaiting());
    return new Promise<R>((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#running) void this.#run();
      else if (this.#waiting.length === this.#expected) this.#everyoneIsBack();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Calls that come in the same turn come together.
    await Promise.resolve();
    for (let batch = this.#takeBatch(); batch.length > 0; batch = this.#takeBatch()) {
      await settledOr(NEXT_AFTER_MS, this.#serve(batch));
      if (batch.length > 1) await this.#gather(batch.length);
    }
    this.#running = false;
  }

  /** What waits for keys that are not at work, the first come first. */
  #takeBatch(): readonly Waiting<T, R>[] {
    const [keys, batch, left] = [new Set<string>(), [] as Waiting<T, R>[], [] as Waiting<T, R>[]];
    for (const one of this.#waiting) {
      const key = this.#keyOf(one.item);
      if (keys.size < KEYS_PER_BATCH_MAX && !this.#atWork.has(key)) keys.add(key);
      (keys.has(key) ? batch : left).push(one);
    }
    this.#waiting = left;
    for (const key of keys) this.#atWork.add(key);
    return batch;
  }

  /**
   * Callers that were just served, and those who stand behind them, come again at once. With the next batch begun before
   * that they would miss it, and batches would stay as small as they began.
   */
  async #gather(expected: number): Promise<void> {
    const back = new Promise<void>((resolve) => (this.#everyoneIsBack = resolve));
    this.#expected = expected;
    let quiet = 0;
    for (let turn = 0; turn < TURNS_MAX && quiet < QUIET_TURNS && this.#waiting.length < expected; turn++) {
      const before = this.#waiting.length;
      await settledOr(TURN_MS, back);
      quiet = this.#waiting.length > before ? 0 : quiet + 1;
    }
    this.#expected = Infinity;
  }

  async #serve(batch: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const answers = await this.#work(batch.map(({ item }) => item));
      batch.forEach(({ resolve, reject }, index) => {
        const answer = answers[index];
        if (answer === undefined) reject(new Error("A call of a batch got no answer."));
        else resolve(answer);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      for (const { item } of batch) this.#atWork.delete(this.#keyOf(item));
      // What came for one of these keys while the loop had ended has nobody else to begin it.
      if (!this.#running && this.#waiting.length > 0) void this.#run();
    }
  }
}

async function settledOr(limitMs: number, work: Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, limitMs);
    void work.finally(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
