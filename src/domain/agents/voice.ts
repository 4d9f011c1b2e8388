/** How an agent speaks. Every field has a default, so that an agent without a voice keeps the words it is given. */
export interface Voice {
  /** Grammatical person in which the agent tells its memories. */
  readonly person: Person;
  /** A word or short phrase such as "warm" or "dry"; null when the agent has none. */
  readonly tone: string | null;
  /** Character traits, such as "cautious" or "cheerful". */
  readonly traits: readonly string[];
  /** Words of the source to the agent's own words: { "dog": "hound" }. */
  readonly lexicon: Readonly<Record<string, string>>;
  /** Phrases that may begin a memory, such as "Mark this:". */
  readonly openers: readonly string[];
  /** Phrases that may end a memory, such as "and that was that." */
  readonly closers: readonly string[];
  /** Sentences in the agent's own words, shown to a language model. */
  readonly examples: readonly string[];
}

export const PERSONS = ["first", "second", "third"] as const;
export type Person = (typeof PERSONS)[number];

export const DEFAULT_VOICE: Voice = {
  person: "first",
  tone: null,
  traits: [],
  lexicon: {},
  openers: [],
  closers: [],
  examples: [],
};
