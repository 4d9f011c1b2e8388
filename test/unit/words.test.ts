import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { STOP_WORDS } from "../../src/domain/recall/stop-words";
import { QUERY_WORDS_MAX, queryWords, WORD_CHARACTERS_MAX, wordOverlap } from "../../src/domain/recall/words";

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 400 }),
  fc.string({ unit: "grapheme", maxLength: 400 }),
  fc
    .array(fc.constantFrom("Mel's", "the", "don't", "adoption", "7", "Paris.", "O’Brien", "\n", "x".repeat(70), '"'), {
      maxLength: 80,
    })
    .map((words) => words.join(" ")),
);

/** Forty distinct words. */
const fillersOf = (prefix: string) =>
  Array.from({ length: 40 }, (_, index) => prefix + String.fromCodePoint(0x4e00 + index));

describe("query-words", () => {
  it("takes a text apart into lower-case words without stop words, in the order of their first use", () => {
    expect(queryWords("Caroline went to the LGBTQ support group; the group was in Paris.")).toEqual([
      "caroline",
      "went",
      "lgbtq",
      "support",
      "group",
      "paris",
    ]);
  });

  it.each([
    ["Mel's kids and the dogs' bowls", ["mel", "kids", "dogs", "bowls"]],
    ["Mel’s kids", ["mel", "kids"]],
    ["We don't, we CAN’T, we wouldn't", []],
    ["I'm sure she'll say we've won", ["sure", "say", "won"]],
    ["O'Brien plays rock'n'roll", ["o", "brien", "plays", "rock", "n", "roll"]],
    ["'quoted' it's", ["quoted"]],
  ])("handles the apostrophes of %j", (text, words) => {
    expect(queryWords(text)).toEqual(words);
  });

  it.each([
    ["Café Zürich", ["café", "zürich"]],
    ["Привет, мир", ["привет", "мир"]],
    ["東京に行った。", ["東京に行った"]],
    ["3.14 on 2023-05-08 at 7pm", ["3", "14", "2023", "05", "08", "7pm"]],
    ["snake_case a+b", ["snake", "case", "b"]],
    ["🎉🎉 — … \"'", []],
    ["", []],
    ["The a and of it", []],
  ])("splits %j where the index does", (text, words) => {
    expect(queryWords(text)).toEqual(words);
  });

  it("keeps names and numbers, then long words, of more words than a search may ask for", () => {
    const text = `Once ${fillersOf("w").join(" ")} then Mel paid 7 dollars for a watercolour`;
    const words = queryWords(text);
    expect(words).toHaveLength(QUERY_WORDS_MAX);
    expect(words).toEqual(expect.arrayContaining(["mel", "7", "dollars", "watercolour"]));
  });

  it("does not take the capital that opens a sentence for a name", () => {
    const words = queryWords(`Cat. Dog ${fillersOf("filler").join(" ")} with Mel`);
    expect(words).not.toContain("cat");
    expect(words).not.toContain("dog");
    expect(words).toContain("mel");
  });

  it("leaves out what is too long to be a word", () => {
    expect(queryWords(`${"a".repeat(WORD_CHARACTERS_MAX)} ${"b".repeat(WORD_CHARACTERS_MAX + 1)}`)).toEqual([
      "a".repeat(WORD_CHARACTERS_MAX),
    ]);
  });

  it("gives distinct words of letters and digits, few enough and none of them a stop word, for any text", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const words = queryWords(text);
        expect(words.length).toBeLessThanOrEqual(QUERY_WORDS_MAX);
        expect(new Set(words).size).toBe(words.length);
        for (const word of words) {
          expect(word).toMatch(/^[\p{L}\p{N}\p{Co}\p{M}]+$/u);
          expect(word).toBe(word.toLowerCase());
          expect(STOP_WORDS.has(word)).toBe(false);
          expect(word.length).toBeLessThanOrEqual(WORD_CHARACTERS_MAX);
        }
      }),
    );
  });

  it("finds the same words again in its own answer", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const words = queryWords(text);
        expect(queryWords(words.join(" "))).toEqual(words);
      }),
    );
  });
});

describe("word-overlap", () => {
  const anySet = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e")).map((words) => new Set(words));

  it("is the share of common words", () => {
    expect(wordOverlap(new Set(["cat", "sofa"]), new Set(["cat", "garden", "tree"]))).toBe(0.25);
  });

  it("is 1 for equal sets, 0 for disjoint or empty ones, and the same both ways", () => {
    fc.assert(
      fc.property(anySet, anySet, (a, b) => {
        expect(wordOverlap(a, b)).toBe(wordOverlap(b, a));
        expect(wordOverlap(a, a)).toBe(a.size === 0 ? 0 : 1);
        expect(wordOverlap(a, b) === 0).toBe(a.isDisjointFrom(b));
      }),
    );
  });
});
