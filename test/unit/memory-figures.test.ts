import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Memory } from "../../src/domain/memories/memory.ts";
import {
  addToFigures,
  NAMES_MAX,
  NOTHING_SEEN,
  REPEATS_MEMORIES_MAX,
} from "../../src/domain/memories/memory-figures.ts";

const base: Memory = {
  id: "memory_0",
  collectionId: "collection_0",
  agentId: null,
  text: "text",
  vectorText: null,
  type: "observation",
  importance: 5,
  memo: null,
  metadata: {},
  occurredAtMs: null,
  createdAtMs: 1,
  accessedAtMs: null,
  accessCount: 0,
  childMemoryIds: [],
  externalId: null,
  source: null,
  version: 1,
  deletedAtMs: null,
};

const memory: fc.Arbitrary<Memory> = fc
  .record({
    text: fc.string({ minLength: 1, maxLength: 6 }),
    type: fc.constantFrom("observation" as const, "integration" as const),
    importance: fc.integer({ min: 1, max: 10 }),
    agentId: fc.option(fc.constantFrom("a", "b", "__proto__")),
    metadata: fc.dictionary(fc.constantFrom("k", "l", "constructor"), fc.integer()),
    occurredAtMs: fc.option(fc.integer()),
    createdAtMs: fc.nat(),
    accessCount: fc.nat(9),
  })
  .map((given) => ({ ...base, ...given }));

/** Counts alone: the order in which texts were seen is no figure. */
const figuresOf = (memories: readonly Memory[]) => addToFigures(NOTHING_SEEN, memories).figures;
const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

describe("the figures of a collection", () => {
  it("are the same however the memories are cut into turns, also when they are stored between", () => {
    fc.assert(
      fc.property(fc.array(memory), fc.nat(), (memories, at) => {
        const cut = memories.length === 0 ? 0 : at % memories.length;
        const first = JSON.parse(JSON.stringify(addToFigures(NOTHING_SEEN, memories.slice(0, cut))));
        expect(addToFigures(first, memories.slice(cut)).figures).toEqual(figuresOf(memories));
      }),
    );
  });

  it("do not depend on the order of the memories", () => {
    fc.assert(
      fc.property(fc.array(memory), (memories) => {
        expect(figuresOf(memories.toReversed())).toEqual(figuresOf(memories));
      }),
    );
  });

  it("count each memory once in every division", () => {
    fc.assert(
      fc.property(fc.array(memory), (memories) => {
        const figures = figuresOf(memories);
        const divisions = [[figures.memories], figures.importances, figures.lengths];
        for (const division of divisions) expect(sum(division)).toBe(memories.length);
        expect(sum(Object.values(figures.types))).toBe(memories.length);
        expect(figures.repeats).toBe(memories.length - new Set(memories.map(({ text }) => text)).size);
      }),
    );
  });

  it("name so many keys, and count the others together", () => {
    const memories = Array.from({ length: NAMES_MAX + 7 }, (_, i) => ({ ...base, metadata: { [`key ${i}`]: 1 } }));
    const { counts, others } = figuresOf(memories).metadataKeys;
    expect([Object.keys(counts).length, others]).toEqual([NAMES_MAX, 7]);
  });

  it("say nothing of repeats once there are too many memories to remember, and keep no hashes then", () => {
    const many = Array.from({ length: REPEATS_MEMORIES_MAX }, (_, i) => ({ ...base, text: `${i}` }));
    const full = addToFigures(NOTHING_SEEN, many);
    expect(full.figures.repeats).toBe(0);
    expect(addToFigures(full, [base])).toMatchObject({ figures: { repeats: null }, seenTexts: null });
  });
});
