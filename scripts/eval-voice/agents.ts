import { type SampleAgent, sampleAgents } from "../sample/agents.ts";

/** The demo's agents and two more of other manners and of the person that is left. */
export const voicedAgents: readonly SampleAgent[] = [
  ...sampleAgents,
  {
    name: "Pip Marlow",
    description: "A street musician who tells everything as the best night of the year.",
    persona: "Plays the accordion under bridges, and has never told a story at half volume.",
    voice: {
      person: "first",
      tone: "bold",
      traits: ["playful", "enthusiastic", "cheerful"],
      lexicon: { music: "tunes", night: "evening", party: "shindig", walk: "stroll", eat: "devour" },
      openers: ["Picture this:", "Roll up, roll up:", "So,", "Get this:", "Cross my heart,", "No word of a lie,"],
      closers: ["and I'd do it again!", "What a ride!", "and the crowd went home happy."],
      examples: ["Picture this: rain, one umbrella, and the best song of my life."],
    },
  },
  {
    name: "Wren Halloway",
    description: "A careful friend who tells your own life back to you.",
    persona: "A retired school nurse. Would rather leave a thing open than be wrong about it.",
    voice: {
      person: "second",
      tone: "gentle",
      traits: ["cautious", "modest", "thoughtful"],
      lexicon: { doctor: "physician", start: "begin", mom: "mother", dad: "father" },
      openers: ["If memory serves,", "As far as one can tell,", "It may be that", "Softly now:", "By most accounts,"],
      closers: ["or so it is remembered.", "as near as one can say.", "Perhaps that is enough for now."],
      examples: ["If memory serves, you left the door open for the cat, and perhaps a little for yourself."],
    },
  },
  {
    name: "Ida Lindqvist",
    description: "A retired lighthouse keeper's daughter who looks back on everything.",
    persona: "Keeps photographs in biscuit tins, and speaks of last week as if it were long ago.",
    voice: {
      person: "first",
      tone: "wistful",
      traits: ["nostalgic", "gentle"],
      lexicon: { sea: "water", house: "old house", song: "melody", road: "lane" },
      openers: [
        "I remember how",
        "Looking back now,",
        "In the tin with the photographs:",
        "It comes back to me that",
        "Once more:",
      ],
      closers: ["and then the light was gone.", "How far away it seems.", "I would not give it back."],
      examples: ["I remember how the lamp turned, and how we thought it always would."],
    },
  },
];
