import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bestFirst,
  relevanceOf,
  relevanceWith,
  scoreMemory,
  type ScoredMemory,
  type ScoreInput,
  type ScoreWeights,
  VECTOR_SHARE,
} from "../../src/domain/recall/memory-scoring";

const HOUR_MS = 3_600_000;
const NOW_MS = Date.UTC(2026, 10, 1);
const NEARLY = 1e-9;

const unit = fc.double({ min: 0, max: 1, noNaN: true });
const alpha = fc.double({ min: 0, max: 10, noNaN: true });
const anyInput: fc.Arbitrary<ScoreInput> = fc.record({
  relevance: unit,
  importance: fc.integer({ min: 1, max: 10 }),
  lastUsedAtMs: fc.integer({ min: 0, max: NOW_MS + 1_000 * HOUR_MS }),
});
const anyWeights: fc.Arbitrary<ScoreWeights> = fc
  .record({ relevanceAlpha: alpha, importanceAlpha: alpha, recencyAlpha: alpha })
  .filter((weights) => weights.relevanceAlpha + weights.importanceAlpha + weights.recencyAlpha > 1e-6);
const PAIRS = [
  ["relevanceAlpha", "relevance"],
  ["importanceAlpha", "importance"],
  ["recencyAlpha", "recency"],
] as const;

const some = (memoryId: string, part: Partial<ScoredMemory>): ScoredMemory => ({
  memoryId,
  score: 0.5,
  relevance: 0.5,
  importance: 0.5,
  recency: 0.5,
  ...part,
});

describe("score-memory", () => {
  it("is the weighted mean of relevance, importance and recency", () => {
    const score = scoreMemory(
      { relevance: 0.5, importance: 10, lastUsedAtMs: NOW_MS - HOUR_MS },
      { relevanceAlpha: 1, importanceAlpha: 0.5, recencyAlpha: 0.5 },
      NOW_MS,
    );
    expect(score.score).toBeCloseTo((0.5 + 0.5 * 1 + 0.5 * 0.995) / 2, 12);
    expect(score).toMatchObject({ relevance: 0.5, importance: 1, recency: 0.995 });
  });

  it.each([
    [1, 0],
    [5, 4 / 9],
    [10, 1],
  ])("counts an importance of %i as %d", (importance, expected) => {
    const weights = { relevanceAlpha: 0, importanceAlpha: 3, recencyAlpha: 0 };
    expect(scoreMemory({ relevance: 1, importance, lastUsedAtMs: 0 }, weights, NOW_MS).score).toBeCloseTo(expected, 12);
  });

  it.each([
    ["now", 0, 1],
    ["in the future", -5, 1],
    ["a day ago", 24, 0.995 ** 24],
    ["a week ago", 168, 0.995 ** 168],
  ])("counts a last use %s with 0.995 an hour", (_, hours, expected) => {
    const weights = { relevanceAlpha: 0, importanceAlpha: 0, recencyAlpha: 1 };
    const input = { relevance: 1, importance: 1, lastUsedAtMs: NOW_MS - hours * HOUR_MS };
    expect(scoreMemory(input, weights, NOW_MS).score).toBeCloseTo(expected, 12);
  });

  it("stays within 0 and 1, between the least and the greatest component", () => {
    fc.assert(
      fc.property(anyInput, anyWeights, (input, weights) => {
        const { score, ...components } = scoreMemory(input, weights, NOW_MS);
        const values = Object.values(components);
        for (const value of [score, ...values]) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        }
        expect(score).toBeGreaterThanOrEqual(Math.min(...values) - NEARLY);
        expect(score).toBeLessThanOrEqual(Math.max(...values) + NEARLY);
      }),
    );
  });

  it("never falls when a component rises", () => {
    fc.assert(
      fc.property(anyInput, anyInput, anyWeights, (a, b, weights) => {
        for (const key of ["relevance", "importance", "lastUsedAtMs"] as const) {
          const [low, high] = a[key] < b[key] ? [a[key], b[key]] : [b[key], a[key]];
          const lower = scoreMemory({ ...a, [key]: low }, weights, NOW_MS).score;
          expect(scoreMemory({ ...a, [key]: high }, weights, NOW_MS).score).toBeGreaterThanOrEqual(lower);
        }
      }),
    );
  });

  it("comes nearer to a component when its alpha rises", () => {
    fc.assert(
      fc.property(anyInput, anyWeights, alpha, (input, weights, more) => {
        const before = scoreMemory(input, weights, NOW_MS);
        for (const [name, component] of PAIRS) {
          const after = scoreMemory(input, { ...weights, [name]: weights[name] + more }, NOW_MS);
          const distance = Math.abs(before.score - before[component]);
          expect(Math.abs(after.score - after[component])).toBeLessThanOrEqual(distance + NEARLY);
        }
      }),
    );
  });

  it("depends on the proportions of the alphas alone", () => {
    fc.assert(
      fc.property(anyInput, anyWeights, fc.double({ min: 0.1, max: 10, noNaN: true }), (input, weights, factor) => {
        const scaled = {
          relevanceAlpha: weights.relevanceAlpha * factor,
          importanceAlpha: weights.importanceAlpha * factor,
          recencyAlpha: weights.recencyAlpha * factor,
        };
        const { score } = scoreMemory(input, weights, NOW_MS);
        expect(scoreMemory(input, scaled, NOW_MS).score).toBeCloseTo(score, 9);
      }),
    );
  });

  it("is 0, not NaN, without any weight", () => {
    const none = { relevanceAlpha: 0, importanceAlpha: 0, recencyAlpha: 0 };
    expect(scoreMemory({ relevance: 1, importance: 10, lastUsedAtMs: NOW_MS }, none, NOW_MS).score).toBe(0);
  });
});

describe("relevance-of", () => {
  it("is the share of a perfect score, at most 1", () => {
    expect(relevanceOf(3, 12)).toBe(0.25);
    expect(relevanceOf(13, 12)).toBe(1);
  });

  it("is 0 when nothing can be perfect", () => {
    expect(relevanceOf(3, 0)).toBe(0);
  });
});

describe("relevance-with", () => {
  const cosine = fc.double({ min: -1, max: 1, noNaN: true });

  it("stays within 0 and 1, and never below that of the words", () => {
    fc.assert(
      fc.property(cosine, unit, (near, byWords) => {
        const relevance = relevanceWith(near, byWords);
        expect(relevance).toBeGreaterThanOrEqual(byWords);
        expect(relevance).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("never falls when a memory is nearer, or its words say more", () => {
    fc.assert(
      fc.property(cosine, cosine, unit, unit, (a, b, c, d) => {
        const [far, near] = [Math.min(a, b), Math.max(a, b)];
        const [less, more] = [Math.min(c, d), Math.max(c, d)];
        expect(relevanceWith(near, less)).toBeGreaterThanOrEqual(relevanceWith(far, less));
        expect(relevanceWith(near, more)).toBeGreaterThanOrEqual(relevanceWith(near, less) - NEARLY);
      }),
    );
  });

  it("is that of the words for a memory without a vector, or one that points the other way", () => {
    expect([relevanceWith(undefined, 0.4), relevanceWith(-1, 0.4), relevanceWith(0, 0.4)]).toEqual([0.4, 0.4, 0.4]);
  });

  it("is a vector's share for a memory that has no word of the query", () => {
    expect(relevanceWith(1, 0)).toBe(VECTOR_SHARE);
    expect(relevanceWith(0.5, 0)).toBe(VECTOR_SHARE / 2);
  });
});

describe("best-first", () => {
  it("breaks ties by importance, then recency, then id", () => {
    const ordered = [
      some("z", { score: 0.6, importance: 0 }),
      some("y", { importance: 0.9, recency: 0 }),
      some("x", { recency: 0.9 }),
      some("a", {}),
      some("b", {}),
    ];
    expect(ordered.toReversed().toSorted(bestFirst("score"))).toEqual(ordered);
  });

  it("orders any memories in one way only, whatever order they come in", () => {
    const few = fc.constantFrom(0, 0.5, 1);
    const memory = fc.record({ score: few, relevance: few, importance: few, recency: few });
    const key = fc.constantFrom("score", "relevance", "importance", "recency");
    fc.assert(
      fc.property(fc.array(memory, { maxLength: 12 }), key, fc.infiniteStream(fc.nat()), (scores, by, keys) => {
        const memories = scores.map((score, index) => ({ memoryId: `memory_${index}`, ...score }));
        const shuffled = memories
          .map((value) => ({ value, place: keys.next().value ?? 0 }))
          .toSorted((a, b) => a.place - b.place)
          .map(({ value }) => value);
        expect(shuffled.toSorted(bestFirst(by))).toEqual(memories.toSorted(bestFirst(by)));
      }),
    );
  });
});
