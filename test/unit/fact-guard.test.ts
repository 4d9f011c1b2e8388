import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allowedByVoice, checkFacts } from "../../src/domain/facts/fact-guard";
import { extractFacts } from "../../src/domain/facts/facts";
import { DEFAULT_VOICE } from "../../src/domain/agents/voice";

const CLEAN = { missing: [], added: [] };
const textOf = (text: string, kind: string): string[] =>
  extractFacts(text)
    .filter((fact) => fact.kind === kind)
    .map((fact) => fact.text);
const keysOf = (text: string): string[] => extractFacts(text).flatMap((fact) => fact.keys.slice());

const name = fc.constantFrom("Tom", "Melanie", "José", "O'Brien", "NASA", "Zürich", "Priya", "Łukasz", "Marseille");
const number = fc.integer({ min: 2, max: 999_999 });
const sentence = fc
  .tuple(name, name, number, fc.constantFrom("Monday", "12 May", "last March", "Sundays", "4 July 2019"))
  .map(([who, where, count, when]) => `Then ${who} took ${count} boxes to ${where} on ${when}.`);

describe("facts-extract", () => {
  it("finds names inside a sentence and at its start", () => {
    expect(textOf("Melanie went home. Yesterday I met Tom's friend in New York.", "name")).toEqual([
      "Melanie",
      "Tom",
      "New",
      "York",
    ]);
  });

  it("takes no pronoun, ordinary first word or stressed word for a name", () => {
    expect(textOf("I'm SO happy. Pottery is fun! “Gosh,” I said: The pottery was nice.", "name")).toEqual([]);
  });

  it("finds acronyms, hyphenated names, curly apostrophes and letters of any alphabet", () => {
    expect(textOf("We met Jean-Luc O’Brien of the BBC and Łukasz’s aunt Ольга.", "name")).toEqual([
      "Jean",
      "Luc",
      "O’Brien",
      "BBC",
      "Łukasz",
      "Ольга",
    ]);
  });

  it("reads digits, words, ordinals, money and times as values", () => {
    expect(keysOf("1,200")).toEqual(keysOf("twelve hundred"));
    expect(keysOf("$20.50")).toEqual(["20.5"]);
    expect(keysOf("the twenty-first")).toEqual(keysOf("the 21st"));
    expect(keysOf("half past seven")).toEqual(keysOf("7:30"));
    expect(keysOf("19:30")).toEqual(keysOf("7.30 pm"));
    expect(keysOf("two and a half")).toEqual(["2.5"]);
    expect(keysOf("nineteen ninety-nine")).toEqual(["1999"]);
  });

  it("tells the month May from the verb", () => {
    expect(textOf("May I come in May? I may march on 3 March.", "date")).toEqual(["May", "March"]);
  });

  it("does not take one, first or second for numbers in ordinary speech", () => {
    expect(textOf("One of them came first, wait a second.", "number")).toEqual([]);
    expect(textOf("I won first prize on the second of May.", "number")).toEqual(["first", "second"]);
  });
});

describe("facts-check", () => {
  it("finds nothing when nothing changed", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), (text) => {
        expect(checkFacts(text, text, [])).toEqual(CLEAN);
      }),
    );
  });

  it("accepts other writings of the same facts", () => {
    expect(
      checkFacts(
        "Tom paid $1,200 for twelve clocks on 2023-05-08 at 7:30 pm.",
        "On 8 May 2023, at half past seven, 1200 dollars left Tom's purse for 12 clocks.",
        [],
      ),
    ).toEqual(CLEAN);
  });

  it("finds a lost name, whichever it is", () => {
    fc.assert(
      fc.property(sentence, name, (text, lost) => {
        const source = `Later we called ${lost} again. ${text.replaceAll(lost, "Anneke")}`;
        const result = source.replace(lost, "someone");
        expect(checkFacts(source, result, []).missing).toContain(lost);
      }),
    );
  });

  it("finds a lost number, whatever its value", () => {
    fc.assert(
      fc.property(number, (lost) => {
        expect(checkFacts(`We counted ${lost} gulls.`, "We counted gulls.", []).missing).toEqual([String(lost)]);
      }),
    );
  });

  it("finds a changed weekday, currency and half of the day", () => {
    expect(checkFacts("On Monday at 7 am for £20.", "On Tuesday at 7 pm for €20.", [])).toEqual({
      missing: ["Monday", "7 am", "20 gbp"],
      added: ["Tuesday", "7 pm", "20 eur"],
    });
  });

  it("finds a name and a number that were made up", () => {
    expect(checkFacts("I went to the sea.", "I went to the sea with Klaus for 3 days.", []).added).toEqual([
      "Klaus",
      "3",
    ]);
  });

  it("lets the agent's voice add its name, words, openers and closers", () => {
    const voice = { ...DEFAULT_VOICE, lexicon: { dog: "Hound" }, openers: ["From Delft:"], closers: ["That makes 7."] };
    const result = "From Delft: Mara Voss fed the Hounds. That makes 7.";
    expect(checkFacts("I fed the dogs.", result, allowedByVoice("Mara Voss", voice))).toEqual(CLEAN);
    expect(checkFacts("I fed the dogs.", result, []).added).toEqual(["Delft", "Mara", "Voss", "Hounds", "7"]);
  });

  it("does not let the verb will answer for Will", () => {
    expect(checkFacts("I asked Will.", "They will ask.", []).missing).toEqual(["Will"]);
  });

  it("reads the names of JavaScript's own properties as plain words", () => {
    expect(checkFacts("5 constructor", "5 constructor", [])).toEqual(CLEAN);
  });

  it("stays quick on 8,000 characters of anything repeated", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 6 }), (part) => {
        const text = part.repeat(Math.floor(8000 / part.length));
        expect(checkFacts(text, text, [])).toEqual(CLEAN);
      }),
      { numRuns: 30 },
    );
  });
});
