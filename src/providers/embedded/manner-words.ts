import type { Family } from "./manner";
import { BLUNT_WORDS } from "./manner-words/blunt";
import { BOLD_WORDS } from "./manner-words/bold";
import { CASUAL_WORDS } from "./manner-words/casual";
import { CAUTIOUS_WORDS } from "./manner-words/cautious";
import { FORMAL_WORDS } from "./manner-words/formal";
import { WARM_WORDS } from "./manner-words/warm";
import { WISTFUL_WORDS } from "./manner-words/wistful";

/**
 * What each family says instead of common words. A line: words of the source, `{where}`, `=`, what to say; `|` parts
 * several, of which an agent has its own. `-` leaves the word out. See `word-choice.ts` for the conditions.
 */
export const MANNER_WORDS: Readonly<Record<Family, string>> = {
  formal: FORMAL_WORDS,
  blunt: BLUNT_WORDS,
  warm: WARM_WORDS,
  casual: CASUAL_WORDS,
  bold: BOLD_WORDS,
  cautious: CAUTIOUS_WORDS,
  wistful: WISTFUL_WORDS,
};
