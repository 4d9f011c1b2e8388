import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JSON_DEPTH_MAX, JsonFault, parseStrictJson } from "../../../src/services/basics/strict-json";

/** What becomes of a text: its value, or why it is refused. Anything else that is thrown is a bug, and thrown on. */
function outcomeOf(text: string): { readonly value: unknown } | { readonly refused: string } {
  try {
    return { value: parseStrictJson(text) };
  } catch (error) {
    if (error instanceof JsonFault) return { refused: error.message };
    throw error;
  }
}

const refusalOf = (text: string) => {
  const outcome = outcomeOf(text);
  return "refused" in outcome ? outcome.refused : "taken";
};

const TOO_LARGE = "A number is too large to be read exactly. Send it as a string.";
const PIECES = [
  "{",
  "}",
  "[",
  "]",
  '"',
  ",",
  ":",
  "\\",
  "/",
  "0",
  "-",
  "+",
  ".",
  "e",
  "t",
  " ",
  "\t",
  "\u00a0",
  "\u2028",
];

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** Whole characters, of all planes; U+0000 is refused. */
const text = fc.string({ unit: "binary", maxLength: 8 }).map((value) => value.replaceAll("\0", ""));
const exactNumber = fc
  .oneof(fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true }))
  .filter((value) => Number.isSafeInteger(value) || !Number.isInteger(value));
const key = fc.oneof(text, fc.constantFrom("constructor", "toString", "a/b", "~", ""));
const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(text, exactNumber, fc.boolean(), fc.constant(null)),
    fc.array(tie("json"), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie("json")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
}));

/** Lists and objects around a text, from the inside out. */
const shells = fc.array(fc.constantFrom("[]", "{}"), { maxLength: 12 });
const within = (inner: string, around: readonly string[]) =>
  around.reduce((text, shell) => (shell === "[]" ? `[0,${text}]` : `{"x":${text}}`), inner);

/** A JSON string with every character escaped. */
const escaped = (value: string) =>
  `"${Array.from({ length: value.length }, (_, i) => `\\u${value.charCodeAt(i).toString(16).padStart(4, "0")}`).join("")}"`;

describe("parseStrictJson", () => {
  it("reads what JSON.parse reads, for any value, dense or indented", () => {
    fc.assert(
      fc.property(json, fc.constantFrom(0, 2, "\t"), (value, indent) => {
        const written = JSON.stringify(value, null, indent);
        expect(parseStrictJson(written)).toEqual(JSON.parse(written));
      }),
      { numRuns: 300 },
    );
  });

  it("takes no text that JSON.parse refuses, and never fails in another way than by refusing", () => {
    const anything = fc.string({ unit: "binary" });
    const spoiled = fc.tuple(json, fc.nat(), fc.nat(2), fc.constantFrom(...PIECES)).map(([value, at, gone, put]) => {
      const written = JSON.stringify(value);
      const from = at % (written.length + 1);
      return written.slice(0, from) + put + written.slice(from + gone);
    });
    fc.assert(
      fc.property(fc.oneof(anything, spoiled), (input) => {
        const outcome = outcomeOf(input);
        const isSound = "value" in outcome ? isSame(outcome.value, JSON.parse(input)) : outcome.refused.endsWith(".");
        expect(isSound).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it("refuses a key that stands twice, at any depth, however it is spelled", () => {
    fc.assert(
      fc.property(key, json, json, shells, fc.boolean(), (twice, a, b, around, spelledOut) => {
        const again = spelledOut ? escaped(twice) : JSON.stringify(twice);
        const object = `{${JSON.stringify(twice)}:${JSON.stringify(a)},"y":{},${again}:${JSON.stringify(b)}}`;
        expect(refusalOf(within(object, around))).toMatch(/stands twice in one object/);
      }),
    );
  });

  it("takes equal keys in different objects", () => {
    fc.assert(
      fc.property(key, (name) => {
        const object = JSON.stringify(Object.fromEntries([[name, 1]]));
        const nested = `[${object},{${JSON.stringify(name)}:${object}}]`;
        expect(parseStrictJson(nested)).toEqual(JSON.parse(nested));
      }),
    );
  });

  it("refuses half of a surrogate pair in any string or key, escaped or not", () => {
    const half = fc.integer({ min: 0xd800, max: 0xdfff }).map((unit) => String.fromCharCode(unit));
    fc.assert(
      fc.property(half, shells, fc.boolean(), fc.boolean(), (unit, around, spelledOut, isKey) => {
        const string = spelledOut ? escaped(`a${unit}b`) : `"a${unit}b"`;
        expect(refusalOf(within(isKey ? `{${string}:1}` : string, around))).toMatch(/surrogate/);
      }),
    );
  });

  it("takes a whole surrogate pair, escaped or not", () => {
    const astral = fc.integer({ min: 0x10000, max: 0x10ffff }).map((point) => String.fromCodePoint(point));
    fc.assert(
      fc.property(astral, (character) => {
        expect(parseStrictJson(escaped(character))).toBe(character);
        expect(parseStrictJson(`"${character}"`)).toBe(character);
      }),
    );
  });

  it("refuses the character U+0000 in any string or key", () => {
    fc.assert(
      fc.property(shells, fc.boolean(), (around, isKey) => {
        const string = '"a\\u0000b"';
        expect(refusalOf(within(isKey ? `{${string}:1}` : string, around))).toMatch(/U\+0000/);
      }),
    );
  });

  it("takes as many levels as its limit, and refuses one more", () => {
    const levels = fc.array(fc.constantFrom("[]", "{}"), { minLength: JSON_DEPTH_MAX, maxLength: JSON_DEPTH_MAX });
    fc.assert(
      fc.property(levels, (around) => {
        const deepest = within('"[[[{{{\\"[["', around);
        expect(parseStrictJson(deepest)).toEqual(JSON.parse(deepest));
        expect(refusalOf(`[${deepest}]`)).toMatch(/deeper than 32 levels/);
      }),
    );
  });

  it("refuses an integer beyond 2^53, and takes one within, however it is spelled", () => {
    const integer = fc.oneof(
      fc.bigInt({ min: -(2n ** 60n), max: 2n ** 60n }),
      fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }),
    );
    fc.assert(
      fc.property(integer, shells, (value, around) => {
        const isSafe = value > -(2n ** 53n) && value < 2n ** 53n;
        for (const spelling of [`${value}`, `${value}.0`, `${value}e0`, `${value}.00E+0`])
          expect([spelling, refusalOf(within(spelling, around))]).toEqual([spelling, isSafe ? "taken" : TOO_LARGE]);
      }),
    );
  });

  it("refuses a number past all floats", () => {
    for (const number of ["1e400", "-1e400", `1${"0".repeat(400)}`]) expect(refusalOf(number)).toMatch(/too large/);
  });
});
