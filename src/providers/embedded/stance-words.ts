import type { Family } from "./manner";

/** Where in a sentence a phrase of stance may stand. */
export type Place =
  /** A bare adverb behind "is", "was", "can", "have". */
  | "mid"
  /** A bare adverb between a pronoun and its verb: "I simply went". */
  | "verb"
  /** Between commas, behind "is" or between a verb and its preposition. */
  | "aside"
  /** The first words of a later sentence that a pronoun begins: "Frankly, it was". */
  | "lead"
  /** Between "and" or "but" and a pronoun: "and frankly it was". */
  | "joined"
  /** A bare adverb behind the pronoun of a yes-or-no question: "Did you perhaps see". */
  | "question"
  /** The same in a question that asks for more: "What did you actually see". */
  | "asked"
  /** Between commas behind the word that asks: "How, may I ask, are you?" */
  | "wh"
  /** Behind the last word of a question: "What happened, then?" */
  | "tag"
  /** Behind the last word of a statement: "It broke down at Dunbar, no less." */
  | "trail";

/**
 * Phrases of stance by family: they say how sure the teller is, and never what happened. `,` behind a lead: a comma
 * goes there. `1`: only where the agent tells in the first person.
 */
export const STANCE_WORDS: Readonly<Record<Family, Partial<Record<Place, string>>>> = {
  formal: {
    mid: "indeed | certainly | assuredly",
    verb: "certainly | sincerely",
    aside: "it must be said | one may say | in truth",
    joined: "indeed | in truth",
    lead: "indeed, | in truth, | it must be said that",
    question: "by any chance",
    wh: "may I ask 1 | if one may ask",
    tag: "if I may ask 1 | if one may ask",
    trail: "it must be said | one may add | in point of fact",
  },
  blunt: {
    mid: "simply | plainly",
    verb: "simply",
    aside: "frankly | put bluntly | in short",
    joined: "frankly | in short",
    lead: "frankly, | in short, | fact is,",
    tag: "then",
    trail: "mind | and no mistake | like it or not",
  },
  warm: {
    mid: "truly",
    verb: "truly | dearly",
    aside: "you see",
    joined: "truly",
    lead: "truly, | you see, | oh,",
    wh: "do tell",
    tag: "dear | my dear",
    trail: "you see | you understand",
  },
  bold: {
    mid: "truly | absolutely | undeniably",
    verb: "truly | absolutely",
    aside: "without a doubt | make no mistake | beyond question",
    joined: "truly | without a doubt | I swear 1",
    lead: "without a doubt, | make no mistake, | I swear 1 | truly,",
    wh: "tell me",
    asked: "truly",
    tag: "I must know 1 | tell me",
    trail: "believe me | no less | I tell you 1",
  },
  casual: {
    mid: "honestly | totally | basically",
    verb: "totally",
    aside: "you know | no joke | honestly",
    joined: "honestly | no joke",
    lead: "honestly, | no joke, | you know,",
    question: "actually",
    asked: "actually",
    tag: "by the way | anyhow | though",
    trail: "you know | believe it or not | would you believe",
  },
  cautious: {
    mid: "perhaps | possibly | arguably",
    verb: "perhaps | possibly",
    aside: "I think 1 | I suppose 1 | it seems | as far as memory serves | so it appears",
    joined: "I think 1 | I suppose 1 | perhaps | it seems",
    lead: "I think 1 | I suppose 1 | I believe 1 | perhaps | it seems",
    question: "perhaps | possibly",
    wh: "I wonder 1 | one wonders",
    tag: "I wonder 1 | if it is all right to ask",
    trail: "I think 1 | I believe 1 | it seems | as far as anyone recalls",
  },
  wistful: {
    mid: "somehow",
    aside: "in a way | as these things go",
    joined: "somehow | in a way",
    lead: "in a way, | ah, | somehow",
    wh: "I wonder 1 | one wonders",
    tag: "I wonder 1 | one wonders",
    trail: "as I recall it 1 | if memory is kind",
  },
};
