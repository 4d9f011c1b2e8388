import { describe, expect, it } from "vitest";
import { groupWords, PostingBook } from "../../src/domain/recall/posting-book";
import { rarityOf } from "../../src/domain/recall/word-relevance";
import type { WordTable } from "../../src/domain/recall/word-table";

const NEAR: Readonly<Record<string, Readonly<Record<string, number>>>> = { boat: { ship: 0.8, the: 0.9, far: 0.1 } };
const table: Pick<WordTable, "neighboursOf" | "similarity"> = {
  neighboursOf: (word) => Object.keys(NEAR[word] ?? {}),
  similarity: (a, b) => NEAR[a]?.[b] ?? 0,
};
const texts = { memories: 1_000, characters: 50_000, firstSeq: 1, lastSeq: 2_000 };
const newest = (count: number, step: number) => Array.from({ length: count }, (_, i) => texts.lastSeq - i * step);

describe("group-words", () => {
  it("asks for each word once, and for what is near it: no stop words, nothing that is hardly alike", () => {
    expect(groupWords(["boat", "rain", "boat"], null).map(({ words }) => words)).toEqual([["boat"], ["rain"]]);
    expect(groupWords(["boat"], table).map(({ words }) => words)).toEqual([["boat"], ["ship"]]);
  });
});

describe("posting-book", () => {
  const groups = groupWords(["boat", "rain"], table);
  const book = (found: number[][], limit = 1_000) =>
    new PostingBook(groups, { texts, found, unfiltered: found }, limit);

  it("measures rarity and length against the collection", () => {
    const one = book([[7], [8, 9], []]);
    expect(one.rarityOf("boat")).toBe(rarityOf(1, 1_000));
    expect(one.rarityOf("rain")).toBe(rarityOf(2, 1_000));
    expect(one.rarityOf("unknown")).toBe(0);
    expect(one.relativeLength(100)).toBe(2);
    expect([one.holds("rain", 9), one.holds("boat", 9)]).toEqual([true, false]);
  });

  it("reckons how many hold a word from how densely the newest do, where more do than were asked for", () => {
    // Every second row of the newest 200 of 2,000: a thousandth more or less, half of all rows, so every memory.
    expect(book([newest(100, 2), [], []], 100).rarityOf("boat")).toBeCloseTo(rarityOf(1_000, 1_000), 2);
    // Every tenth row of the newest 1,000: 200 of all.
    expect(book([newest(100, 10), [], []], 100).rarityOf("boat")).toBeCloseTo(rarityOf(200, 1_000), 1);
  });

  it("never says that more memories hold a word than there are", () => {
    expect(book([newest(100, 1), [], []], 100).rarityOf("boat")).toBeGreaterThanOrEqual(rarityOf(1_000, 1_000));
  });

  it("puts first what holds more and rarer words, then words alike, then the newer", () => {
    const { seqs, total } = book([
      [1, 2],
      [2, 3, 4],
      [5, 4],
    ]).candidatesFor(["boat", "rain"], 4);
    expect(seqs).toEqual([2, 4, 1, 3]);
    expect(total).toBe(5);
  });
});
