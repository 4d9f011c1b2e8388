import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { voicedAgents } from "../../scripts/eval-voice/agents.ts";
import { newFaults } from "../../scripts/eval-voice/grammar.ts";
import { wordsOf } from "../../scripts/eval-voice/words.ts";
import { sampleMemories } from "../../scripts/sample/collection.ts";
import { allowedByVoice, checkFacts } from "../../src/domain/facts/fact-guard";
import { DEFAULT_VOICE, type Voice } from "../../src/domain/agents/voice";
import { mannerOf } from "../../src/providers/embedded/manner";
import { OPENER_WINDOW, phraseAt } from "../../src/providers/embedded/phrase-walk";
import { embeddedRulesGenerator } from "../../src/providers/embedded/rules-generator";
import type { AgentProfile } from "../../src/services/ports/ports";

const generator = embeddedRulesGenerator();
const agentWith = (voice: Partial<Voice>): AgentProfile => ({
  name: "Mara",
  description: null,
  persona: null,
  voice: { ...DEFAULT_VOICE, ...voice },
});

async function toldBy(
  agent: AgentProfile,
  text: string,
  { memoryId = "memory_1", position = 0 } = {},
): Promise<string> {
  const request = { idempotencyKey: "key", agent, memory: { memoryId, text, occurredAt: null }, position };
  const { text: result } = await generator.reVoice(
    { ...request, sourceContext: [], agentContext: [], instructions: null, repair: null },
    { signal: new AbortController().signal },
  );
  if (result === null) throw new Error("The rules always answer.");
  return result;
}

const told = (tone: string, text: string, voice: Partial<Voice> = {}) => toldBy(agentWith({ ...voice, tone }), text);

describe("re-voice-manner", () => {
  it.each([
    [
      "formal",
      "Sounds great! Can't wait to see it. Did you see it?",
      /^That sounds (?:excellent|splendid|fine); I cannot/u,
    ],
    ["blunt", "Wow, that's really cool, Tom! We had such a great time.", /^That's, [a-z ]+, (?:decent|fair), Tom\. /u],
    ["blunt", "We walked to the old harbour, and I was really tired.", /harbour\. (?:[A-Z][a-z ]+, )?I was/u],
    ["blunt", "I went to the fair. The dog stayed at home.", /^(?:I went, [a-z ]+, to|Went to|I went to) the fair/u],
    ["warm", "I was happy. It was a nice day.", /^I was (?:truly )?(?:overjoyed|so happy).*, and it was/u],
    ["bold", "I think it was a great idea.", /^I firmly believe it was a (?:magnificent|tremendous|mighty) idea/u],
    [
      "playful",
      "I was really happy and my kids had a lot of fun.",
      /(?:super|crazy|mega).*kiddos had (?:loads|heaps) of fun/u,
    ],
    ["cautious", "That's so cool, Tom! I hope it works.", /^That's (?:rather|quite) interesting, Tom\. I rather hope/u],
    ["wistful", "I am happy here. It is a good place.", /^I was(?:, [a-z ]+,)? happy here, and it was/u],
  ])("gives a %s voice its own words inside a sentence: %s", async (tone, source, expected) => {
    expect(await told(tone, source)).toMatch(expected);
  });

  it("sounds different for each family, and for no two alike", async () => {
    const source = "I was really happy, and we had a great time at the lake. It was an awesome idea!";
    const tones = ["formal", "blunt", "warm", "bold", "playful", "cautious", "wistful"];
    const results = await Promise.all(tones.map((tone) => told(tone, source)));
    expect(new Set(results.map((result) => wordsOf(result).join(" "))).size).toBe(tones.length);
  });

  it.each(["I think it was a good idea.", "It was a good idea, and we went home early."])(
    "hedges a cautious voice once a sentence: %s",
    async (source) => {
      const result = await told("cautious", source);
      const hedges = result.match(
        /\b(?:think|suppose|believe|perhaps|possibly|arguably|seems|appears|suspect|serves)\b/giu,
      );
      expect(hedges).toHaveLength(1);
    },
  );

  it("speaks of itself in its hedges only where it tells in the first person", async () => {
    for (const person of ["second", "third"] as const) {
      const result = await told("cautious", "It was late. It was a good idea. It was the best night.", { person });
      expect(result).not.toMatch(/\bI\b/u);
    }
  });

  it("lets two agents of one tone choose differently, and each the same every time", async () => {
    const source = sampleMemories.map(({ text }) => text).slice(0, 20);
    const [mara, tom] = await Promise.all(
      ["Mara", "Tom"].map((name) =>
        Promise.all(source.map((text) => toldBy({ ...agentWith({ tone: "bold" }), name }, text))),
      ),
    );
    expect(mara).not.toEqual(tom);
    expect(await Promise.all(source.map((text) => toldBy(agentWith({ tone: "bold" }), text)))).toEqual(mara);
  });

  it("leaves quotes, notes, addresses and names alone", async () => {
    const kept = [
      `"That's really great, I think,"`,
      "[photo: a really great day]",
      "Great Awesome Lake",
      "great@example.org",
    ];
    const source = `${kept[0]} he said at ${kept[2]}. Write to ${kept[3]}. ${kept[1]}`;
    for (const tone of ["formal", "blunt", "warm", "bold", "playful", "cautious", "wistful"]) {
      const result = await told(tone, source);
      for (const part of kept) expect(result).toContain(part);
    }
  });
});

describe("re-voice-tense", () => {
  it.each([
    "I am happy now.",
    "I always sing.",
    "Is it late?",
    "I hope it rains.",
    "We live in Lisbon.",
    "It's been late.",
    'It says "I am here".',
    "I am sure that it is late.",
  ])("keeps the present where the past would be another message: %s", async (source) => {
    const result = await told("wistful", source);
    expect(wordsOf(result)).toEqual(expect.arrayContaining([...wordsOf(source)]));
  });

  it("leaves the tense to every other manner", async () => {
    for (const tone of ["formal", "blunt", "warm", "bold", "cautious"]) {
      expect(await told(tone, "She is my neighbour.")).toMatch(/^She(?: is|'s)\b/u);
    }
  });
});

describe("re-voice-families", () => {
  it.each([
    [{ tone: "blunt", traits: ["casual"] }, ["blunt", "casual"]],
    [{ tone: "formal", traits: ["playful"] }, ["formal"]],
    [{ tone: null, traits: ["formal", "playful"] }, []],
    [{ tone: "cautious", traits: ["bold", "warm"] }, ["cautious", "warm"]],
    [{ tone: "Warm and gentle", traits: [] }, ["warm"]],
    [{ tone: "purple", traits: ["tall"] }, []],
  ])("%j → %j", (voice, families) => {
    expect(mannerOf({ ...DEFAULT_VOICE, ...voice }).families).toEqual(families);
  });
});

describe("re-voice-opener-window", () => {
  const phrases = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 12 });
  const walk = { seed: "Mara", slotsEach: 2 };

  it("has no phrase twice within five places, however many there are", () => {
    fc.assert(
      fc.property(phrases, fc.nat({ max: 100_000 }), fc.string(), (openers, start, seed) => {
        const window = Array.from({ length: OPENER_WINDOW }, (_, step) =>
          phraseAt(openers, start + step, { ...walk, seed }),
        ).filter((phrase) => phrase !== undefined);
        expect(new Set(window).size).toBe(window.length);
      }),
    );
  });

  it("comes to every phrase, and begins with one", () => {
    fc.assert(
      fc.property(phrases, (openers) => {
        const round = Array.from({ length: 2 * Math.max(openers.length, 4) }, (_, place) =>
          phraseAt(openers, place, walk),
        );
        expect(new Set(round.filter((phrase) => phrase !== undefined))).toEqual(new Set(openers));
        expect(round[0] === undefined).toBe(openers.length === 0);
      }),
    );
  });

  it("holds for what an agent tells in a row, two spellings of one opener included", async () => {
    const openers = ["Mark this:", "Mark this", "For the log:", "Plainly,"];
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, position) =>
        toldBy(agentWith({ openers }), "The boat sank in the harbour.", { position, memoryId: `memory_${position}` }),
      ),
    );
    const begun = results.map((text) => openers.find((opener) => text.startsWith(opener.replace(/[,:]$/u, ""))));
    expect(begun.filter((opener) => opener !== undefined).length).toBeGreaterThan(10);
    for (const [place, opener] of begun.entries()) {
      const before = begun.slice(Math.max(0, place - OPENER_WINDOW + 1), place);
      expect(opener !== undefined && before.includes(opener)).toBe(false);
    }
  });
});

/** Sentences as people write them: each has a fact, and words that every manner has something to say about. */
const sentence = fc
  .record({
    start: fc.constantFrom("", "Wow, ", "Hey Tom, ", "Yeah, ", "Thanks, Ana, ", "Last May "),
    subject: fc.constantFrom("I", "we", "she", "my kids", "Tom and I", "the two dogs"),
    verb: fc.constantFrom("really loved", "went to see", "had", "started", "think about", "definitely want"),
    object: fc.constantFrom("a great show in Lisbon", "the 3 awesome boats", "so much fun at Anna's", "an old house"),
    rest: fc.constantFrom("", ", and it was so cool", " because it's really nice", ", but I'm happy", " (twice)"),
    mark: fc.constantFrom(".", "!", "?", "…", " 😊", ". [photo: a great day]"),
  })
  .map(({ start, subject, verb, object, rest, mark }) => {
    const text = `${start}${subject} ${verb} ${object}${rest}${mark}`;
    return text.charAt(0).toUpperCase() + text.slice(1);
  });
const passage = fc.array(sentence, { minLength: 1, maxLength: 4 }).map((sentences) => sentences.join(" "));
const questionMarks = (text: string) => text.split("?").length - 1;
const anyAgent = fc.constantFrom(...voicedAgents);

describe("re-voice-any-text", () => {
  it("keeps every fact, adds none and no fault of grammar, and is the same each time", async () => {
    await fc.assert(
      fc.asyncProperty(passage, anyAgent, fc.string(), fc.nat(), async (text, agent, memoryId, position) => {
        const result = await toldBy(agent, text, { memoryId, position });
        expect(checkFacts(text, result, allowedByVoice(agent.name, agent.voice))).toEqual({ missing: [], added: [] });
        expect(newFaults(text, result)).toEqual([]);
        expect(await toldBy(agent, text, { memoryId, position })).toBe(result);
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it("lets a question stay a question, and asks nothing that was told", async () => {
    await fc.assert(
      fc.asyncProperty(passage, anyAgent, fc.nat(), async (text, agent, position) => {
        expect(questionMarks(await toldBy(agent, text, { position }))).toBe(questionMarks(text));
      }),
      { numRuns: 100 },
    );
  }, 60_000);

  it("keeps the words of an agent without a voice", async () => {
    await fc.assert(
      fc.asyncProperty(passage, fc.nat(), async (text, position) => {
        expect(await toldBy(agentWith({}), text, { position })).toBe(text);
      }),
      { numRuns: 50 },
    );
  }, 60_000);
});
