import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sampleAgents } from "../../scripts/sample/agents.ts";
import { sampleMemories } from "../../scripts/sample/collection.ts";
import { allowedByVoice, checkFacts } from "../../src/domain/facts/fact-guard";
import { DEFAULT_VOICE, type Voice } from "../../src/domain/agents/voice";
import { embeddedRulesGenerator } from "../../src/providers/embedded/rules-generator";
import type { ContextMemory, ReVoiceRequest } from "../../src/services/ports/ports";

const generator = embeddedRulesGenerator();
const memory = (text: string, memoryId = "memory_1"): ContextMemory => ({ memoryId, text, occurredAt: null });

function request(text: string, voice: Partial<Voice>, changes: Partial<ReVoiceRequest> = {}): ReVoiceRequest {
  return {
    idempotencyKey: "key",
    agent: { name: "Mara", description: null, persona: null, voice: { ...DEFAULT_VOICE, ...voice } },
    memory: memory(text),
    position: 0,
    sourceContext: [],
    agentContext: [],
    instructions: null,
    repair: null,
    ...changes,
  };
}

async function told(text: string, voice: Partial<Voice>, changes: Partial<ReVoiceRequest> = {}): Promise<string> {
  const { text: result } = await generator.reVoice(request(text, voice, changes), {
    signal: new AbortController().signal,
  });
  return result ?? "";
}

const DOUBLED = /\S {2,}\S|,,|,\.|;;|::|:,|,:|!\.|\?\.|,!|,\?/u;
const LOWER_START = /^\p{Ll}|[^.][.!?] \p{Ll}/u;
const sampleText = fc.constantFrom(...sampleMemories.map((sample) => sample.text));
const sampleAgent = fc.constantFrom(...sampleAgents);

describe("re-voice-second-person", () => {
  it.each([
    ["I was tired and I am cold.", "You were tired and you are cold."],
    ["My son told me that the boat was mine.", "Your son told you that the boat was yours."],
    ["I also was at home and was sad.", "You also were at home and were sad."],
    ["Was I late? Am I ever?", "Were you late? Are you ever?"],
    ["I told you the truth.", "You told them the truth."],
    ["I learned that you can't hurry bread.", "You learned that you can't hurry bread."],
    ["Let me know when Tom is back.", "Let me know when Tom is back."],
  ])("%s → %s", async (source, expected) => {
    expect(await told(source, { person: "second" })).toBe(expected);
  });
});

describe("re-voice-third-person", () => {
  it.each([
    ["I am late. I have no key.", "Mara is late. They have no key."],
    ["I wake up at six and make coffee.", "Mara wakes up at six and makes coffee."],
    ["I'm happy, I've won and I'll sing.", "Mara is happy, they've won and they'll sing."],
    ["I'm always down for tea.", "Mara is always down for tea."],
    ["Tom and I were friends.", "Tom and Mara were friends."],
    ["Tom left and I was sad.", "Tom left and Mara was sad."],
    ["Can I do anything? Should I go?", "Can Mara do anything? Should they go?"],
    ["Do I know? I don't.", "Does Mara know? They don't."],
    ["They were kind, and I liked them. I left my hat.", "They were kind, and Mara liked them. Mara left their hat."],
    ["I put the book back yesterday.", "Mara put the book back yesterday."],
    ["My dog bit me.", "Mara's dog bit them."],
    ["I'd gone home, or I'd have called.", "Mara had gone home, or they'd have called."],
    ["I watched Henry I with a friend of mine.", "Mara watched Henry I with a friend of theirs."],
  ])("%s → %s", async (source, expected) => {
    expect(await told(source, { person: "third" })).toBe(expected);
  });

  it("leaves quoted speech, bracketed notes and titles as they are", async () => {
    const source = `"I am here," Tom said. I saw My Fair Lady. [photo: my dog]`;
    expect(await told(source, { person: "third" })).toBe(
      `"I am here," Tom said. Mara saw My Fair Lady. [photo: my dog]`,
    );
  });

  it("lets a turn of a dialogue survive", async () => {
    const source = "Hey Mel! Good to see you! How have you been?";
    expect(await told(source, { person: "third" })).toBe(source);
  });
});

describe("re-voice-lexicon", () => {
  const lexicon = { dog: "animal", walk: "march", "a lot of": "plenty of", love: "adore" };

  it.each([
    ["A dog walked by.", "An animal marched by."],
    ["Dogs! Not a DOG was there.", "Animals! Not an ANIMAL was there."],
    ["We had a lot of hot-dog stands.", "We had plenty of hot-dog stands."],
    ["The Dog and Duck is a pub in Dog Street.", "The Dog and Duck is a pub in Dog Street."],
    ['He cried "dog".', 'He cried "dog".'],
    ["I fell in love.", "I fell in love."],
  ])("%s → %s", async (source, expected) => {
    expect(await told(source, { lexicon })).toBe(expected);
  });

  it("replaces no fact", async () => {
    expect(await told("I have two dogs.", { lexicon: { two: "a few" } })).toBe("I have two dogs.");
  });
});

describe("re-voice-openers-and-closers", () => {
  it.each([
    ["The boat sank.", "Truth be told,", "Truth be told, the boat sank."],
    ["The boat sank.", "I remember how", "I remember how the boat sank."],
    ["The boat sank.", "Mark this:", "Mark this: The boat sank."],
    ["I sank.", "Truth be told", "Truth be told: I sank."],
    ["I was there.", "Truth be told", "Truth be told, I was there."],
    ["Mum was there.", "Truth be told,", "Truth be told, Mum was there."],
    ["Hey Mel! Good to see you!", "Truth be told,", "Hey Mel! Good to see you!"],
    ["What a day! The boat sank.", "Truth be told,", "What a day! The boat sank."],
    ["Did the boat sink?", "Mark this:", "Did the boat sink?"],
    ["Sounds good to me.", "Mark this:", "Sounds good to me."],
  ])("%s with %s", async (source, opener, expected) => {
    expect(await told(source, { openers: [opener] })).toBe(expected);
  });

  it.each([
    ["The boat sank.", "and that was that.", "The boat sank, and that was that."],
    ["The boat sank!", "and that was that", "The boat sank!"],
    ["Did the boat sink?", "Enough said.", "Did the boat sink?"],
    ["The boat sank", "Enough said.", "The boat sank. Enough said."],
    ["The boat sank. [photo: a boat]", "Enough said.", "The boat sank. Enough said. [photo: a boat]"],
  ])("%s with %s", async (source, closer, expected) => {
    expect(await told(source, { closers: [closer] })).toBe(expected);
  });

  it("avoids an opener that a recalled memory of the agent begins with", async () => {
    const agentContext = [memory("Mark this: it rained.", "memory_2")];
    expect(await told("The boat sank.", { openers: ["Mark this:", "For the log:"] }, { agentContext })).toBe(
      "For the log: The boat sank.",
    );
  });

  it("leaves them out where the text would grow beyond 8,000 characters", async () => {
    const source = `${"The sea was calm. ".repeat(444)}Done.`;
    expect(await told(source, { openers: ["Mark this:"], closers: ["Enough said."] })).toBe(source);
  });
});

describe("re-voice-contractions", () => {
  it("writes them out for a formal voice", async () => {
    expect(await told("Doesn't it hurt that it's been late? What've I said that can't be?", { tone: "formal" })).toBe(
      "Does it not hurt that it has been late? What have I said that cannot be?",
    );
    expect(await told("How'd they know that it's made me cry?", { tone: "formal" })).toMatch(
      /^How(?:, [a-z ]+,)? did they know that it has made me cry\?$/u,
    );
  });

  it("runs words together for a casual voice, but not at the end of a clause", async () => {
    expect(
      await told("Does Ana know that it is not here, and that I am tall? Does Tom know how old I am today?", {
        tone: "playful",
      }),
    ).toBe("Does Ana know that it isn't here, and that I am tall? Does Tom know how old I am today?");
  });
});

describe("re-voice", () => {
  it("meets the names of JavaScript's own properties as plain words", async () => {
    const source = "Have I met the constructor, and constructor they said?";
    const expected = "Has Mara met the constructor, and constructor they said?";
    expect(await told(source, { person: "third", tone: "formal", lexicon: { boat: "constructor" } })).toBe(expected);
  });

  it("returns the text unchanged for a voice of defaults", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme" }), async (text) => {
        expect(await told(text, {})).toBe(text);
      }),
    );
  });

  it("keeps every fact, adds none, and is the same each time", async () => {
    await fc.assert(
      fc.asyncProperty(sampleText, sampleAgent, fc.string(), fc.nat(), async (text, agent, memoryId, position) => {
        const changes = { agent: { ...agent }, memory: memory(text, memoryId), position };
        const result = await told(text, {}, changes);
        expect(checkFacts(text, result, allowedByVoice(agent.name, agent.voice))).toEqual({ missing: [], added: [] });
        expect(result).not.toMatch(DOUBLED);
        expect(result).not.toMatch(LOWER_START);
        expect(await told(text, {}, changes)).toBe(result);
      }),
    );
  }, 60_000);

  it("keeps to 8,000 characters and to the facts for any text and person", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "grapheme", maxLength: 200 }),
        fc.constantFrom("second", "third"),
        async (part, person) => {
          const text = `I ${part} my 7 boats. `.repeat(8000).slice(0, 8000);
          const result = await told(text, {
            person: person === "second" ? "second" : "third",
            openers: ["Mark this:"],
          });
          expect(result.length).toBeLessThanOrEqual(8000);
          expect(checkFacts(text, result, ["Mara", "Mark this:"]).missing).toEqual([]);
        },
      ),
      { numRuns: 5 },
    );
  }, 60_000);

  it("changes at least nine of ten sample memories for each sample agent", async () => {
    for (const agent of sampleAgents) {
      const results = await Promise.all(
        sampleMemories.map(({ text }, index) => told(text, {}, { agent, memory: memory(text, `memory_${index}`) })),
      );
      const changed = results.filter((result, index) => result !== sampleMemories[index]?.text).length;
      expect(changed / sampleMemories.length).toBeGreaterThanOrEqual(0.9);
    }
  });

  it("copies the sentence whose fact was lost, when asked to repair", async () => {
    const repair = { text: "Mara met someone.", missing: ["Tom"], added: [] };
    expect(await told("I met Tom. I was glad.", { person: "third" }, { repair })).toBe("I met Tom. Mara was glad.");
  });

  it("uses no tokens", async () => {
    const { usage } = await generator.reVoice(request("I am.", { person: "third" }), {
      signal: new AbortController().signal,
    });
    expect(usage).toEqual({ inputTokens: 0, outputTokens: 0 });
  });

  it("throws the reason of an aborted signal", async () => {
    const reason = new Error("stopped");
    await expect(generator.reVoice(request("I am.", {}), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
