import type { Family } from "./manner";

/** Where in a sentence a phrase of stance may stand. */
export type Place =
  /** A bare adverb behind "is", "was", "can", "have". */
  | "mid"
  /** A bare adverb between a pronoun and its verb: "I simply went". */
  | "verb"
  /** Between commas, behind "is" or between a verb and its preposition. */
  | "aside"
  /** Before a clause that a pronoun begins: behind "and", or as the first words of a later sentence. */
  | "lead"
  /** A bare adverb behind the pronoun of a question: "Did you perhaps see". */
  | "question"
  /** Between commas behind the word that asks: "How, may I ask, are you?" */
  | "wh"
  /** Behind the last word of a question: "What happened, then?" */
  | "tag";

/**
 * Phrases of stance by family: they say how sure the teller is, and never what happened. `,` behind a lead: a comma
 * goes there. `1`: only where the agent tells in the first person.
 */
export const STANCE_WORDS: Readonly<Record<Family, Partial<Record<Place, string>>>> = {
  formal: {
    mid: "indeed | certainly | assuredly",
    verb: "certainly | sincerely",
    aside: "it must be said | one may say | in truth",
    lead: "indeed, | in truth, | it must be said that",
    question: "by any chance",
    wh: "may I ask 1 | if one may ask",
    tag: "if I may ask 1 | if one may ask",
  },
  blunt: {
    mid: "simply | plainly",
    verb: "simply",
    aside: "frankly | put bluntly | in short",
    lead: "frankly, | in short, | fact is,",
    tag: "then",
  },
  warm: {
    mid: "truly",
    verb: "truly | dearly",
    aside: "you see",
    lead: "truly, | you see, | oh,",
    wh: "do tell",
    tag: "dear | my dear",
  },
  bold: {
    mid: "truly | absolutely | undeniably",
    verb: "truly | absolutely",
    aside: "without a doubt | make no mistake | beyond question",
    lead: "without a doubt, | make no mistake, | I swear 1 | truly,",
    wh: "tell me | I demand to know 1",
    tag: "I must know 1 | tell me true",
  },
  casual: {
    mid: "honestly | totally | basically",
    verb: "totally",
    aside: "you know | no joke | honestly",
    lead: "honestly, | no joke, | you know,",
    question: "actually",
    tag: "by the way | anyhow | though",
  },
  cautious: {
    mid: "perhaps | possibly | arguably",
    verb: "perhaps | possibly",
    aside: "I think 1 | I suppose 1 | it seems | as far as memory serves | so it appears",
    lead: "I think 1 | I suppose 1 | I believe 1 | perhaps | it seems",
    question: "perhaps | possibly",
    wh: "I wonder 1 | one wonders",
    tag: "I wonder 1 | if it is all right to ask",
  },
  wistful: {
    mid: "somehow | forever",
    verb: "somehow",
    aside: "as memory has it | in a way | looking back",
    lead: "looking back, | in a way, | somehow",
    wh: "I wonder 1 | one wonders",
    tag: "I wonder 1 | one wonders",
  },
};
