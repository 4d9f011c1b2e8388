import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  GATE_PERMIT_MS,
  GATE_RENEW_MS,
  type GateAnswer,
  type GateLimits,
  type GateReport,
  ModelGate,
} from "../../src/domain/model/model-gate";

const UNCOUNTED = { requestsPerMinute: null, tokensPerMinute: null };

function gateOf(limits: Partial<GateLimits> = {}, known?: ConstructorParameters<typeof ModelGate>[1]): ModelGate {
  return new ModelGate({ concurrency: 16, ...UNCOUNTED, ...limits }, known, 0);
}

/** An invocation that does as it is told: it keeps what it was granted, as far as it has use for it. */
class Holder {
  readonly id: string;
  readonly #gate: ModelGate;
  #slots = new Map<string, number>();

  constructor(gate: ModelGate, id: string) {
    this.#gate = gate;
    this.id = id;
  }

  /** @param wanted by namespace. */
  tell(nowMs: number, wanted: Readonly<Record<string, number>>, news: Partial<GateReport> = {}): GateAnswer {
    const demands = Object.entries(wanted).map(([namespaceId, wants]) => {
      const kept = Math.min(wants, this.#slots.get(namespaceId) ?? 0);
      return { namespaceId, kept, wanted: wants };
    });
    const report = { holderId: this.id, demands, tokensPerCall: 100, answered: 0, unused: { requests: 0, tokens: 0 } };
    const answer = this.#gate.answer({ ...report, throttled: null, ...news }, nowMs);
    this.#slots = new Map(answer.slots.map(({ namespaceId, slots }) => [namespaceId, slots]));
    return answer;
  }

  slots(namespaceId?: string): number {
    const all = [...this.#slots].filter(([key]) => namespaceId === undefined || key === namespaceId);
    return all.reduce((sum, [, slots]) => sum + slots, 0);
  }
}

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0);

describe("the gate of a model", () => {
  it("never grants more slots than there are, however holders come, go and change their minds", () => {
    const wish = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.integer({ min: 1, max: 20 }), { maxKeys: 3 });
    const step = fc.record({ holder: fc.nat(4), wanted: wish, passMs: fc.nat(GATE_RENEW_MS) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(step, { maxLength: 60 }), (concurrency, steps) => {
        const gate = gateOf({ concurrency });
        const holders = Array.from({ length: 5 }, (_, at) => new Holder(gate, `h${at}`));
        const lastMs = new Map<Holder, number>();
        let nowMs = 0;
        for (const { holder: at, wanted, passMs } of steps) {
          nowMs += passMs;
          const holder = holders[at];
          if (holder === undefined) throw new Error("There are five.");
          holder.tell(nowMs, wanted);
          lastMs.set(holder, nowMs);
          const alive = holders.filter((one) => nowMs - (lastMs.get(one) ?? 0) <= GATE_PERMIT_MS);
          expect(sumOf(alive.map((one) => one.slots()))).toBeLessThanOrEqual(concurrency);
        }
      }),
    );
  });

  it("leaves no slot unused while somebody wants it, once all have told what they want", () => {
    const wishes = fc.array(
      fc.record({ namespaceId: fc.constantFrom("a", "b", "c"), wanted: fc.integer({ min: 1, max: 20 }) }),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), wishes, (concurrency, wanting) => {
        const gate = gateOf({ concurrency });
        const holders = wanting.map((_, at) => new Holder(gate, `h${at}`));
        for (let round = 0; round < 3; round++) {
          for (const [at, { namespaceId, wanted }] of wanting.entries())
            holders[at]?.tell(0, { [namespaceId]: wanted });
        }
        const wanted = sumOf(wanting.map((wish) => wish.wanted));
        expect(sumOf(holders.map((holder) => holder.slots()))).toBe(Math.min(concurrency, wanted));
      }),
    );
  });

  it("shares out by namespace first: many invocations of one get no more than one of another", () => {
    const gate = gateOf();
    const big = Array.from({ length: 5 }, (_, at) => new Holder(gate, `big${at}`));
    const small = new Holder(gate, "small");
    for (const holder of big) holder.tell(0, { a: 16 });
    expect(small.tell(100, { b: 16 })).toMatchObject({ slots: [{ namespaceId: "b", slots: 0 }] });
    for (const holder of big) holder.tell(2_000, { a: 16 });
    for (const holder of big) holder.tell(2_100, { a: 16 });
    small.tell(2_200, { b: 16 });
    expect(small.slots()).toBe(8);
    expect(sumOf(big.map((holder) => holder.slots()))).toBe(8);
  });

  it("gives each of more namespaces than there are slots its turn in every round", () => {
    const gate = gateOf({ concurrency: 1 });
    const holders = ["a", "b", "c", "d"].map((namespaceId) => new Holder(gate, namespaceId));
    const served: string[] = [];
    for (let nowMs = 0; served.length < 40; nowMs += GATE_RENEW_MS) {
      // Twice: who has to give up its slot does so at its first word, and another has it at its second.
      for (const holder of [...holders, ...holders]) holder.tell(nowMs, { [holder.id]: 5 });
      served.push(...holders.filter((holder) => holder.slots() > 0).map(({ id }) => id));
    }
    for (let at = 4; at + 4 <= served.length; at += 4) expect(new Set(served.slice(at, at + 4)).size).toBe(4);
  });

  it("gives the slots of a holder that has died to others, and not before", () => {
    const gate = gateOf();
    new Holder(gate, "dies").tell(0, { a: 16 });
    const other = new Holder(gate, "other");
    other.tell(GATE_PERMIT_MS, { a: 16 });
    expect(other.slots()).toBe(0);
    other.tell(GATE_PERMIT_MS + 1, { a: 16 });
    expect(other.slots()).toBe(16);
  });

  it("gives what a holder gives back to others at once", () => {
    const gate = gateOf();
    const first = new Holder(gate, "first");
    first.tell(0, { a: 16 });
    first.tell(1, {});
    const other = new Holder(gate, "other");
    other.tell(2, { a: 16 });
    expect(other.slots()).toBe(16);
  });
});

describe("the gate of a model that is asked too much", () => {
  const throttled = { throttled: { restMs: 1_000 } };

  it("halves the calls at once, once for all news of one moment, down to one", () => {
    const gate = gateOf();
    const [one, other] = [new Holder(gate, "one"), new Holder(gate, "other")];
    one.tell(0, { a: 16 }, throttled);
    other.tell(500, { a: 16 }, throttled);
    expect(gate.record.limit).toBe(8);
    for (let nowMs = 10_000; nowMs < 100_000; nowMs += 10_000) one.tell(nowMs, { a: 16 }, throttled);
    expect(gate.record.limit).toBe(1);
  });

  it("takes one more for each round of answers, until all are back", () => {
    const gate = gateOf();
    const holder = new Holder(gate, "one");
    holder.tell(0, { a: 16 }, throttled);
    holder.tell(1_000, { a: 16 }, { answered: 8 });
    expect(gate.record.limit).toBe(9);
    for (let nowMs = 2_000; nowMs < 14_000; nowMs += 1_000) holder.tell(nowMs, { a: 16 }, { answered: 20 });
    expect(gate.record.limit).toBeNull();
    expect(holder.slots()).toBe(16);
  });

  it("has all holders wait until the rest is over, the longest that was asked for", () => {
    const gate = gateOf();
    const [one, other] = [new Holder(gate, "one"), new Holder(gate, "other")];
    one.tell(0, { a: 16 }, { throttled: { restMs: 30_000 } });
    expect(other.tell(1_000, { b: 16 }, throttled).restMs).toBe(29_000);
    expect(one.tell(29_999, { a: 16 }).restMs).toBe(1);
    expect(one.tell(30_000, { a: 16 }).restMs).toBe(0);
  });

  it("remembers what the model bears and its rest when it has lost its memory, and lets holders tell first", () => {
    const before = gateOf();
    new Holder(before, "one").tell(0, { a: 16 }, { throttled: { restMs: 30_000 } });
    const after = gateOf({}, before.record);
    const [known, fresh] = [new Holder(after, "one"), new Holder(after, "fresh")];
    expect(fresh.tell(0, { b: 16 })).toMatchObject({ restMs: 30_000, slots: [{ namespaceId: "b", slots: 0 }] });
    known.tell(
      GATE_RENEW_MS - 1,
      { a: 16 },
      {
        demands: [{ namespaceId: "a", kept: 6, wanted: 16 }],
      },
    );
    fresh.tell(GATE_RENEW_MS, { b: 16 });
    expect(fresh.slots()).toBe(2);
  });

  it("begins at once when nobody held anything before", () => {
    const holder = new Holder(gateOf({}, { limit: null, restUntilMs: 0, busy: false }), "one");
    expect(holder.tell(0, { a: 16 }).slots).toEqual([{ namespaceId: "a", slots: 16 }]);
  });
});

describe("the gate of a model with a limit a minute", () => {
  it.each(["requests", "tokens"] as const)("grants no more %s in any minute, over all holders", (which) => {
    const step = fc.record({ holder: fc.nat(3), passMs: fc.nat(3_000) });
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000, max: 5_000 }),
        fc.array(step, { minLength: 20, maxLength: 80 }),
        (perMinute, steps) => {
          const gate = gateOf({ [`${which}PerMinute`]: perMinute });
          const holders = Array.from({ length: 4 }, (_, at) => new Holder(gate, `h${at}`));
          const granted: { readonly atMs: number; readonly amount: number }[] = [];
          let nowMs = 0;
          for (const { holder, passMs } of steps) {
            nowMs += passMs;
            granted.push({ atMs: nowMs, amount: holders[holder]?.tell(nowMs, { a: 16 })[which] ?? 0 });
          }
          for (const { atMs } of granted) {
            const span = granted.filter((one) => one.atMs >= atMs && one.atMs < atMs + 60_000);
            expect(sumOf(span.map(({ amount }) => amount))).toBeLessThanOrEqual(perMinute);
          }
        },
      ),
    );
  });

  it("counts nothing where there is no limit", () => {
    expect(new Holder(gateOf(), "one").tell(0, { a: 16 })).toMatchObject({ requests: null, tokens: null });
  });

  it("makes up for what was used beyond the estimate, and gives back what was not used", () => {
    const gate = gateOf({ tokensPerMinute: 12_000 });
    const holder = new Holder(gate, "one");
    const first = holder.tell(0, { a: 1 });
    expect(first.tokens).toBe(1_000);
    expect(holder.tell(0, { a: 1 }, { unused: { requests: 0, tokens: 400 } }).tokens).toBe(400);
    const late = holder.tell(0, { a: 1 }, { unused: { requests: 0, tokens: -5_000 } });
    expect(late.tokens).toBe(0);
    expect(late.askAgainMs).toBeGreaterThan(0);
    expect(holder.tell(10_000, { a: 1 }).tokens).toBe(0);
    expect(holder.tell(40_000, { a: 1 }).tokens).toBeGreaterThan(0);
  });

  it("gives each of many holders something, however small the whole", () => {
    const gate = gateOf({ requestsPerMinute: 12 });
    const holders = Array.from({ length: 4 }, (_, at) => new Holder(gate, `h${at}`));
    const got = holders.map(() => 0);
    for (let nowMs = 0; nowMs < 120_000; nowMs += 1_000) {
      for (const [at, holder] of holders.entries())
        got[at] = (got[at] ?? 0) + (holder.tell(nowMs + at, { a: 4 }).requests ?? 0);
    }
    expect(Math.min(...got)).toBeGreaterThan(0);
  });
});
