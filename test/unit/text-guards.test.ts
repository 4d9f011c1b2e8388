import { describe, expect, it } from "vitest";
import { lengthFault } from "../../src/domain/facts/length-guard";
import { refuses } from "../../src/domain/facts/refusal";
import { DEFAULT_VOICE } from "../../src/domain/agents/voice";

describe("a refusal", () => {
  it.each([
    "I can't help with that.",
    "I can’t assist with that request.",
    "I'm sorry, but I can't help with that.",
    "I’m sorry, I cannot assist with this.",
    "I am very sorry, but I am unable to comply.",
    "Sorry, I won't rewrite this text.",
    "Unfortunately, I am not able to retell this memory.",
    "I cannot provide a retelling of this memory.",
    "As an AI language model, I have no memories.",
    "Ahem. As a large language model I would rather not.",
  ])("is known by its words: %s", (text) => {
    expect(refuses("I saw the sea.", text)).toBe(true);
  });

  it.each([
    "I couldn't help laughing.",
    "I can't swim, and I told her so.",
    "I'm sorry I missed the boat to Lisbon.",
    "She said that she would not help me.",
    "I asked an AI about it.",
    "Mara cannot help but smile at that.",
  ])("is not what a memory may say: %s", (text) => {
    expect(refuses("I saw the sea.", text)).toBe(false);
  });

  it("is none where the source speaks so itself", () => {
    expect(refuses("I told Bob: I can't help with that.", "To Bob I said: I can't help with that.")).toBe(false);
  });

  it("is none behind the beginning of a text", () => {
    expect(refuses("I saw the sea.", `${"I saw the sea. ".repeat(10)} I can't help with that.`)).toBe(false);
  });
});

describe("the length of a retelling", () => {
  const source = "I walked down to the harbour with her and the boats were gone.";

  it.each([
    ["as long as its source", source, null],
    ["a little shorter", source.slice(0, 40), null],
    ["twice as long", source.repeat(2), null],
    ["a word", "banana", "too-short"],
    ["a tale", source.repeat(9), "too-long"],
  ] as const)("that is %s", (_, text, fault) => {
    expect(lengthFault(source, text, DEFAULT_VOICE)).toBe(fault);
  });

  it("is not asked of a short source", () => {
    expect(lengthFault("Yes, that I did.", "Aye.", DEFAULT_VOICE)).toBeNull();
  });

  it("may grow by the voice's own phrases", () => {
    const openers = ["Mark my words, for I shall not say them twice: ".repeat(10)];
    const text = `${openers[0]}${"x".repeat(300)}`;
    expect(lengthFault("I saw.", text, DEFAULT_VOICE)).toBe("too-long");
    expect(lengthFault("I saw.", text, { ...DEFAULT_VOICE, openers })).toBeNull();
  });
});
