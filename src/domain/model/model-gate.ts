import { type Claim, fairShares } from "./fair-shares";
import { RateBucket } from "./rate-bucket";

/** So often a holder tells that its calls are still open; also what the news of others takes at most. */
export const GATE_RENEW_MS = 2_000;
/** After so long without a word, a holder's slots are free: it has died. */
export const GATE_PERMIT_MS = 10_000;
/** When to ask again for what somebody else is about to give up. */
export const GATE_SOON_MS = 250;
/** A 429 within so long after the last change is news of the same fault: its call was begun before. */
const THROTTLE_WINDOW_MS = 2_000;
/** Calls that a slot may begin between two words, of an allowance that is counted. */
const CALLS_AHEAD = 16;

export interface GateLimits {
  /** Calls that may be open at once. */
  readonly concurrency: number;
  /** Null: no limit. */
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
}

/** What a holder, one invocation of a consumer, says of itself. */
export interface GateReport {
  readonly holderId: string;
  readonly demands: readonly GateDemand[];
  /** Estimated tokens of a call that waits, on average. */
  readonly tokensPerCall: number;
  /** Since its last word: calls that were answered; what it was allowed and has not used; what it used besides. */
  readonly answered: number;
  readonly unused: Allowance;
  /** Set when the model asked for a rest since then: how long it is to be left alone. */
  readonly throttled: { readonly restMs: number } | null;
}

export interface GateDemand {
  readonly namespaceId: string;
  /** Calls that are open, and those that it begins before it has heard the answer. */
  readonly kept: number;
  /** Slots that it could use, the kept ones counted. */
  readonly wanted: number;
}

/** Negative where more was used than was estimated. */
export interface Allowance {
  readonly requests: number;
  readonly tokens: number;
}

export interface GateAnswer {
  /** By namespace: how many calls may be open, until the next word or GATE_PERMIT_MS. */
  readonly slots: readonly { readonly namespaceId: string; readonly slots: number }[];
  /** What may be begun until then; null: as much as one likes. */
  readonly requests: number | null;
  readonly tokens: number | null;
  /** No call is to be begun for so long. */
  readonly restMs: number;
  readonly askAgainMs: number;
}

/** What outlives the gate's memory. */
export interface GateRecord {
  /** What is left of the concurrency after it was throttled; null: all. */
  readonly limit: number | null;
  readonly restUntilMs: number;
  /** Whether somebody held slots. */
  readonly busy: boolean;
}

interface Holding {
  readonly namespaceId: string;
  readonly holderId: string;
  wanted: number;
  /** Calls that are open, or may be begun without asking. */
  held: number;
  /** Slot-milliseconds, among the holders of its namespace. */
  served: number;
}

/**
 * The gate of one model: how many calls each invocation may hold open, and begin. Slots are shared out in turns between
 * namespaces first, between invocations then; nothing is taken from anybody, but who has more than its share gets less at
 * its next word. Pure: time comes in, nothing goes out.
 */
export class ModelGate {
  readonly #limits: GateLimits;
  readonly #requests: RateBucket | null;
  readonly #tokens: RateBucket | null;
  /** By holder. */
  readonly #holdings = new Map<string, Holding[]>();
  readonly #lastWordMs = new Map<string, number>();
  /** What each holder was allowed for a slot, where calls or tokens a minute are counted. */
  readonly #allowed = new Map<string, number>();
  /** Slot-milliseconds of each namespace that is there. */
  readonly #served = new Map<string, number>();
  readonly #quietUntilMs: number;
  #limit: number;
  #restUntilMs: number;
  #throttledAtMs = Number.NEGATIVE_INFINITY;
  #accountedAtMs: number;

  /** @param known what it wrote down before it lost its memory. Those who held slots then have to tell first. */
  constructor(limits: GateLimits, known: GateRecord | undefined, nowMs: number) {
    this.#limits = limits;
    this.#limit = Math.min(limits.concurrency, known?.limit ?? limits.concurrency);
    this.#restUntilMs = known?.restUntilMs ?? 0;
    this.#quietUntilMs = known?.busy ? nowMs + GATE_RENEW_MS : 0;
    this.#accountedAtMs = nowMs;
    this.#requests = bucketOf(limits.requestsPerMinute, nowMs);
    this.#tokens = bucketOf(limits.tokensPerMinute, nowMs);
  }

  get record(): GateRecord {
    const limit = this.#limit >= this.#limits.concurrency ? null : Math.floor(this.#limit);
    return { limit, restUntilMs: this.#restUntilMs, busy: this.#holdings.size > 0 };
  }

  answer(report: GateReport, nowMs: number): GateAnswer {
    this.#account(nowMs);
    this.#forgetDead(nowMs);
    this.#learn(report, nowMs);
    const own = this.#noteDemands(report, nowMs);
    const targets = this.#targets(own);
    this.#grant(own, targets, nowMs);
    const restMs = Math.max(0, this.#restUntilMs - nowMs);
    const allowance = this.#allow(report, own, nowMs);
    return {
      slots: own.map((holding) => ({
        namespaceId: holding.namespaceId,
        slots: this.#slotsOf(holding, targets, nowMs),
      })),
      requests: allowance.requests,
      tokens: allowance.tokens,
      restMs,
      askAgainMs: this.#askAgainMs({ own, targets, restMs, waitMs: allowance.waitMs }, nowMs),
    };
  }

  /** Adds up what each has had since the last time. */
  #account(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#accountedAtMs);
    for (const holding of this.#all()) {
      const { namespaceId, held } = holding;
      holding.served += held * passedMs;
      this.#served.set(namespaceId, (this.#served.get(namespaceId) ?? 0) + held * passedMs);
    }
    this.#accountedAtMs = nowMs;
  }

  #forgetDead(nowMs: number): void {
    for (const [holderId, lastWordMs] of this.#lastWordMs) {
      if (nowMs - lastWordMs > GATE_PERMIT_MS) this.#forget(holderId);
    }
  }

  #forget(holderId: string): void {
    this.#holdings.delete(holderId);
    this.#lastWordMs.delete(holderId);
    this.#allowed.delete(holderId);
  }

  #learn({ answered, unused, throttled }: GateReport, nowMs: number): void {
    this.#requests?.giveBack(unused.requests);
    this.#tokens?.giveBack(unused.tokens);
    // One more for each round of answers.
    this.#limit = Math.min(this.#limits.concurrency, this.#limit + answered / this.#limit);
    if (throttled === null) return;
    this.#restUntilMs = Math.max(this.#restUntilMs, nowMs + throttled.restMs);
    if (nowMs - this.#throttledAtMs < THROTTLE_WINDOW_MS) return;
    this.#throttledAtMs = nowMs;
    this.#limit = Math.max(1, Math.floor(this.#limit / 2));
  }

  #noteDemands({ holderId, demands }: GateReport, nowMs: number): readonly Holding[] {
    const before = this.#holdings.get(holderId) ?? [];
    const all = this.#all();
    const own = demands.map(({ namespaceId, kept, wanted }) => {
      const known = before.find((holding) => holding.namespaceId === namespaceId);
      const others = all.filter((holding) => holding.namespaceId === namespaceId).map(({ served }) => served);
      return { namespaceId, holderId, wanted, held: kept, served: known?.served ?? least(others) };
    });
    if (own.length === 0) this.#forget(holderId);
    else {
      this.#holdings.set(holderId, own);
      this.#lastWordMs.set(holderId, nowMs);
    }
    this.#noteNamespaces();
    return own;
  }

  /** Who is new has had as much as the least of those who are there: nobody saves up by staying away. */
  #noteNamespaces(): void {
    const present = new Set(this.#all().map(({ namespaceId }) => namespaceId));
    for (const namespaceId of this.#served.keys()) if (!present.has(namespaceId)) this.#served.delete(namespaceId);
    const floor = least([...this.#served.values()]);
    for (const namespaceId of present) this.#served.set(namespaceId, this.#served.get(namespaceId) ?? floor);
  }

  /** What each of one's own holdings would have if all others had what is theirs. */
  #targets(own: readonly Holding[]): ReadonlyMap<Holding, number> {
    const namespaces = Map.groupBy(this.#all(), ({ namespaceId }) => namespaceId);
    const shares = fairShares(
      Math.floor(this.#limit),
      [...namespaces].map(([key, holdings]) => {
        const wanted = holdings.reduce((sum, holding) => sum + holding.wanted, 0);
        return { key, wanted, served: this.#served.get(key) ?? 0 };
      }),
    );
    return new Map(
      own.map((holding) => {
        const among = (namespaces.get(holding.namespaceId) ?? []).map(toClaim);
        const within = fairShares(shares.get(holding.namespaceId) ?? 0, among);
        return [holding, within.get(holding.holderId) ?? 0];
      }),
    );
  }

  /** No more than is free, whatever the target: what others hold is theirs until they have told otherwise. */
  #grant(own: readonly Holding[], targets: ReadonlyMap<Holding, number>, nowMs: number): void {
    if (nowMs < this.#quietUntilMs) return;
    let free = Math.floor(this.#limit) - this.#all().reduce((sum, { held }) => sum + held, 0);
    const servedOf = ({ namespaceId }: Holding) => this.#served.get(namespaceId) ?? 0;
    for (const holding of own.toSorted((a, b) => servedOf(a) - servedOf(b))) {
      const more = Math.min(free, (targets.get(holding) ?? 0) - holding.held);
      if (more <= 0) continue;
      holding.held += more;
      free -= more;
    }
  }

  /** Who has more than its share begins no more until it is down to that; the gate counts on it at its next word. */
  #slotsOf(holding: Holding, targets: ReadonlyMap<Holding, number>, nowMs: number): number {
    return nowMs < this.#quietUntilMs ? holding.held : Math.min(holding.held, targets.get(holding) ?? 0);
  }

  #allow({ holderId, tokensPerCall }: GateReport, own: readonly Holding[], nowMs: number) {
    const held = own.reduce((sum, { held }) => sum + held, 0);
    const all = this.#all().reduce((sum, { held }) => sum + held, 0);
    const others = [...this.#allowed].filter(([other]) => other !== holderId).map(([, allowed]) => allowed);
    const before = this.#allowed.get(holderId) ?? least(others);
    const asked = { part: held === 0 ? 0 : held / all, isFirst: before <= least([before, ...others]), slots: all };
    const needed = held * CALLS_AHEAD;
    const requests = allowanceOf(this.#requests, { ...asked, needed, each: 1 }, nowMs);
    const tokens = allowanceOf(this.#tokens, { ...asked, needed: needed * tokensPerCall, each: tokensPerCall }, nowMs);
    const calls = requests ?? (tokens ?? 0) / Math.max(1, tokensPerCall);
    if (held > 0) this.#allowed.set(holderId, before + calls / held);
    // Some at a time, where there are not enough: else each call would be asked for by itself.
    const waitMs = Math.max(
      requests === null || requests >= 1 ? 0 : (this.#requests?.msUntil(Math.max(1, held), nowMs) ?? 0),
      tokens === null || tokens >= 1 ? 0 : (this.#tokens?.msUntil(Math.max(1, held) * tokensPerCall, nowMs) ?? 0),
    );
    return { requests, tokens, waitMs };
  }

  #askAgainMs(
    asked: {
      readonly own: readonly Holding[];
      readonly targets: ReadonlyMap<Holding, number>;
      readonly restMs: number;
      readonly waitMs: number;
    },
    nowMs: number,
  ): number {
    if (nowMs < this.#quietUntilMs) return GATE_SOON_MS;
    const { own, targets, restMs, waitMs } = asked;
    if (restMs > 0) return Math.min(restMs, GATE_RENEW_MS);
    const isPromised = own.some((holding) => holding.held < (targets.get(holding) ?? 0));
    const soonMs = isPromised ? GATE_SOON_MS : GATE_RENEW_MS;
    return waitMs > 0 ? Math.min(GATE_RENEW_MS, Math.max(GATE_SOON_MS, waitMs)) : soonMs;
  }

  #all(): readonly Holding[] {
    return [...this.#holdings.values()].flat();
  }
}

function bucketOf(perMinute: number | null, nowMs: number): RateBucket | null {
  return perMinute === null ? null : new RateBucket(perMinute, nowMs);
}

/**
 * What a holder may use of an amount: its part. Where there is less than one call for each slot, it goes to the holder that
 * had least; else who asks at the right moment would have it all.
 */
function allowanceOf(
  bucket: RateBucket | null,
  asked: {
    readonly part: number;
    readonly isFirst: boolean;
    readonly slots: number;
    readonly needed: number;
    readonly each: number;
  },
  nowMs: number,
): number | null {
  if (bucket === null) return null;
  const available = Math.floor(bucket.available(nowMs));
  if (available < asked.slots * asked.each && !asked.isFirst) return 0;
  const amount = Math.min(asked.needed, available, Math.ceil(available * asked.part));
  bucket.take(amount);
  return amount;
}

function least(served: readonly number[]): number {
  return served.length === 0 ? 0 : Math.min(...served);
}

function toClaim({ holderId, wanted, served }: Holding): Claim {
  return { key: holderId, wanted, served };
}
