import { isOrdinaryWord } from "../../domain/facts/ordinary-words";
import { extractFacts } from "../../domain/facts/facts";
import { capitalise, plain, uncapitalise } from "./english";
import type { RuleText, Token } from "./rules-text";

const ENDS_CLAUSE = /[:.!?…]["'”’)]*$/u;
const ENDS_OPEN = /[,;–—-]$/u;
/** An opener that ends with one of these runs on without a comma: "I remember how". */
const RUNS_ON = /\b(?:that|how|when|because|and|but|so|as|if|where|to|of)$/iu;
const GREETING =
  /^(?:hey|hi|hello|wow|oh|thanks|thank|yeah|yep|yes|no|nope|sure|okay|ok|cool|awesome|great|congrats|congratulations|sorry|bye|haha|aw|aww|ah|whoa|woah|yay|good|nice|well|so|absolutely|definitely|please|let|let's|lets|cheers|right|hmm|um|ugh|dear|welcome|take|check|tell|don't|do|does|did|is|are|was|were|have|has|can|could|will|would|should|what|who|where|when|why|how|which|anyway|anything|any|got|way)$/u;
const SUBJECTS =
  /^(?:i|i'm|i've|i'd|i'll|my|we|we're|we've|we'd|we'll|our|the|a|an|this|that|these|those|it|it's|he|she|he's|she's|they|they're|they've|their|his|her|its|there|there's|you|you're|you've|your|one|some|all|both|each|every|most|nobody|everyone|at|in|on|after|before|during|since|last|yesterday|today|every|by|for|from|with|one|two|three|when|if|once|although|while|because|that's|just|some|another)$/u;
/** Kin without "my", and titles, stand for a name. */
const NAME_LIKE =
  /^(?:mum|mom|mommy|mummy|mama|dad|daddy|papa|mother|father|grandma|grandpa|granny|gran|grandad|granddad|grandmother|grandfather|nana|auntie|aunt|uncle|god|mr|mrs|ms|miss|dr|st|sir|prof|captain|lady|lord)$/u;
const AUXILIARY_SUBJECT = /^(?:you|we|they|he|she|it|i)$/u;
/** Nothing ends a text after these but a new sentence. */
const TRAILING_NOTE = /\s*\[[^\]\n]*\]\s*$/u;
const ENDS_PLAINLY = /[\p{L}\p{N})]\.$/u;
const ENDS_SENTENCE = /[.!?…]["'”’)\]]*$/u;
const ENDS_WITH_WORD = /[\p{L}\p{N}]$/u;

/** Puts the opener before the text, with the punctuation and the capital that English wants at the join. */
export function withOpener(opener: string, text: string, parsed: RuleText): string {
  const phrase = capitalise(opener.trim());
  const first = parsed.tokens[0];
  const body = text.trimStart();
  if (ENDS_CLAUSE.test(phrase)) {
    return `${phrase} ${body}`;
  }
  const bare = phrase.replace(/[,;]$/u, "");
  const flows =
    first !== undefined &&
    body.startsWith(first.text) &&
    isStatement(parsed) &&
    mayLower(first, parsed) &&
    !endsWithWord(phrase, first.text);
  if (!flows) {
    return ENDS_OPEN.test(phrase) && !/[,;]$/u.test(phrase)
      ? `${phrase} ${body}`
      : `${bare.replace(RUNS_ON, "").trimEnd() || bare}: ${body}`;
  }
  const lowered = staysUpper(first, parsed) ? body : uncapitalise(body);
  const join = ENDS_OPEN.test(phrase) || RUNS_ON.test(phrase) ? "" : ",";
  return `${phrase}${join} ${lowered}`;
}

/** Puts the closer behind the text: as a clause when it begins in lower case and the text ends plainly, else as a sentence. */
export function withCloser(closer: string, text: string): string {
  const note = TRAILING_NOTE.exec(text)?.[0] ?? "";
  const body = text.slice(0, text.length - note.length).trimEnd();
  const phrase = ENDS_SENTENCE.test(closer.trim()) ? closer.trim() : `${closer.trim()}.`;
  if (/^\p{Ll}/u.test(phrase) && ENDS_PLAINLY.test(body) && !/\b(?:etc|[ap]\.m|\p{Lu})\.$/u.test(body)) {
    return `${body.slice(0, -1)}, ${phrase}${note}`;
  }
  if (/^[,;–—-]/u.test(phrase)) {
    const open = ENDS_PLAINLY.test(body) ? body.slice(0, -1) : body;
    return `${open}${/^[,;]/u.test(phrase) ? "" : " "}${phrase}${note}`;
  }
  return `${body}${ENDS_WITH_WORD.test(body) ? "." : ""} ${capitalise(phrase)}${note}`;
}

/** "You recall that" before "That was…" would stammer. */
function endsWithWord(phrase: string, word: string): boolean {
  return plain(phrase).endsWith(` ${plain(word)}`);
}

/** Whether the first sentence tells something, so that "Truth be told," may lead into it. */
function isStatement(parsed: RuleText): boolean {
  const first = parsed.tokens[0];
  const second = parsed.tokens[1];
  if (first === undefined || first.isFixed) {
    return false;
  }
  const end = parsed.tokens.findIndex((token, index) => index > 0 && token.opensSentence);
  const closing = end < 0 ? parsed.tail : (parsed.tokens[end]?.gap ?? "");
  const length = end < 0 ? parsed.tokens.length : end;
  const word = plain(first.text);
  if (/[?!]/u.test(closing) || length < 3) {
    return false;
  }
  if (SUBJECTS.test(word)) {
    return second === undefined || second.gap.trim() === "" || length > 4;
  }
  const isQuestionOrder = GREETING.test(word) || AUXILIARY_SUBJECT.test(plain(second?.text ?? ""));
  // "Sounds great" and "Researching prices" have no subject that "truth be told," could lead to.
  const maySubject = first.tags.has("Noun") && !first.tags.has("Verb") && !word.endsWith("ing");
  return !isQuestionOrder && second?.gap.trim() === "" && maySubject;
}

/** Whether the last sentence is a plain statement, which a closer may sum up: it neither asks nor shouts. */
export function endsAsStatement(text: string): boolean {
  const body = text.replace(TRAILING_NOTE, "").trimEnd();
  return ENDS_PLAINLY.test(body) || ENDS_WITH_WORD.test(body);
}

/** Whether an opener may stand before a text: not before a greeting, a request, an exclamation or a question. */
export function takesOpener(parsed: RuleText): boolean {
  const [first, second] = parsed.tokens;
  const isBrief = first !== undefined && SUBJECTS.test(plain(first.text)) && second !== undefined;
  const isAlone = parsed.tokens.length === 2 && parsed.tail.trim() === ".";
  return isStatement(parsed) || (isBrief && isAlone);
}

/** A word that may be a name, but isn't known to be one, must neither be lowered nor follow a comma with its capital. */
function mayLower(first: Token, parsed: RuleText): boolean {
  return staysUpper(first, parsed) || isOrdinaryWord(plain(first.text)) || SUBJECTS.test(plain(first.text));
}

function staysUpper(first: Token, parsed: RuleText): boolean {
  const word = plain(first.text);
  if (
    /^i(?:'|$)/u.test(word) ||
    NAME_LIKE.test(word) ||
    /^\p{Lu}{2,}/u.test(first.text) ||
    !/^\p{Lu}/u.test(first.text)
  ) {
    return true;
  }
  if (extractFacts(`so ${first.text}`).length > 0 && !isOrdinaryWord(word)) {
    return isKnownName(first, parsed);
  }
  const next = parsed.tokens[1];
  return next?.isName === true && next.gap === " " && first.tags.has("ProperNoun");
}

function isKnownName(first: Token, parsed: RuleText): boolean {
  const isDay = extractFacts(`on ${first.text} 5`).some((fact) => fact.kind === "date");
  const isNamed =
    first.tags.has("Person") || first.tags.has("Place") || first.tags.has("FirstName") || first.tags.has("ProperNoun");
  return isDay || isNamed || parsed.tokens.some((token) => token.isName && token.text === first.text);
}
