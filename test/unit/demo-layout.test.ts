import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { formatShare, sideBySide, table, wrap } from "../../scripts/demo/layout.ts";

describe("demo layout, wrapped text", () => {
  it("never exceeds the width or the number of lines", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 5, max: 80 }),
        fc.integer({ min: 1, max: 9 }),
        (text, width, linesMax) => {
          const lines = wrap(text, width, linesMax);
          expect(lines.length).toBeLessThanOrEqual(linesMax);
          expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
        },
      ),
    );
  });

  it("keeps every word of a text that fits", () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,10}$/), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(words, (list) => {
        expect(wrap(list.join(" "), 20, 30).join(" ")).toBe(list.join(" "));
      }),
    );
  });

  it("says that a text goes on", () => {
    expect(wrap("one two three four five", 9, 2)).toEqual(["one two", "three ..."]);
  });

  it("keeps a terminal from obeying a memory", () => {
    expect(wrap("one\u001b[2Jtwo\nthree", 40, 3)).toEqual(["one [2Jtwo three"]);
  });
});

describe("demo layout, columns and figures", () => {
  it("sets texts of different lengths side by side", () => {
    const columns = [
      { title: "Ana", text: "short" },
      { title: "Ben", text: "a longer text" },
    ];
    expect(sideBySide(columns, 23, 5)).toEqual([
      "Ana          Ben",
      "----------   ----------",
      "short        a longer",
      "             text",
    ]);
  });

  it("aligns figures to the right", () => {
    expect(
      table([
        ["name", "count"],
        ["a", "1"],
        ["all", "1,000"],
      ]),
    ).toEqual(["name  count", "a         1", "all   1,000"]);
  });

  it("never rounds a share up to all", () => {
    expect([1, 0.9999, 0.5].map(formatShare)).toEqual(["100.0 %", "99.9 %", "50.0 %"]);
  });
});
