import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readPlainJson } from "../../src/domain/basics/plain-json";

const DEPTH_MAX = 4;
const text = fc.string({ unit: "binary", maxLength: 8 }).map((value) => value.replaceAll("\0", ""));
const tricky = fc.constantFrom('"', "\\", '\\"', ":", "a:b", "{", "]", "");
/** Not the key of one quote: after an object with the key of one backslash, JSON.parse of Node 24 takes it for that. */
const key = fc.oneof(text, tricky).filter((name) => name !== "__proto__" && name !== '"');
const leaf = fc.oneof(text, tricky, fc.maxSafeInteger(), fc.boolean(), fc.constant(null));
const members = fc.uniqueArray(fc.tuple(key, leaf), { selector: ([name]) => name, maxLength: 5 });
/** Objects in a list: two levels. */
const value = fc.array(
  members.map((entries) => Object.fromEntries(entries)),
  { maxLength: 3 },
);

const written = (name: string, member: unknown) => `${JSON.stringify(name)}:${JSON.stringify(member)}`;

describe("readPlainJson", () => {
  it("reads what JSON.parse reads, dense or indented", () => {
    fc.assert(
      fc.property(value, fc.constantFrom(0, 2, "\t"), (plain, indent) => {
        const json = JSON.stringify(plain, null, indent);
        expect(readPlainJson(json, DEPTH_MAX)).toEqual({ value: JSON.parse(json) });
      }),
    );
  });

  it("does not read an object that names a key twice, wherever and however it is spelled", () => {
    fc.assert(
      fc.property(members, key, leaf, leaf, fc.boolean(), (others, name, one, two, escaped) => {
        const again = escaped ? name.replace(/^[a-z]/, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`) : name;
        const second = escaped
          ? `"${JSON.stringify(again)
              .slice(1, -1)
              .replace(/^\\\\u/, "\\u")}":${JSON.stringify(two)}`
          : written(again, two);
        const rest = others.filter(([other]) => other !== name).map(([other, member]) => written(other, member));
        expect(readPlainJson(`[{${[written(name, one), ...rest, second].join(",")}}]`, DEPTH_MAX)).toBeUndefined();
      }),
    );
  });

  it("does not read what is broken, inexact, too deep, or no whole text", () => {
    const refused = ["", "{", "{}}", '"', '"\\', '{"a":1,}', "1e999", "9007199254740993", '"\\ud800"', '"\\u0000"'];
    const inside = ['{"__proto__":1}', '{"\\ud800":1}', "[[[[[1]]]]]", '{"a":"b" "c":1}'];
    expect([...refused, ...inside].filter((json) => readPlainJson(json, DEPTH_MAX) !== undefined)).toEqual([]);
  });

  it("reads at the greatest depth", () => {
    expect(readPlainJson('[[{"a":[1]}]]', DEPTH_MAX)).toEqual({ value: [[{ a: [1] }]] });
  });
});
