import { isAdverb } from "./agreement";
import { plain } from "./english";
import { isNounCoordinated } from "./coordination";
import { isAdjacent, type RuleText, type Token } from "./rules-text";
import { isClauseStart, isFelt, sentencesOf, type Sentence } from "./sentences";
import type { Place } from "./stance-words";

/** A place for a phrase. The token is held, not its index: other rules move words before the phrase is put there. */
export interface Site {
  readonly place: Place;
  /** The phrase stands behind this token; `lead` and `joined` before it. */
  readonly token: Token;
  /** The sentence it is in, counted from 0. */
  readonly sentence: number;
}

const BE = /^(?:am|is|are|was|were|i'm|(?:it|that|he|she|there|this|everything)'s|(?:we|you|they)'re)$/u;
const HELPERS = /^(?:have|has|had|can|could|will|would|should|(?:i|we|you|they)'(?:ve|ll|d))$/u;
const SUBJECT = /^(?:i|we|he|she|it|they|you|that|this|there|these|those|everything|everyone)$/u;
/** In clauses behind these the order of words is not that of a statement: "how happy I am". */
const TURNED = /^(?:what|how|who|whom|which|whose|where|why|than|as|if|whether|like|when)$/u;
const AFTER_BE =
  /^(?:a|an|the|my|our|your|his|her|their|some|one|in|at|on|with|from|for|of|part|full|such|quite|so|very|really|ever|most|rather)$/u;
const DEGREES = /^(?:so|quite|very|really|ever|most|rather|super|utterly|wildly|mega|fairly|deeply|exceedingly)$/u;
const AUXILIARY =
  /^(?:is|are|was|were|do|does|did|have|has|had|can|could|will|would|should|don't|didn't|isn't|aren't|doesn't|haven't)$/u;
const ASKED = /^(?:you|they|he|she|it|we|that|this|there)$/u;
const ASKS = /^(?:what|how|why|where|when|who)$/u;
/** Function words that a statement may begin with: "the barometer said". */
const OPENS_NOUN =
  /^(?:a|an|the|my|our|your|his|her|their|this|these|those|no|some|one|both|nobody|everyone|everybody)$/u;
/** How far behind a noun's first word its verb may be. */
const NOUN_REACH = 5;
const TRAILED_WORDS_MIN = 6;
const OBJECTS = /^(?:me|him|her|us|them)$/u;
const JOINERS = /^(?:and|but|because|though)$/u;
const PLACES = /^(?:to|at|in|from|with)$/u;
/** "How are you?" is a greeting, and shorter than this. */
const ASKING_WORDS_MIN = 4;
const DETERMINERS = /^(?:a|an|the|my|our|your|his|her|their|this|that|some|these|those)$/u;
/** "the parade I went to a few weeks ago": no phrase of place. */
const TIMES = /^(?:few|couple|while|long|lot|bit|week|month|year|day|night|morning|evening|weekend|time)$/u;
/** Certainty has no place with these: doubled, or about the certainty itself. */
const STANCED =
  /^(?:perhaps|maybe|probably|possibly|indeed|certainly|definitely|truly|surely|honestly|frankly|absolutely|apparently|think|guess|suppose|believe|hope|seems|not|never|reckon|suspect|feel|actually|totally|really|rather|firmly|dearly)$|n't$/u;
const NO_TAG = /^(?:then|though|dear|tell|ask|know|too|right|what|how|why|who|where|when|hey|hi|hello|or|huh)$/u;

/** Every place where English takes a phrase of stance without harm, in order. */
export function findSites(text: RuleText): Site[] {
  return sentencesOf(text).flatMap((sentence, at) => {
    const { tokens } = text;
    const words = tokens.slice(sentence.start, sentence.end);
    if (words.some((token) => token.isFixed && token.gap.trim() === "")) {
      return [];
    }
    const sites = sentence.marks.includes("?") ? questionSites(tokens, sentence) : statementSites(tokens, sentence);
    return sites.map(([place, token]) => ({ place, token, sentence: at }));
  });
}

type Found = readonly [Place, Token];

function statementSites(tokens: readonly Token[], { start, end, marks }: Sentence): Found[] {
  if (tokens.slice(start, end).some((token) => STANCED.test(plain(token.text)))) {
    return [];
  }
  const sites: Found[] = [];
  let isTurned = false;
  for (let at = start; at < end; at += 1) {
    const token = tokens[at];
    const next = tokens[at + 1];
    if (token === undefined) {
      break;
    }
    const word = plain(token.text);
    const opensClause = at === start || token.gap.includes(",") || JOINERS.test(plain(tokens[at - 1]?.text ?? ""));
    isTurned = TURNED.test(word) || (isTurned && !opensClause);
    if (isTurned || token.isFixed || next === undefined || at + 1 >= end || !isAdjacent(next)) {
      continue;
    }
    sites.push(...wordSites(tokens, at, { isFirst: at === start, isMemoryStart: start === 0 }));
  }
  const last = tokens[end - 1];
  if (last !== undefined && marks === "." && mayTrail(tokens, { start, end, marks })) {
    sites.push(["trail", last]);
  }
  return sites;
}

function wordSites(
  tokens: readonly Token[],
  at: number,
  { isFirst, isMemoryStart }: { readonly isFirst: boolean; readonly isMemoryStart: boolean },
): Found[] {
  const token = tokens[at];
  const next = tokens[at + 1];
  if (token === undefined || next === undefined) {
    return [];
  }
  const word = plain(token.text);
  const before = plain(tokens[at - 1]?.text ?? "");
  const hasSubject = word.includes("'") || SUBJECT.test(before) || (tokens[at - 1]?.tags.has("Noun") ?? false);
  const sites: Found[] = [];
  if (BE.test(word) && hasSubject && (!isFirst || word.includes("'")) && goesOnAfterBe(next)) {
    // "truly so very proud" would be one word too many.
    sites.push(...(DEGREES.test(plain(next.text)) ? [] : [["mid", token] as const]), ["aside", token]);
  }
  if (HELPERS.test(word) && hasSubject && (!isFirst || word.includes("'")) && isVerb(next) && !isAdverb(next)) {
    sites.push(["mid", token]);
  }
  if (/^(?:i|we|he|she|they)$/u.test(word) && isFelt(next)) {
    sites.push(["verb", token]);
  }
  if (isFirst ? !isMemoryStart && opensStatement(tokens, at) : isJoined(tokens, at)) {
    sites.push([isFirst ? "lead" : "joined", token]);
  }
  if (isPast(token) && SUBJECT.test(before) && isPlacePhrase(tokens, at + 1)) {
    sites.push(["aside", token]);
  }
  if (OBJECTS.test(word) && isPast(tokens[at - 1]) && isPlacePhrase(tokens, at + 1)) {
    sites.push(["aside", token]);
  }
  return sites;
}

function goesOnAfterBe(next: Token): boolean {
  return (
    AFTER_BE.test(plain(next.text)) ||
    ((next.tags.has("Adjective") || next.tags.has("Gerund")) && !/^going$/u.test(plain(next.text)))
  );
}

function isVerb(token: Token): boolean {
  const isOther = token.tags.has("Copula") && plain(token.text) !== "be" && plain(token.text) !== "been";
  return token.tags.has("Verb") && !token.isFixed && !isOther;
}

/** A whole statement, long enough that a phrase behind it is heard as part of it. */
function mayTrail(tokens: readonly Token[], { start, end }: Sentence): boolean {
  const last = tokens[end - 1];
  const isWhole = opensStatement(tokens, start) || tokens.slice(start + 1, end).some(isPast);
  const isPlain = last !== undefined && !last.isFixed && !NO_TAG.test(plain(last.text));
  return (
    isPlain &&
    isWhole &&
    end - start >= TRAILED_WORDS_MIN &&
    !/^(?:let|please|thanks|thank)$/u.test(plain(tokens[start]?.text ?? ""))
  );
}

function isPast(token: Token | undefined): boolean {
  return token?.tags.has("PastTense") === true && !token.tags.has("Copula") && !token.isFixed;
}

/** A subject and its verb, with nothing before them. */
function opensStatement(tokens: readonly Token[], at: number): boolean {
  return isClauseStart(tokens, at) || opensNounClause(tokens, at);
}

/** "the barometer said": a noun with its verb soon behind it, and no mark between. */
function opensNounClause(tokens: readonly Token[], at: number): boolean {
  if (!OPENS_NOUN.test(plain(tokens[at]?.text ?? "")) || tokens[at]?.isFixed === true) {
    return false;
  }
  for (let next = at + 1; next <= at + NOUN_REACH; next += 1) {
    const token = tokens[next];
    if (!isAdjacent(token) || token.opensSentence || token.isFixed || TURNED.test(plain(token.text))) {
      return false;
    }
    if (next > at + 1 && (isPast(token) || BE.test(plain(token.text)) || HELPERS.test(plain(token.text)))) {
      return true;
    }
  }
  return false;
}

/** "…, and my hand shook": a second clause, and no second noun. */
function isJoined(tokens: readonly Token[], at: number): boolean {
  const joiner = tokens[at - 1];
  if (joiner === undefined || !JOINERS.test(plain(joiner.text)) || !isAdjacent(tokens[at]) || joiner.isFixed) {
    return false;
  }
  return isClauseStart(tokens, at)
    ? !isNounCoordinated(tokens, at)
    : joiner.gap.includes(",") && opensNounClause(tokens, at);
}

/** "to the shop", "at Seafield": where a preposition begins a phrase of its own. */
function isPlacePhrase(tokens: readonly Token[], at: number): boolean {
  const [preposition, first, second] = [tokens[at], tokens[at + 1], tokens[at + 2]];
  return (
    isAdjacent(preposition) &&
    PLACES.test(plain(preposition.text)) &&
    isAdjacent(first) &&
    !first.opensSentence &&
    (DETERMINERS.test(plain(first.text)) || first.isName) &&
    !TIMES.test(plain(second?.text ?? ""))
  );
}

function questionSites(tokens: readonly Token[], { start, end, marks }: Sentence): Found[] {
  const sites: Found[] = [];
  const words = tokens.slice(start, end);
  const asksAt = words.findIndex(
    (token, step) =>
      step === 0 || token.gap.includes(",") || /^(?:so|and|but)$/u.test(plain(words[step - 1]?.text ?? "")),
  );
  for (let at = start + Math.max(0, asksAt); at < end - 2; at += 1) {
    const [token, next, after] = [tokens[at], tokens[at + 1], tokens[at + 2]];
    if (token === undefined || !isAdjacent(next) || !isAdjacent(after)) {
      continue;
    }
    const opens = at === start || token.gap.trim() === ",";
    const isInverted = AUXILIARY.test(plain(token.text)) && ASKED.test(plain(next.text));
    const isAfterWh = ASKS.test(plain(tokens[at - 1]?.text ?? "")) || opens;
    if (isInverted && isAfterWh && !STANCED.test(plain(after.text)) && !after.isFixed) {
      sites.push([opens ? "question" : "asked", next]);
    }
    if (
      opens &&
      end - at >= ASKING_WORDS_MIN &&
      ASKS.test(plain(token.text)) &&
      AUXILIARY.test(plain(next.text)) &&
      ASKED.test(plain(after.text))
    ) {
      sites.push(["wh", token]);
    }
  }
  const last = tokens[end - 1];
  const isFullQuestion =
    words.length >= 3 &&
    marks === "?" &&
    words.some((token) => AUXILIARY.test(plain(token.text)) || /'(?:s|re|ve)$/u.test(plain(token.text)));
  if (last !== undefined && isFullQuestion && !last.isName && !last.isFixed && !NO_TAG.test(plain(last.text))) {
    sites.push(["tag", last]);
  }
  return sites;
}
