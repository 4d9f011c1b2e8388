import { isFunctionWord } from "../../domain/facts/ordinary-words";
import { capitalise, plain, uncapitalise } from "./english";
import { isAdjacent, type RuleText, type Token } from "./rules-text";

/** A sentence of a text: its tokens from `start` up to and without `end`. */
export interface Sentence {
  readonly start: number;
  readonly end: number;
  /** The marks right behind its last word: "." or "?!"; "" where it ends without any. */
  readonly marks: string;
}

const MARKS = /^[^\s\p{L}\p{N}]*/u;
const FINITE =
  /^(?:am|is|are|was|were|have|has|had|do|does|did|can|could|will|would|should|might|must|isn't|aren't|wasn't|weren't|haven't|hasn't|hadn't|don't|doesn't|didn't|can't|cannot|couldn't|won't|wouldn't)$/u;
const SUBJECTS: ReadonlySet<string> = new Set("i we he she it they that this there".split(" "));
const CONTRACTED = /^(?:(?:i|we|you|they)'(?:m|re|ve|ll|d)|(?:he|she|it|that|there)'(?:s|ll|d))$/u;

/** What can be done truly, rather or perhaps; of an event only that it happened could be said so. */
const FELT =
  /^(?:love|like|want|need|feel|enjoy|agree|admire|wish|remember|miss|care|support|deserve|understand|trust|respect|value|prefer|look|appreciate|hope)$/u;
const FELT_PAST =
  /^(?:loved|liked|wanted|needed|felt|enjoyed|agreed|admired|wished|remembered|missed|cared|deserved|understood|trusted|valued|hoped)$/u;

/** Whether a verb tells of a feeling or a judgement, which comes in degrees. */
export function isFelt(token: Token | undefined): boolean {
  const word = plain(token?.text ?? "");
  return FELT.test(word) || FELT_PAST.test(word);
}

/** The sentences of a text, in order. */
export function sentencesOf(text: RuleText): Sentence[] {
  const starts = text.tokens.flatMap((token, index) => (token.opensSentence || index === 0 ? [index] : []));
  return starts.map((start, at) => {
    const end = starts[at + 1] ?? text.tokens.length;
    const behind = text.tokens[end]?.gap ?? text.tail;
    return { start, end, marks: MARKS.exec(behind)?.[0] ?? "" };
  });
}

/** Whether the token speaks as the subject with its finite verb: "it was", "I'm", "she went". */
export function isClauseStart(tokens: readonly Token[], index: number): boolean {
  const token = tokens[index];
  if (token === undefined || token.isFixed) {
    return false;
  }
  const word = plain(token.text);
  if (CONTRACTED.test(word)) {
    return tokens[index + 1]?.opensSentence === false && isAdjacent(tokens[index + 1]);
  }
  const next = tokens[index + 1];
  return SUBJECTS.has(word) && isAdjacent(next) && !next.opensSentence && isFinite(next);
}

/** Whether a word right behind a pronoun is its verb. */
export function isFinite(token: Token): boolean {
  return (
    FINITE.test(plain(token.text)) ||
    (!token.isFixed && token.tags.has("Verb") && !token.tags.has("Gerund") && !token.tags.has("Participle"))
  );
}

/** Lower case for a word that is not the first any more, where it is sure to be no name. */
export function lowered(token: Token): string {
  const [host = ""] = plain(token.text).split("'");
  return host === "i" || token.isFixed || !isFunctionWord(host) ? token.text : uncapitalise(token.text);
}

/** The word as the first of a sentence. */
export function raised(token: Token): string {
  return token.isFixed ? token.text : capitalise(token.text);
}

/** A word of the voice's own, behind a token of the text. */
export function ownToken(gap: string, text: string): Token {
  return { gap, text, tags: NO_TAGS, isFixed: false, opensSentence: false, isName: false, isOwn: true };
}

const NO_TAGS: ReadonlySet<string> = new Set();
