import { lookUp, plain, thirdPersonForm, withCaseOf } from "./english";
import { isParticiple, isPastForm, isTenseless } from "./irregular-verbs";
import { isAdjacent, type Token } from "./rules-text";

/** What the subject became: one named person ("Mara is") or "you" and "they" ("they are"). */
export type SubjectForm = "named" | "plural";

const NAMED: Readonly<Record<string, string>> = {
  am: "is",
  "ain't": "isn't",
  have: "has",
  "haven't": "hasn't",
  do: "does",
  "don't": "doesn't",
  "aren't": "isn't",
  wanna: "wants to",
  gotta: "has got to",
};
const PLURAL: Readonly<Record<string, string>> = { am: "are", was: "were", "wasn't": "weren't" };

const MODALS: ReadonlySet<string> = new Set(
  `can could will would shall should may might must can't couldn't won't wouldn't shan't shouldn't mightn't mustn't cannot
  ought gonna better did didn't do don't does doesn't does`.split(/\s+/u),
);
const ADVERBS: ReadonlySet<string> = new Set(
  `also always almost already again actually absolutely barely certainly clearly definitely even ever finally first
  genuinely gladly hardly here honestly hopefully immediately just kinda kindly largely later long lately literally mainly
  maybe merely mostly myself naturally nearly never not now obviously occasionally often once only originally perhaps
  personally practically probably promptly quickly quite rarely really recently seldom simply slowly so sometimes somehow
  sort kind sorta soon still suddenly sure surely then therefore thus today too totally truly twice typically usually very
  well alone both each all most generally yet instead too simply in fact indeed rather quite duly`.split(/\s+/u),
);
/** "-ly" words that are verbs. */
const LY_VERBS: ReadonlySet<string> = new Set(
  "apply rely reply supply fly comply imply multiply ally rally tally bully".split(" "),
);
/** Words that can't be the verb of "I": the sentence broke off or goes on differently. */
const CLOSED_CLASS: ReadonlySet<string> = new Set(
  `a an the this that these those my your his her its our their i you he she it we they me him us them and or but nor if
  when where who whom whose which what why how because although though while since until of in on at by with from to for
  into as than about after before through during without between under over is are were been being`.split(/\s+/u),
);
const ING_VERBS: ReadonlySet<string> = new Set(
  "bring sing ring swing cling fling sting string wring spring ping wing".split(" "),
);
const COORDINATORS: ReadonlySet<string> = new Set(["and", "or", "but", "then", "nor", "yet"]);
/** Behind these another verb phrase, often with another subject, is under way. */
const CLAUSE_OPENERS: ReadonlySet<string> = new Set(
  "that who which what how why when where if because while whether since until although though to i you he she it we they i'm i'd i've i'll you're he's she's it's we're they're let lets make makes made help helps helped watch watched see saw hear heard".split(
    " ",
  ),
);
/** How many words around a verb tell its tense. */
const TENSE_REACH = 40;
const PAST_CUE = /^(?:yesterday|ago|last|was|were|had|did|went|once)$/u;
const PRESENT_CUE =
  /^(?:every|always|usually|often|daily|weekly|nowadays|now|sometimes|never|am|is|are|i'm|each|whenever|typically|mostly|still)$/u;
const BE_OR_HAVE: ReadonlySet<string> = new Set(["am", "was", "have", "do", "wasn't", "haven't", "don't"]);

/** Makes the verb behind the subject at `index` agree, and the verbs that "and" or a comma ties to it. */
export function agreeVerbs(tokens: readonly Token[], index: number, form: SubjectForm): void {
  const verbAt = findVerb(tokens, index + 1);
  const verb = tokens[verbAt];
  if (verb === undefined) {
    return;
  }
  const word = plain(verb.text);
  const isPresent = !MODALS.has(word) && !isPast(tokens, verbAt) && word !== "had";
  conjugate(verb, form, tokens, verbAt);
  agreeTiedVerbs(tokens, verbAt, form, isPresent, word);
}

/** The same behind "I'm" or "I'd", where the contraction is the verb already: only tied verbs are left. */
export function agreeAfterContraction(tokens: readonly Token[], index: number, form: SubjectForm, word: string): void {
  const isPresent = word === "i'm" || word === "i've";
  agreeTiedVerbs(tokens, index, form, isPresent, word === "i've" ? "have" : word);
}

/** Gives an auxiliary in front of its subject ("do I", "was I") the form for the new subject. */
export function agreeInverted(auxiliary: Token, form: SubjectForm): void {
  const table = form === "named" ? NAMED : PLURAL;
  const changed = lookUp(table, plain(auxiliary.text));
  if (changed !== undefined) {
    auxiliary.text = withCaseOf(auxiliary.text, changed);
  }
}

/** Whether the word stands between a subject and its verb without being either. */
export function isAdverb(token: Token): boolean {
  const word = plain(token.text);
  return (
    ADVERBS.has(word) || /^\d+$/u.test(word) || (word.endsWith("ly") && !LY_VERBS.has(word) && !token.tags.has("Noun"))
  );
}

function findVerb(tokens: readonly Token[], from: number): number {
  let at = from;
  let isParenthesis = false;
  for (; at < tokens.length && at < from + 8; at += 1) {
    const token = tokens[at];
    if (token === undefined || token.isFixed || token.opensSentence) {
      return -1;
    }
    const gap = token.gap.trim();
    // "I 100% agree"
    if (gap !== "" && gap !== "," && gap !== "%") {
      return -1;
    }
    if (gap === ",") {
      isParenthesis = !isParenthesis;
    }
    if (
      !isParenthesis &&
      !isAdverb(token) &&
      !(plain(token.text) === "of" && /^(?:sort|kind)$/u.test(plain(tokens[at - 1]?.text ?? "")))
    ) {
      return CLOSED_CLASS.has(plain(token.text)) ? -1 : at;
    }
  }
  return -1;
}

function conjugate(verb: Token, form: SubjectForm, tokens: readonly Token[], at: number): void {
  const word = plain(verb.text);
  const changed = lookUp(form === "named" ? NAMED : PLURAL, word);
  if (changed !== undefined) {
    verb.text = withCaseOf(verb.text, changed);
  } else if (form === "named" && !MODALS.has(word) && isPresentBase(verb, word) && !isPast(tokens, at)) {
    verb.text =
      verb.text === verb.text.toUpperCase()
        ? thirdPersonForm(word).toUpperCase()
        : withCaseOf(verb.text, thirdPersonForm(word));
  }
}

function isPresentBase(verb: Token, word: string): boolean {
  const isGerund = word.endsWith("ing") && !ING_VERBS.has(word);
  return (
    !isGerund &&
    word !== "had" &&
    word !== "was" &&
    word !== "wasn't" &&
    !word.includes("'") &&
    !verb.isFixed &&
    /^[a-z]+$/u.test(word)
  );
}

/** Past by its form; where past and present look alike, the sentence around decides, and past wins a draw. */
function isPast(tokens: readonly Token[], at: number): boolean {
  const verb = tokens[at];
  const word = plain(verb?.text ?? "");
  if (!isTenseless(word)) {
    return isPastForm(word);
  }
  // "I bet you can" is said now.
  if (word === "bet" && /^(?:that|you|it|he|she|they|this|we|there)$/u.test(plain(tokens[at + 1]?.text ?? ""))) {
    return false;
  }
  let present = false;
  for (let step = Math.max(0, at - TENSE_REACH); step < Math.min(tokens.length, at + TENSE_REACH); step += 1) {
    const other = plain(tokens[step]?.text ?? "");
    if (step !== at && (PAST_CUE.test(other) || (isPastForm(other) && !isTenseless(other)))) {
      return true;
    }
    present ||= PRESENT_CUE.test(other);
  }
  return !present;
}

function agreeTiedVerbs(
  tokens: readonly Token[],
  verbAt: number,
  form: SubjectForm,
  isPresent: boolean,
  first: string,
): void {
  const afterHave = first === "have" || first === "haven't";
  for (let at = verbAt + 1; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined || token.opensSentence || token.isFixed || /[:;()—–]| - /u.test(token.gap)) {
      return;
    }
    const word = plain(token.text);
    if (CLAUSE_OPENERS.has(word)) {
      return;
    }
    const isTied = COORDINATORS.has(word) || (token.gap.trim() === "," && isBaseVerb(token));
    if (!isTied) {
      continue;
    }
    const nextAt = COORDINATORS.has(word) ? skipAdverbs(tokens, at + 1) : at;
    const next = tokens[nextAt];
    if (next === undefined || next.isFixed || next.opensSentence || (nextAt !== at && !isAdjacent(next))) {
      continue;
    }
    const tied = plain(next.text);
    const isAgreed = BE_OR_HAVE.has(tied) || (isPresent && isBaseVerb(next) && !(afterHave && isParticiple(tied)));
    if (isAgreed && !isNounAfterAll(tokens, nextAt)) {
      conjugate(next, form, tokens, nextAt);
      at = nextAt;
    }
  }
}

/** "…and then really go": where the verb may be. */
function skipAdverbs(tokens: readonly Token[], from: number): number {
  let at = from;
  while (at < from + 3) {
    const token = tokens[at];
    if (token === undefined || !isAdjacent(token) || !isAdverb(token)) {
      return at;
    }
    at += 1;
  }
  return at;
}

function isBaseVerb(token: Token): boolean {
  const word = plain(token.text);
  const tagged = token.tags.has("Infinitive") || token.tags.has("Imperative") || BE_OR_HAVE.has(word);
  return tagged && !isTenseless(word) && !isPastForm(word) && !token.tags.has("Noun");
}

/** "work of his", "stuff I saw": a noun that only looks like a verb. */
function isNounAfterAll(tokens: readonly Token[], at: number): boolean {
  return /^(?:of|i|i've|you|he|she|we|they)$/u.test(plain(tokens[at + 1]?.text ?? "")) && isAdjacent(tokens[at + 1]);
}
