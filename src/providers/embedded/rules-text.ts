import { isOrdinaryWord } from "../../domain/facts/ordinary-words";
import { findFixedSpans, type Span } from "./fixed-spans";
import type { TagsAt } from "./tagging";

/** A word of the text that is being re-worded, with what stands before it. The rules change it in place. */
export interface Token {
  gap: string;
  text: string;
  readonly tags: ReadonlySet<string>;
  /** Quoted, bracketed, an address or part of a title: stays as it is. */
  isFixed: boolean;
  readonly opensSentence: boolean;
  /** The voice put it here, and no other rule takes it for the source's. */
  readonly isOwn: boolean;
  /** Capitalised where English would not: a name, or part of one. */
  readonly isName: boolean;
}

/** A text as tokens and what follows the last of them. */
export interface RuleText {
  tokens: Token[];
  tail: string;
}

const WORD = /[\p{L}\p{N}][\p{L}\p{M}\p{N}]*(?:['’\-‐‑][\p{L}\p{N}][\p{L}\p{M}\p{N}]*)*/gu;
const ENDS_SENTENCE =
  /[.!?…]["'”’)\]*]*(?:\s|$)|\n\s*(?:\n|[-*•\d])|[•|]|\p{Extended_Pictographic}|(?:^|\s)[:;]-?[)(DPp](?=\s)/u;
/** A bracketed note behind a sentence is one of its own. */
const OPENS_NOTE = /[.!?…]["'”’)]*\s+\[$/u;
const ENDS_WITH_QUOTE = /[.!?…]["”’]\s*$/u;
const LINE_BREAK = /\n/u;
const LINE_STARTS_LOWER = /\n\p{Ll}/u;
const ABBREVIATION = /^(?:mr|mrs|ms|dr|st|prof|vs|e\.g|i\.e|etc|approx|no|\p{Lu})$/iu;
const SPEECH_VERB = /^(?:said|asked|shouted|yelled|cried|replied|told|whispered|thought|answered|muttered|added)$/u;
const UPPER_START = /^\p{Lu}/u;
const LOWER_START = /^\p{Ll}/u;
/** Words that titles write with a capital, and that stay themselves there: "My Fair Lady". */
const PRONOUN = /^(?:I|I['’](?:m|ve|ll|d))$/u;

/** Splits a text into tokens. Joining them again with `joinText` gives the same text. */
export function splitText(text: string, tagsAt: TagsAt): RuleText {
  const spans = findFixedSpans(text);
  const wrapsLines = LINE_STARTS_LOWER.test(text);
  const matches = [...text.matchAll(WORD)];
  const tokens: Token[] = [];
  let end = 0;
  let spanAt = 0;
  for (const [index, match] of matches.entries()) {
    while ((spans[spanAt]?.end ?? Infinity) <= match.index) {
      spanAt += 1;
    }
    const gap = text.slice(end, match.index);
    const before = tokens.at(-1);
    const opens =
      before === undefined || opensSentence(gap, before, match[0], matches[index + 1]?.[0] ?? "", wrapsLines);
    tokens.push({
      gap,
      text: match[0],
      tags: tagsAt(match.index),
      isFixed: isInside(spans[spanAt], match.index),
      opensSentence: opens,
      isOwn: false,
      isName: !opens && UPPER_START.test(match[0]) && !PRONOUN.test(match[0]) && !isStressed(match[0]),
    });
    end = match.index + match[0].length;
  }
  return { tokens, tail: text.slice(end) };
}

/** The text of the tokens, in order. */
export function joinText(text: RuleText): string {
  return text.tokens.map((token) => token.gap + token.text).join("") + text.tail;
}

/** Whether the token follows the one before it with nothing but white space between. */
export function isAdjacent(token: Token | undefined): token is Token {
  return token !== undefined && token.gap.trim() === "";
}

/** "I LOVE it": capitals for stress, not for a name. */
function isStressed(word: string): boolean {
  return word.length > 1 && word === word.toUpperCase() && isOrdinaryWord(word.toLowerCase());
}

function isInside(span: Span | undefined, at: number): boolean {
  return span !== undefined && span.start <= at && at < span.end;
}

function opensSentence(gap: string, before: Token, word: string, next: string, wrapsLines: boolean): boolean {
  if (LINE_BREAK.test(gap) && !wrapsLines) {
    return true;
  }
  if (!ENDS_SENTENCE.test(gap)) {
    return false;
  }
  if (OPENS_NOTE.test(gap)) {
    return true;
  }
  if (LOWER_START.test(word) && word !== "i") {
    return false;
  }
  if (gap === ". " && ABBREVIATION.test(before.text) && before.text !== "I") {
    return false;
  }
  // "Stop!" I shouted.
  return !(ENDS_WITH_QUOTE.test(gap) && SPEECH_VERB.test(next));
}
