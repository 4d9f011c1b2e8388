import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { holdsWords, searchWordsOf } from "../../src/domain/recall/name-search";

describe("searchWordsOf", () => {
  it("gives the distinct words, without case, accents and punctuation", () => {
    expect(searchWordsOf("Émile, émile & the HARBOUR-master (Ζωή)!")).toEqual([
      "EMILE",
      "THE",
      "HARBOUR",
      "MASTER",
      "ΖΩΗ",
    ]);
  });

  it("keeps words that have no letters", () => {
    expect(searchWordsOf("🦆 1984 c++ ¿?")).toEqual(["🦆", "1984", "C++"]);
  });
});

const fits = (query: string, ...texts: (string | null)[]) => holdsWords(texts, searchWordsOf(query));

describe("holdsWords", () => {
  it("finds the beginning of any word, and not its middle", () => {
    expect(fits("harb", "Summers at the Harbour", null)).toBe(true);
    expect(fits("arbour", "Summers at the Harbour", null)).toBe(false);
  });

  it("wants every word, in any order, in any of the texts", () => {
    expect(fits("marta SUMM", "Summers", "What Marta told")).toBe(true);
    expect(fits("marta winter", "Summers", "What Marta told")).toBe(false);
  });

  it("takes letters that change with their case for the same", () => {
    expect([fits("strasse", "Straße"), fits("STRAẞE", "strasse"), fits("ΟΔΟΣ", "οδος"), fits("ſ", "S")]).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });

  it("finds any text by any of its words, however they are cut off, and whatever their case", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.nat(), fc.nat(), (text, which, length) => {
        const words = searchWordsOf(text);
        fc.pre(words.length > 0);
        const characters = Array.from(words[which % words.length] ?? "");
        const cut = characters.slice(0, 1 + (length % characters.length)).join("");
        fc.pre(searchWordsOf(cut).length > 0);
        expect(fits(cut, null, text)).toBe(true);
        expect(fits(cut.toUpperCase().toLowerCase(), text, null)).toBe(true);
      }),
    );
  });
});
