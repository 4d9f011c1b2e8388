import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { candidatesEach, filteredPostingsEach, postingsEach } from "../../src/domain/recall/recall-effort";

const parts = fc.integer({ min: 0, max: 100_000 });
const most = fc.integer({ min: 20, max: 1_000 });

describe("recall-effort", () => {
  it("gives one or few collections all they want", () => {
    // A question of 20 words and what is near them, in ten collections.
    expect(postingsEach(40 * 10, 1_000)).toBe(1_000);
    // The 25 memories of a part, in their own collection and in two of the agent's.
    expect(postingsEach(600 * 3, 250)).toBe(250);
    expect(candidatesEach(25 * 3, 40)).toBe(40);
    expect(candidatesEach(1, 200)).toBe(200);
  });

  it("divides the whole where many share it", () => {
    expect(postingsEach(600 * 101, 250)).toBe(20);
    expect(postingsEach(40 * 100, 1_000)).toBe(125);
    expect(candidatesEach(25 * 101, 40)).toBe(3);
    expect(candidatesEach(100_000, 40)).toBe(1);
  });

  it("looks through less for each group of words under a filter, the more groups there are", () => {
    expect(filteredPostingsEach(10)).toBe(20_000);
    expect(filteredPostingsEach(20)).toBe(10_000);
    expect(filteredPostingsEach(40 * 100)).toBe(1_000);
  });

  it("never takes more than the whole, or than is wanted, unless the least of each asks for it", () => {
    fc.assert(
      fc.property(parts, most, (count, wanted) => {
        const [postings, candidates] = [postingsEach(count, wanted), candidatesEach(count, wanted)];
        expect(postings).toBeGreaterThanOrEqual(20);
        expect(candidates).toBeGreaterThanOrEqual(1);
        expect(Math.max(postings, candidates)).toBeLessThanOrEqual(wanted);
        expect(postings * count).toBeLessThanOrEqual(Math.max(500_000, 20 * count));
        expect(candidates * count).toBeLessThanOrEqual(Math.max(10_000, count));
      }),
    );
  });
});
