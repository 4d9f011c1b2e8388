import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { relevanceOf } from "../../src/domain/recall/memory-scoring";
import {
  plainScoring,
  type QueryTerm,
  rarityOf,
  SAME_STEM_WEIGHT,
  sameWord,
  softScoring,
  type TextWord,
  type TextWords,
  type WordScoring,
} from "../../src/domain/recall/word-relevance";

const WORDS = ["boat", "boats", "ship", "sold", "bought", "rain", "marta"];
/** The stem of a word is what is left without its last s. */
const stemOf = (word: string) => word.replace(/s$/u, "");
const LIKE: Readonly<Record<string, number>> = { "boat ship": 0.8, "sold bought": 0.7 };
const likeness =
  (term: QueryTerm) =>
  ({ word }: TextWord) =>
    Math.max(sameWord(term, word, stemOf), LIKE[`${term.word} ${word}`] ?? 0);

const soft = softScoring(likeness, (word) => ({ word }));
const plain = plainScoring(stemOf);
const noFloor = () => 0;

const term = (word: string, rarity = 1): QueryTerm => ({ word, stem: stemOf(word), rarity });
const text = (words: readonly string[], relativeLength = 1): TextWords => ({
  counts: new Map(words.map((word) => [word, words.filter((each) => each === word).length])),
  relativeLength,
});
const raw = (scoring: WordScoring, terms: readonly QueryTerm[], words: TextWords) =>
  scoring.match(terms, words, noFloor).rawScore;

const matchesOfBoat = (words: string[]) => soft.match([term("boat")], text(words), noFloor).matches;

const anyTerms = fc
  .uniqueArray(fc.constantFrom(...WORDS), { minLength: 1 })
  .chain((words) =>
    fc.tuple(...words.map((word) => fc.double({ min: 0.01, max: 12, noNaN: true }).map((r) => term(word, r)))),
  );
const anyWords = fc.array(fc.constantFrom(...WORDS, "other", "more"), { maxLength: 12 });
const anyLength = fc.double({ min: 0, max: 100, noNaN: true });
const scorings = [
  ["soft", soft],
  ["plain", plain],
] as const;

describe.each(scorings)("word-relevance, %s", (_, scoring) => {
  it("is from 0 to 1, and 1 for the query itself", () => {
    fc.assert(
      fc.property(anyTerms, anyWords, anyLength, anyLength, (terms, words, length, queryLength) => {
        const own = text(
          terms.map(({ word }) => word),
          queryLength,
        );
        const perfect = raw(scoring, terms, own);
        const relevance = relevanceOf(raw(scoring, terms, text(words, length)), perfect);
        expect(relevance).toBeGreaterThanOrEqual(0);
        expect(relevance).toBeLessThanOrEqual(1);
        expect(relevanceOf(perfect, perfect)).toBe(1);
      }),
    );
  });

  it("does not depend on the order of the query's or the memory's words", () => {
    fc.assert(
      fc.property(anyTerms, anyWords, anyLength, (terms, words, length) => {
        const turned = raw(scoring, terms.toReversed(), text(words.toReversed(), length));
        expect(turned).toBeCloseTo(raw(scoring, terms, text(words, length)), 9);
      }),
    );
  });

  it("never falls when the memory holds one more word of the query", () => {
    fc.assert(
      fc.property(anyTerms, anyWords, anyLength, fc.nat(), (terms, words, length, pick) => {
        const added = terms[pick % terms.length]?.word ?? "";
        const less = raw(scoring, terms, text(words, length));
        expect(raw(scoring, terms, text([...words, added], length))).toBeGreaterThanOrEqual(less - 1e-9);
      }),
    );
  });

  it("falls with the length of the memory, and grows with the rarity of what it holds", () => {
    fc.assert(
      fc.property(anyTerms, anyLength, (terms, length) => {
        const words = terms.map(({ word }) => word);
        const score = raw(scoring, terms, text(words, length));
        expect(raw(scoring, terms, text(words, length + 1))).toBeLessThan(score);
        const rarer = terms.map((each) => ({ ...each, rarity: each.rarity + 1 }));
        expect(raw(scoring, rarer, text(words, length))).toBeGreaterThan(score);
      }),
    );
  });

  it("takes the index's word for a word that the text does not show", () => {
    const { rawScore, matches } = scoring.match([term("boat")], text(["rain"]), () => SAME_STEM_WEIGHT);
    expect(rawScore).toBeGreaterThan(0);
    expect(matches).toEqual([{ term: "boat", word: "boat", weight: SAME_STEM_WEIGHT }]);
  });
});

describe("word-relevance, matches", () => {
  it("prefers the same word, then the same stem, then the word most alike", () => {
    expect(matchesOfBoat(["ship", "boats", "boat"])).toEqual([{ term: "boat", word: "boat", weight: 1 }]);
    expect(matchesOfBoat(["ship", "boats"])).toEqual([{ term: "boat", word: "boats", weight: SAME_STEM_WEIGHT }]);
    expect(matchesOfBoat(["rain", "ship"])).toEqual([{ term: "boat", word: "ship", weight: 0.8 }]);
    expect(matchesOfBoat(["rain"])).toEqual([]);
  });

  it("counts a word that is only alike by the third power of its likeness", () => {
    const exact = raw(soft, [term("boat")], text(["boat"]));
    expect(raw(soft, [term("boat")], text(["ship"])) / exact).toBeCloseTo(0.8 ** 3, 9);
    expect(raw(plain, [term("boat")], text(["ship"]))).toBe(0);
  });
});

describe("rarity-of", () => {
  it("falls with every further memory that holds the word, and stays above 0", () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(100_000), (a, b) => {
        const [held, memories] = [Math.min(a, b), Math.max(a, b)];
        expect(rarityOf(held, memories)).toBeGreaterThan(0);
        expect(rarityOf(held, memories + 1)).toBeGreaterThan(rarityOf(held + 1, memories + 1));
      }),
    );
  });
});
