import { errorText } from "../../domain/basics/error-text";
import { fairShares } from "../../domain/model/fair-shares";
import {
  GATE_PERMIT_MS,
  GATE_RENEW_MS,
  GATE_SOON_MS,
  type GateAnswer,
  type GateDemand,
  type GateReport,
} from "../../domain/model/model-gate";
import type { TaskUsage } from "../../domain/tasks/task";
import type { Services } from "../context";
import type { ModelGatePort } from "../ports/model-gate";

/** What its invocation wants. */
export interface CallDemand {
  /** By namespace. */
  readonly open: ReadonlyMap<string, number>;
  readonly waiting: () => ReadonlyMap<string, number>;
  readonly callsMax: number;
}

/**
 * Calls that go on while the gate does not answer. Its limits are not known then; so many invocations with one call each
 * are what a model is most likely to bear, and a model that does not says so.
 */
const CALLS_WITHOUT_GATE = 1;

/**
 * What one invocation has of a model: slots, and where calls or tokens a minute are limited an allowance of them. It is told
 * and asked in one report every GATE_RENEW_MS, and sooner when something has to be known: so a call of the model costs a
 * small part of a call of the gate.
 */
export class GateShare {
  /** Until then no call is to be begun. */
  restUntilMs = 0;
  readonly #holderId = crypto.randomUUID();
  readonly #told: Told = {
    slots: new Map(),
    kept: new Map(),
    wanted: new Map(),
    requests: 0,
    tokens: 0,
    granted: false,
  };
  readonly #news: News = { answered: 0, requests: 0, tokens: 0, throttled: null };
  readonly #estimates = { calls: 0, tokens: 0 };
  #sentAtMs = Number.NEGATIVE_INFINITY;
  #validUntilMs = Number.NEGATIVE_INFINITY;
  #askAtMs = 0;
  #failed = false;
  #closed = false;
  #asking: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param changed called when calls may be begun that could not before. */
  constructor(
    private readonly services: Pick<Services, "clock" | "log">,
    private readonly gate: ModelGatePort,
    private readonly demand: CallDemand,
    private readonly changed: () => void,
  ) {}

  admits(namespaceId: string, nowMs: number): boolean {
    if (nowMs < this.restUntilMs) return false;
    if (this.#isAlone(nowMs)) return sumOf(this.demand.open) < CALLS_WITHOUT_GATE;
    const { slots, kept, requests, tokens } = this.#told;
    if ((requests !== null && requests < 1) || (tokens !== null && tokens <= 0)) return false;
    // While a report is under way, no more than it says.
    const limit = (this.#asking === undefined ? slots : kept).get(namespaceId) ?? 0;
    return (this.demand.open.get(namespaceId) ?? 0) < limit;
  }

  /** @param tokens what the call is likely to use. */
  awaits(tokens: number): void {
    this.#estimates.calls += 1;
    this.#estimates.tokens += tokens;
  }

  began(tokens: number): void {
    const told = this.#told;
    if (told.requests !== null) told.requests -= 1;
    if (told.tokens !== null) told.tokens -= tokens;
  }

  /** @param tokens what was estimated of it. */
  answered(tokens: number, { modelCalls, inputTokens, outputTokens }: TaskUsage): void {
    this.#news.answered += 1;
    this.#news.requests += 1 - modelCalls;
    this.#news.tokens += tokens - inputTokens - outputTokens;
  }

  throttled(restSeconds: number): void {
    const restMs = restSeconds * 1_000;
    const nowMs = this.services.clock.nowMs();
    this.restUntilMs = Math.max(this.restUntilMs, nowMs + restMs);
    this.#news.throttled = { restMs: Math.max(restMs, this.#news.throttled?.restMs ?? 0) };
    this.#askAtMs = nowMs;
  }

  /** Looks whether the gate has to be asked, and when. */
  look(): void {
    if (this.#asking !== undefined || this.#closed) return;
    clearTimeout(this.#timer ?? null);
    const dueMs = this.#dueMs();
    if (dueMs === undefined) return;
    // Never at once: what comes in the same turn of the event loop goes into one report.
    const delayMs = Math.max(0, dueMs - this.services.clock.nowMs());
    this.#timer = setTimeout(() => void this.#ask(), Math.min(delayMs, GATE_PERMIT_MS));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer ?? null);
    await this.#asking;
    if (this.#told.wanted.size > 0) await this.#ask();
  }

  #isAlone(nowMs: number): boolean {
    return this.#failed && nowMs >= this.#validUntilMs;
  }

  #dueMs(): number | undefined {
    const waiting = this.demand.waiting();
    const { wanted, kept, slots, requests, tokens, granted } = this.#told;
    const isIdle = waiting.size === 0 && this.demand.open.size === 0;
    if (isIdle) return wanted.size > 0 ? this.#sentAtMs + GATE_RENEW_MS : undefined;
    if (this.#failed) return this.#askAtMs;
    // It was asked for a rest while a report was under way.
    if (this.#news.throttled !== null) return this.services.clock.nowMs();
    const soonMs = this.#sentAtMs + GATE_SOON_MS;
    const owed = [...kept].filter(([namespaceId, count]) => count > (slots.get(namespaceId) ?? 0));
    const isPaid = owed.every(([key]) => (this.demand.open.get(key) ?? 0) <= (slots.get(key) ?? 0));
    if (owed.length > 0 && isPaid) return this.services.clock.nowMs();
    const grown = this.#demands().some((now) => now.wanted > (wanted.get(now.namespaceId) ?? 0));
    const usedUp = granted && waiting.size > 0 && (requests === 0 || (tokens !== null && tokens <= 0));
    return grown || usedUp ? Math.min(this.#askAtMs, soonMs) : this.#askAtMs;
  }

  /** What it wants of each namespace: no more than it could hold open, in fair shares. */
  #demands(): readonly GateDemand[] {
    const { open, waiting, callsMax } = this.demand;
    const waits = waiting();
    const keys = [...new Set([...open.keys(), ...waits.keys()])];
    const claims = keys.map((key) => ({ key, wanted: (open.get(key) ?? 0) + (waits.get(key) ?? 0), served: 0 }));
    const shares = fairShares(callsMax, claims);
    return keys.map((namespaceId) => {
      const opened = open.get(namespaceId) ?? 0;
      const wanted = Math.max(opened, shares.get(namespaceId) ?? 0);
      const kept = Math.max(opened, Math.min(wanted, this.#told.slots.get(namespaceId) ?? 0));
      return { namespaceId, kept, wanted };
    });
  }

  #ask(): Promise<void> {
    const asking = this.#report().finally(() => {
      this.#asking = undefined;
      this.changed();
    });
    this.#asking = asking;
    return asking;
  }

  async #report(): Promise<void> {
    const demands = this.#closed ? [] : this.#demands();
    const report = this.#take(demands);
    const sentAtMs = this.services.clock.nowMs();
    this.#sentAtMs = sentAtMs;
    try {
      const answer = await this.gate.report(report);
      this.#failed = false;
      this.#heard(answer, demands, sentAtMs);
    } catch (error) {
      if (!this.#failed) this.services.log("warn", "model-gate-unreachable", { error: errorText(error) });
      this.#failed = true;
      this.#news.answered += report.answered;
      this.#news.throttled ??= report.throttled;
      this.#askAtMs = this.services.clock.nowMs() + GATE_RENEW_MS;
    }
  }

  /** The report, and with it what is told: it is not told again. */
  #take(demands: readonly GateDemand[]): GateReport {
    const news = this.#news;
    const { requests, tokens } = this.#told;
    const { calls, tokens: estimated } = this.#estimates;
    const report = {
      holderId: this.#holderId,
      demands,
      tokensPerCall: calls === 0 ? 0 : Math.ceil(estimated / calls),
      answered: news.answered,
      unused: { requests: news.requests + (requests ?? 0), tokens: news.tokens + (tokens ?? 0) },
      throttled: news.throttled,
    };
    Object.assign(news, { answered: 0, requests: 0, tokens: 0, throttled: null });
    this.#told.kept = new Map(demands.map(({ namespaceId, kept }) => [namespaceId, kept]));
    this.#told.wanted = new Map(demands.map(({ namespaceId, wanted }) => [namespaceId, wanted]));
    // What is given back is not used any more; where nothing is counted, nothing changes.
    if (requests !== null) this.#told.requests = 0;
    if (tokens !== null) this.#told.tokens = 0;
    return report;
  }

  #heard(answer: GateAnswer, demands: readonly GateDemand[], sentAtMs: number): void {
    const nowMs = this.services.clock.nowMs();
    this.#told.slots = new Map(answer.slots.map(({ namespaceId, slots }) => [namespaceId, slots]));
    this.#told.requests = answer.requests;
    this.#told.tokens = answer.tokens;
    this.#told.granted = answer.requests !== 0 && answer.tokens !== 0;
    if (answer.restMs > 0) this.restUntilMs = Math.max(this.restUntilMs, nowMs + answer.restMs);
    this.#validUntilMs = sentAtMs + GATE_PERMIT_MS;
    this.#askAtMs = nowMs + answer.askAgainMs;
    if (demands.length === 0) this.#told.wanted.clear();
  }
}

/** What was said last, and what the gate has answered. */
interface Told {
  slots: ReadonlyMap<string, number>;
  kept: ReadonlyMap<string, number>;
  wanted: Map<string, number>;
  requests: number | null;
  tokens: number | null;
  /** Whether anything could be begun of it. */
  granted: boolean;
}

/** What the gate has not heard yet. */
interface News {
  answered: number;
  requests: number;
  tokens: number;
  throttled: { readonly restMs: number } | null;
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
