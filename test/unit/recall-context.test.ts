import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CHARACTERS_PER_TOKEN, contextOf } from "../../src/domain/recall/prompt-context";

const memory = (id: string, text: string, occurredAtMs: number | null = null, createdAtMs = 0) => ({
  memoryId: id,
  text,
  occurredAtMs,
  createdAtMs,
});

describe("context-of", () => {
  it("tells memories oldest first, one a line, with the date where one is known", () => {
    const day = Date.UTC(2003, 6, 14, 23, 59);
    const { text, chunks } = contextOf(
      [memory("b", "Later", null, day + 1), memory("a", "Marta sold 3 boats", day)],
      100,
    );
    expect(text).toBe("[2003-07-14] Marta sold 3 boats\nLater");
    expect(chunks).toEqual([
      { memoryId: "a", text: "[2003-07-14] Marta sold 3 boats", tokens: 8 },
      { memoryId: "b", text: "Later", tokens: 2 },
    ]);
  });

  it("keeps the best, leaves out what does not fit as a whole, and goes on with what does", () => {
    const memories = [memory("a", "x".repeat(12)), memory("b", "y".repeat(30)), memory("c", "z".repeat(7))];
    expect(contextOf(memories, 5).chunks.map(({ memoryId }) => memoryId)).toEqual(["a", "c"]);
    expect(contextOf(memories, 0)).toEqual({ text: "", chunks: [] });
  });

  it("never exceeds its budget, never cuts a memory, and is what its chunks say", () => {
    const any = fc.array(fc.tuple(fc.string({ maxLength: 60 }), fc.option(fc.nat(4e12)), fc.nat(4e12)), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(any, fc.nat(100), (given, budget) => {
        const memories = given.map(([text, occurredAtMs, createdAtMs], i) =>
          memory(`m${i}`, text, occurredAtMs, createdAtMs),
        );
        const { text, chunks } = contextOf(memories, budget);
        expect(text.length).toBeLessThanOrEqual(budget * CHARACTERS_PER_TOKEN);
        expect(text).toBe(chunks.map((chunk) => chunk.text).join("\n"));
        for (const chunk of chunks) {
          const told = memories.find(({ memoryId }) => memoryId === chunk.memoryId);
          expect(chunk.text.endsWith(told?.text ?? "never told")).toBe(true);
        }
      }),
    );
  });
});
