import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  MISMATCH_POINTERS_MAX,
  mismatchPointers,
  type RequestMaterial,
  WHOLE_REQUEST,
} from "../../src/domain/requests/request";
import { fingerprintOf } from "../../src/services/creation/fingerprint";

const request = (body: unknown, more: Partial<RequestMaterial> = {}): RequestMaterial => ({
  api: 1,
  type: "batch",
  operation: "batches-create",
  path: {},
  body,
  ...more,
});

const key = fc.oneof(fc.string({ unit: "binary", maxLength: 3 }), fc.constantFrom("a", "b", "a/b", "~", "~1", "", "0"));
const leaf = fc.oneof(
  fc.string({ unit: "binary", maxLength: 5 }),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  // JSON has no -0: it is written as 0.
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value)),
);
const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.array(tie("json"), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie("json")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
}));

const isContainer = (value: unknown): value is object => typeof value === "object" && value !== null;
const stepsOf = (pointer: string) =>
  pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));

/** What a JSON Pointer leads to; undefined where there is nothing. */
function at(value: unknown, pointer: string): unknown {
  return stepsOf(pointer).reduce<unknown>(
    (inner, step) => (isContainer(inner) && Object.hasOwn(inner, step) ? Reflect.get(inner, step) : undefined),
    value,
  );
}

/** A value with a part of it replaced. */
function replaced(value: unknown, steps: readonly string[], part: unknown): unknown {
  const [step, ...rest] = steps;
  if (step === undefined || !isContainer(value)) return part;
  if (Array.isArray(value)) return value.map((item, i) => (String(i) === step ? replaced(item, rest, part) : item));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, name === step ? replaced(item, rest, part) : item]),
  );
}

/** The steps to every leaf; an empty list or object is one. */
function leaves(value: unknown, steps: readonly string[] = []): readonly (readonly string[])[] {
  const entries = isContainer(value) ? Object.entries(value) : [];
  return entries.length === 0 ? [steps] : entries.flatMap(([name, inner]) => leaves(inner, [...steps, name]));
}

/** Another value at one leaf of a value, and where that is. */
const changedLeaf = fc
  .tuple(json, fc.nat(), leaf)
  .map(([value, index, other]) => {
    const all = leaves(value);
    const steps = all[index % all.length] ?? [];
    const pointer = steps.map((step) => `/${step.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
    return { value, pointer, other, changed: replaced(value, steps, other) };
  })
  .filter(({ value, pointer, other }) => JSON.stringify(at(value, pointer)) !== JSON.stringify(other));

/** The same value, with the keys of its objects the other way round. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => turned(item));
  if (!isContainer(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, inner]) => [name, turned(inner)]),
  );
}

describe("mismatchPointers", () => {
  it("is empty for equal requests, whatever the order of their keys", () => {
    fc.assert(
      fc.property(json, (body) => {
        expect(mismatchPointers(request(body), request(turned(structuredClone(body))))).toEqual([]);
      }),
    );
  });

  it("points to the one leaf that differs", () => {
    fc.assert(
      fc.property(changedLeaf, ({ value, changed, pointer }) => {
        expect(mismatchPointers(request(value), request(changed))).toEqual([pointer]);
      }),
    );
  });

  it("points only to where the bodies differ, and somewhere when they do", () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        const pointers = mismatchPointers(request(a), request(b));
        expect(pointers.length === 0).toBe(isSame(a, b));
        for (const pointer of pointers) expect(isSame(at(a, pointer), at(b, pointer))).toBe(false);
      }),
    );
  });

  it("says the same whichever request comes first, but for the order", () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        const [there, back] = [mismatchPointers(request(a), request(b)), mismatchPointers(request(b), request(a))];
        expect(there.toSorted()).toEqual(back.toSorted());
      }),
    );
  });

  it("names fields and never values", () => {
    const secret = "tell-nobody";
    fc.assert(
      fc.property(changedLeaf, ({ value, pointer }) => {
        const marked = replaced(value, stepsOf(pointer), secret);
        const pointers = mismatchPointers(request(value), request(marked));
        expect(pointers.join(" ")).not.toContain(secret);
      }),
    );
  });

  it("points to a field that only one of them has", () => {
    expect(mismatchPointers(request({ a: 1 }), request({ a: 1, b: { c: 2 } }))).toEqual(["/b"]);
  });

  it("tells a field that is null from one that is not there", () => {
    expect(mismatchPointers(request({ a: null }), request({}))).toEqual(["/a"]);
  });

  it("points to a list as a whole where the other has an object", () => {
    expect(mismatchPointers(request({ a: [] }), request({ a: {} }))).toEqual(["/a"]);
  });

  it("points to the whole request when operation, type, path or version differ", () => {
    const first = request({ a: 1 });
    for (const more of [{ operation: "batches-submit" }, { path: { agent_id: "x" } }])
      expect(mismatchPointers(first, { ...first, ...more })).toEqual([WHOLE_REQUEST]);
  });

  it("stops at its limit", () => {
    const names = Array.from({ length: 200 }, (_, i) => `field_${i}`);
    const many = (value: number) => Object.fromEntries(names.map((name) => [name, value]));
    expect(mismatchPointers(request(many(1)), request(many(2)))).toHaveLength(MISMATCH_POINTERS_MAX);
  });
});

describe("fingerprintOf", () => {
  it("is 64 hex digits", async () => {
    expect((await fingerprintOf(request({ a: 1 }))).fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });

  it("stays the same from one release to the next", async () => {
    const { fingerprint, material } = await fingerprintOf(request({ b: [1.0, "é"], a: null }));
    expect(material).toBe(
      '{"api":1,"body":{"a":null,"b":[1,"é"]},"operation":"batches-create","path":{},"type":"batch"}',
    );
    expect(fingerprint).toBe("17a58e1f33d31e7873f2e62c7c0717439cd34b7c1c3c4452eded658761291b95");
  });

  it("does not depend on the order of keys", async () => {
    await fc.assert(
      fc.asyncProperty(json, async (body) => {
        expect(await fingerprintOf(request(turned(body)))).toEqual(await fingerprintOf(request(body)));
      }),
    );
  });

  it("does not depend on how numbers and characters are spelled", async () => {
    const spellings = ['{"n":100,"s":"é"}', '{"n":1e2,"s":"\\u00e9"}', '{ "n" : 100.0, "s" : "\\u00E9" }'];
    const prints = await Promise.all(spellings.map((body) => fingerprintOf(request(JSON.parse(body)))));
    expect(new Set(prints.map(({ fingerprint }) => fingerprint)).size).toBe(1);
  });

  it("depends on the order of lists", async () => {
    const [there, back] = await Promise.all([fingerprintOf(request([1, 2])), fingerprintOf(request([2, 1]))]);
    expect(there.fingerprint).not.toBe(back.fingerprint);
  });

  it("changes with any leaf", async () => {
    await fc.assert(
      fc.asyncProperty(changedLeaf, async ({ value, changed }) => {
        const [before, after] = await Promise.all([fingerprintOf(request(value)), fingerprintOf(request(changed))]);
        expect(after.fingerprint).not.toBe(before.fingerprint);
      }),
    );
  });

  it("changes with a field that is added, even as null", async () => {
    const [without, withNull] = await Promise.all([fingerprintOf(request({})), fingerprintOf(request({ name: null }))]);
    expect(withNull.fingerprint).not.toBe(without.fingerprint);
  });

  it("changes with operation, type and path", async () => {
    const first = request({ a: 1 });
    const others = [{}, { operation: "batches-submit" }, { type: "interactive" as const }, { path: { agent_id: "x" } }];
    const prints = await Promise.all(others.map((more) => fingerprintOf({ ...first, ...more })));
    expect(new Set(prints.map(({ fingerprint }) => fingerprint)).size).toBe(others.length);
  });

  it("is the same exactly when nothing is mismatched", async () => {
    await fc.assert(
      fc.asyncProperty(json, json, async (a, b) => {
        const [first, second] = await Promise.all([fingerprintOf(request(a)), fingerprintOf(request(b))]);
        const differs = mismatchPointers(request(a), request(b)).length > 0;
        expect(first.fingerprint !== second.fingerprint).toBe(differs);
      }),
    );
  });
});

function isSame(a: unknown, b: unknown): boolean {
  if (!isContainer(a) || !isContainer(b)) return a === b;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  if (Array.isArray(a) !== Array.isArray(b) || left.length !== right.length) return false;
  return left.every(([name, inner]) => Object.hasOwn(b, name) && isSame(inner, Reflect.get(b, name)));
}
