import type { Voice } from "../agents/voice";

/** Shorter texts are not compared: "Yes." and "Aye, that I did." are as long as they are. */
const COMPARED_CHARACTERS_MIN = 40;
/** Of the source's length. Retellings by language models lie well between. */
const SHARE_MIN = 0.35;
const SHARE_MAX = 3;
/** What a short memory may grow by besides. */
const GROWTH_CHARACTERS = 300;

/**
 * Finds what cannot be a retelling by its length alone: an answer to something else, such as to an instruction inside of
 * the memory, or a tale around it.
 */
export function lengthFault(source: string, text: string, voice: Voice): "too-short" | "too-long" | null {
  const phrases = longest(voice.openers) + longest(voice.closers);
  if (source.length >= COMPARED_CHARACTERS_MIN && text.length < source.length * SHARE_MIN) return "too-short";
  return text.length > source.length * SHARE_MAX + GROWTH_CHARACTERS + phrases ? "too-long" : null;
}

function longest(phrases: readonly string[]): number {
  return Math.max(0, ...phrases.map((phrase) => phrase.length));
}
