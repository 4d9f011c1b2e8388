import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestFirst, type MemoryScore } from "../../src/domain/recall/memory-scoring";
import { type Candidate, chronological, selectMemories } from "../../src/domain/recall/memory-selection";
import { MAX_MEMORY_STRATEGIES, type MaxMemoryStrategy } from "../../src/domain/recall/memory-settings";

const settingsOf = (maxMemoryStrategy: MaxMemoryStrategy, maxMemories: number, minScore = 0) => ({
  maxMemoryStrategy,
  maxMemories,
  minScore,
});
const idsOf = (memories: readonly { readonly memoryId: string }[]) => memories.map(({ memoryId }) => memoryId);
const memory = (memoryId: string, part: Partial<Candidate>): Candidate => ({
  memoryId,
  text: memoryId,
  score: 0.5,
  relevance: 0.5,
  importance: 0.5,
  recency: 0.5,
  ...part,
});

const few = fc.constantFrom(0, 0.25, 0.5, 0.75, 1);
const anyText = fc.array(fc.constantFrom("cat", "sofa", "garden", "tree", "the", "Mel"), { maxLength: 5 });
const anyCandidates: fc.Arbitrary<Candidate[]> = fc
  .array(fc.record({ text: anyText, score: few, relevance: few, importance: few, recency: few }), { maxLength: 12 })
  .map((items) => items.map((item, index) => ({ ...item, text: item.text.join(" "), memoryId: `memory_${index}` })));
const anyStrategy = fc.constantFrom(...MAX_MEMORY_STRATEGIES);
const anyMax = fc.integer({ min: 0, max: 14 });

describe("memory-selection", () => {
  const crowd = [
    memory("scored", { score: 0.9 }),
    memory("relevant", { relevance: 0.9 }),
    memory("important", { importance: 0.9 }),
    memory("recent", { recency: 0.9 }),
  ];

  it.each([
    ["highest_score", "scored"],
    ["most_relevant", "relevant"],
    ["most_important", "important"],
    ["most_recent", "recent"],
    ["diverse", "scored"],
  ] as const)("keeps by %s what is %s", (strategy, id) => {
    expect(idsOf(selectMemories(crowd, settingsOf(strategy, 1)))).toEqual([id]);
  });

  it("drops what scores under min_score before it cuts, whatever the strategy prefers", () => {
    const memories = [memory("low", { score: 0.39, importance: 1 }), memory("enough", { score: 0.4 })];
    expect(idsOf(selectMemories(memories, settingsOf("most_important", 1, 0.4)))).toEqual(["enough"]);
  });

  it("prefers by diverse another matter to a copy of what it has", () => {
    const memories = [
      memory("first", { score: 0.9, text: "Mel adopted a cat" }),
      memory("copy", { score: 0.8, text: "a cat that Mel adopted" }),
      memory("other", { score: 0.6, text: "the garden has a tree" }),
    ];
    expect(idsOf(selectMemories(memories, settingsOf("diverse", 2)))).toEqual(["first", "other"]);
    expect(idsOf(selectMemories(memories, settingsOf("highest_score", 2)))).toEqual(["first", "copy"]);
  });

  it("chooses by diverse as by highest_score when no two memories share a word", () => {
    fc.assert(
      fc.property(anyCandidates, anyMax, (candidates, max) => {
        const unlike = candidates.map((candidate, index) => ({ ...candidate, text: `word${index}` }));
        const chosen = selectMemories(unlike, settingsOf("diverse", max));
        expect(chosen).toEqual(selectMemories(unlike, settingsOf("highest_score", max)));
      }),
    );
  });

  it("keeps at most max_memories, each once, none under min_score, and as many as it may", () => {
    fc.assert(
      fc.property(anyCandidates, anyStrategy, anyMax, few, (candidates, strategy, max, minScore) => {
        const chosen = selectMemories(candidates, settingsOf(strategy, max, minScore));
        const enough = candidates.filter(({ score }) => score >= minScore);
        expect(chosen).toHaveLength(Math.min(max, enough.length));
        expect(new Set(chosen).size).toBe(chosen.length);
        for (const one of chosen) expect(enough).toContain(one);
      }),
    );
  });

  it("answers the same for any order of the candidates", () => {
    fc.assert(
      fc.property(anyCandidates, anyStrategy, anyMax, fc.nat(), (candidates, strategy, max, turn) => {
        const cut = turn % (candidates.length + 1);
        const turned = [...candidates.slice(cut), ...candidates.slice(0, cut)].toReversed();
        expect(selectMemories(turned, settingsOf(strategy, max))).toEqual(
          selectMemories(candidates, settingsOf(strategy, max)),
        );
      }),
    );
  });

  it("only adds, at the end, when max_memories grows", () => {
    fc.assert(
      fc.property(anyCandidates, anyStrategy, anyMax, (candidates, strategy, max) => {
        const more = selectMemories(candidates, settingsOf(strategy, max + 1));
        expect(more.slice(0, max)).toEqual(selectMemories(candidates, settingsOf(strategy, max)));
      }),
    );
  });

  it.each([
    ["highest_score", "score"],
    ["most_relevant", "relevance"],
    ["most_important", "importance"],
    ["most_recent", "recency"],
  ] as const)("answers %s best first by its component", (strategy, component: keyof MemoryScore) => {
    fc.assert(
      fc.property(anyCandidates, anyMax, (candidates, max) => {
        const best = candidates.toSorted(bestFirst(component)).slice(0, max);
        expect(selectMemories(candidates, settingsOf(strategy, max))).toEqual(best);
      }),
    );
  });

  it("leaves the list it was given as it was", () => {
    const before = [...crowd];
    selectMemories(crowd, settingsOf("diverse", 2));
    expect(crowd).toEqual(before);
  });
});

describe("chronological", () => {
  it("tells the oldest first: by when it happened, else when it was added, then by id", () => {
    const memories = [
      { memoryId: "d", occurredAtMs: null, createdAtMs: 30 },
      { memoryId: "c", occurredAtMs: 20, createdAtMs: 99 },
      { memoryId: "b", occurredAtMs: 10, createdAtMs: 99 },
      { memoryId: "a", occurredAtMs: 10, createdAtMs: 99 },
    ];
    expect(idsOf(chronological(memories))).toEqual(["a", "b", "c", "d"]);
  });
});
