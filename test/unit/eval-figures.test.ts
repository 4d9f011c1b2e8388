import { describe, expect, it } from "vitest";
import { figuresOf, percentile, recallAt, reciprocalRank } from "../../scripts/eval/figures.ts";

const found = ["a", "b", "c", "d", "e", "f"];

describe("eval-recall, figures", () => {
  it("counts the share of the evidence that is among the first", () => {
    expect(recallAt(5, { found, evidence: ["a", "f"] })).toBe(0.5);
    expect(recallAt(10, { found, evidence: ["a", "f"] })).toBe(1);
    expect(recallAt(10, { found: [], evidence: ["a"] })).toBe(0);
  });

  it("takes the place of the first evidence, and 0 when there is none", () => {
    expect(reciprocalRank({ found, evidence: ["f", "c"] })).toBeCloseTo(1 / 3, 12);
    expect(reciprocalRank({ found, evidence: ["x"] })).toBe(0);
  });

  it("gives percents, and the medians of the rounds' times", () => {
    const rankings = [
      { found, evidence: ["a"] },
      { found, evidence: ["x"] },
    ];
    const rounds = [
      [1, 2, 3],
      [10, 20, 30],
      [4, 5, 6],
    ];
    expect(figuresOf("none", rankings, rounds)).toEqual({
      embedder: "none",
      recall_at_5: 50,
      recall_at_10: 50,
      mrr: 50,
      p50_ms: 5,
      p95_ms: 6,
    });
    expect(percentile([3, 1, 2], 0.5)).toBe(2);
  });
});
