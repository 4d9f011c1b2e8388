import { CREATIONS_WAITING_MAX } from "../../config/limits";

/** What became of one item of a group. */
export type Gathered<R> = { readonly ok: true; readonly value: R } | { readonly ok: false; readonly error: unknown };

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (value: R) => void;
  readonly reject: (error: unknown) => void;
}

/** Things that one group is about; many calls may be about the same one. */
const GROUP_MAX = 100;
/** A group that takes longer no longer holds up the next: whatever hangs, hangs for itself. */
const NEXT_AFTER_MS = 250;
const TURN_MS = 1;
/** So many turns a group waits for who comes again; and no longer, when so many in a row brought nobody. */
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
 * Does together what comes together: while one group is at work, what comes gathers for the next. Who comes alone is
 * served alone and at once, so one request an object pays nothing for it.
 */
export class Gatherer<T, R> {
  #waiting: Waiting<T, R>[] = [];
  #running = false;
  /** When so many wait, all came who are waited for: told at once, because a timer comes a millisecond late or two. */
  #expected = Infinity;
  #allCame: () => void = () => undefined;
  readonly #keyOf: (item: T) => string;
  readonly #work: (items: readonly T[]) => Promise<readonly Gathered<R>[]>;

  /**
   * @param keyOf what an item is about: those that are about the same go in one group, however many they are.
   * @param work answers for each item in its place; when it throws, all of the group fail.
   */
  constructor(keyOf: (item: T) => string, work: (items: readonly T[]) => Promise<readonly Gathered<R>[]>) {
    this.#keyOf = keyOf;
    this.#work = work;
  }

  /** @throws TooManyWaiting @throws whatever the work said of this item. */
  add(item: T): Promise<R> {
    if (this.#waiting.length >= CREATIONS_WAITING_MAX) return Promise.reject(new TooManyWaiting());
    return new Promise<R>((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#running) void this.#run();
      else if (this.#waiting.length === this.#expected) this.#allCame();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Who comes in the same turn comes together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup();
      await settledOr(NEXT_AFTER_MS, this.#serve(group));
      if (group.length > 1) await this.#gather(group.length);
    }
    this.#running = false;
  }

  #takeGroup(): readonly Waiting<T, R>[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length <= GROUP_MAX) return waiting;
    const keys = new Set<string>();
    const group: Waiting<T, R>[] = [];
    for (const one of waiting) {
      const key = this.#keyOf(one.item);
      if (keys.size < GROUP_MAX) keys.add(key);
      (keys.has(key) ? group : this.#waiting).push(one);
    }
    return group;
  }

  /**
   * Who was just served, and who stands behind them, come again at once. With the next group begun before that they
   * would miss it, and groups would stay as small as they began.
   */
  async #gather(expected: number): Promise<void> {
    const allCame = new Promise<void>((resolve) => (this.#allCame = resolve));
    this.#expected = expected;
    let quiet = 0;
    for (let turn = 0; turn < TURNS_MAX && quiet < QUIET_TURNS && this.#waiting.length < expected; turn++) {
      const before = this.#waiting.length;
      await settledOr(TURN_MS, allCame);
      quiet = this.#waiting.length > before ? 0 : quiet + 1;
    }
    this.#expected = Infinity;
  }

  async #serve(group: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const answers = await this.#work(group.map(({ item }) => item));
      group.forEach(({ resolve, reject }, index) => {
        const answer = answers[index];
        if (answer?.ok) resolve(answer.value);
        else reject(answer?.error ?? new Error("A gathered item got no answer."));
      });
    } catch (error) {
      for (const { reject } of group) reject(error);
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
