import { describe, expect, it } from "vitest";

import { sampleAgents } from "../../scripts/sample/agents.ts";
import { tellApart } from "../../scripts/eval-voice/classifier.ts";
import { cutPhrases } from "../../scripts/eval-voice/cutting.ts";
import { countKept } from "../../scripts/eval-voice/facts.ts";
import { newFaults } from "../../scripts/eval-voice/grammar.ts";

const [captain] = sampleAgents;
const voice = {
  ...captain?.voice,
  openers: ["Mark this:", "I remember how"],
  closers: ["and that was that.", "Enough said."],
};

describe("eval:voice, facts", () => {
  it.each([
    ["We met Anna on 3 April.", "You met Anna on 3 April.", 3],
    ["We met Anna on 3 April.", "You met her on 3 April.", 2],
    ["We met Anna on 3 April.", "You met anna on 4 May.", 0],
    ["We paid two of them on Monday in Rome.", "You paid 2 of them on Monday in Rome.", 2],
    ["We paid two of them on Monday in Rome.", "You paid two of them.", 1],
  ])("%s → %s keeps %i", (source, result, kept) => {
    expect(countKept(source, result).kept).toBe(kept);
    expect(countKept(source, source).kept).toBe(countKept(source, source).total);
  });
});

describe("eval:voice, faults of grammar", () => {
  it.each([
    ["It was a old boat.", "a or an"],
    ["It was an boat.", "a or an"],
    ["It was  late.", "doubled space"],
    ["It was late,, and dark.", "doubled mark"],
    ["It was late. and dark.", "small letter after a sentence"],
    ["It was was late.", "doubled word"],
    ["So I were late.", "agreement"],
  ])("notices %s", (text, kind) => {
    expect(newFaults("It was late.", text).map((fault) => fault.kind)).toEqual([kind]);
  });

  it("leaves out what the source has itself, and counts what comes on top", () => {
    expect(newFaults("A old boat, a old man: a old story.", "So, a old boat, a old man.")).toEqual([]);
    expect(newFaults("It was a old boat.", "It was a old boat, a old boat.")).toHaveLength(1);
  });

  it.each(["It was an hour, a unit and an FBI man.", "A one-off, e.g. this, at 5 p.m. today.", "Were I there!"])(
    "passes %s",
    (text) => {
      expect(newFaults("", text)).toEqual([]);
    },
  );
});

describe("eval:voice, openers and closers", () => {
  it.each([
    ["Mark this: The boat sank.", "The boat sank.", "Mark this:"],
    ["I remember how the boat sank, and that was that.", "the boat sank", "I remember how"],
    ["I remember: Did it sink?", "Did it sink?", "I remember how"],
    ["The boat sank. Enough said. [photo: a boat]", "The boat sank. [photo: a boat]", null],
    ["Mark thistles: they sting.", "Mark thistles: they sting.", null],
  ])("%s → %s", (told, text, opener) => {
    expect(captain && cutPhrases(told, { ...captain.voice, ...voice })).toEqual({ text, opener });
  });
});

describe("eval:voice, the classifier", () => {
  const texts = Array.from({ length: 40 }, (_, index) => `memory ${index} of the boat`);

  it("tells agents apart by a word, on memories it never saw", () => {
    expect(
      tellApart(
        texts.map((text) => `${text} aye`),
        texts.map((text) => `${text} indeed`),
      ),
    ).toBe(1);
  });

  it("does not tell apart what is alike", () => {
    expect(tellApart(texts, texts)).toBe(0);
  });
});
