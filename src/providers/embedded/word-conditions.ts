import { plain } from "./english";
import { isFelt } from "./sentences";
import { isAdjacent, type Token } from "./rules-text";

/** Where a replacement fits: asked of the tokens, the first of its words, and the place behind the last. */
export type Condition = (tokens: readonly Token[], start: number, end: number) => boolean;

const NEGATIVE = /^(?:not|never|without|hardly|no)$|n't$/u;
const PRONOUNS: ReadonlySet<string> = new Set(
  "i you he she it we they that this there it's that's he's she's we're they're you're i'm i've i'd i'll".split(" "),
);
/** Behind these an adjective is alone, and describes no noun that follows. */
const AFTER_PREDICATE: ReadonlySet<string> = new Set(
  "for to that about with and but when if because in on at as i you we they it he she after by so too today now here of".split(
    " ",
  ),
);
const NO_DEGREE: ReadonlySet<string> = new Set("many much few little far long that as to".split(" "));
const ADJECTIVES: ReadonlySet<string> = new Set(
  "awesome cool great nice good bad amazing proud happy glad sad excited fun tough hard important special grateful thankful helpful lucky".split(
    " ",
  ),
);
const LINKING =
  /^(?:is|was|are|were|be|been|am|so|really|very|super|truly|feels|sounds|looks|seems|felt|rather|quite|pretty|always|just|both)$|'(?:s|re|m)$/u;
const BEFORE_VERB =
  /^(?:i|we|you|they|who|to|would|will|do|does|did|don't|didn't|also|always|just|still|really|truly|so|must|can|may|might|both|all|(?:i|we|you|they)'(?:d|ll))$/u;
const CAUSES: ReadonlySet<string> = new Set(["that", "as"]);

const NAMED: Readonly<Record<string, Condition>> = {
  /** Opens a sentence as an interjection or with a pause behind it, or what follows is a name. */
  lead: (tokens, start, end) =>
    opens(tokens, start) &&
    (isPause(tokens[end]) || tokens[end]?.isName === true || /^(?:for|on|so|i|that|this)$/u.test(wordAt(tokens, end))),
  alone: (tokens, start, end) => opens(tokens, start) && (tokens[end]?.opensSentence ?? true),
  comma: (tokens, start, end) => opens(tokens, start) && tokens[end]?.gap.startsWith(",") === true,
  mid: (tokens, start) => !opens(tokens, start),
  end: (tokens, _start, end) => isPause(tokens[end]) || tokens[end]?.opensSentence === true,
  adj: (tokens, _start, end) => isDegreed(tokens[end]),
  nextadj: (tokens, start, end) =>
    isDegreed(tokens[end]) &&
    !(
      isAdjacent(tokens[end + 1]) &&
      tokens[end + 1]?.tags.has("Noun") === true &&
      !PRONOUNS.has(wordAt(tokens, end + 1))
    ) &&
    !opensQuestion(tokens, start, end),
  soadj: (tokens, start, end) =>
    !opens(tokens, start) &&
    isDegreed(tokens[end]) &&
    !NO_DEGREE.has(wordAt(tokens, end)) &&
    !hasCause(tokens, end + 1),
  /** Describes the noun right behind. */
  attr: (tokens, start, end) =>
    tokens[start]?.tags.has("Adjective") === true && isAdjacent(tokens[end]) && tokens[end].tags.has("Noun"),
  /** No noun follows: "support", but not "support group". */
  head: (tokens, _start, end) => !isAdjacent(tokens[end]) || !tokens[end].tags.has("Noun"),
  /** An adjective itself, with nothing that says how much in front of it. */
  adj0: (tokens, start) => tokens[start]?.tags.has("Adjective") === true,
  verb: (tokens, _start, end) => {
    const next = tokens[end];
    return (
      next !== undefined &&
      isAdjacent(next) &&
      next.tags.has("Verb") &&
      !next.tags.has("Copula") &&
      !next.tags.has("Modal") &&
      !NEGATIVE.test(plain(next.text))
    );
  },
  /** Its subject, or what may stand between, is right before: no noun that looks like a verb. */
  told: (tokens, start) => BEFORE_VERB.test(wordAt(tokens, start - 1)) && isAdjacent(tokens[start]),
  felt: (tokens, _start, end) => isAdjacent(tokens[end]) && isFelt(tokens[end]),
  /** Says what something is or how it seems. */
  afterbe: (tokens, start) => LINKING.test(wordAt(tokens, start - 1)),
  ger: (tokens, _start, end) => isAdjacent(tokens[end]) && tokens[end].tags.has("Gerund"),
  inf: (tokens, _start, end) => isAdjacent(tokens[end]) && tokens[end].tags.has("Infinitive"),
  plural: (tokens, _start, end) =>
    isAdjacent(tokens[end]) &&
    (tokens[end].tags.has("Plural") ||
      (tokens[end].tags.has("Adjective") && tokens[end + 1]?.tags.has("Plural") === true)),
  pron: (tokens, _start, end) => isAdjacent(tokens[end]) && PRONOUNS.has(wordAt(tokens, end)),
  pos: (tokens, start) => !NEGATIVE.test(wordAt(tokens, start - 1)),
  pred: (tokens, _start, end) => {
    const next = tokens[end];
    return next === undefined || !isAdjacent(next) || next.opensSentence || AFTER_PREDICATE.has(plain(next.text));
  },
  conj: (tokens, start, end) =>
    !opens(tokens, start) &&
    tokens[start]?.gap.trim() === "," &&
    isAdjacent(tokens[end]) &&
    PRONOUNS.has(wordAt(tokens, end)),
  isverb: (tokens, start) => tokens[start]?.tags.has("Verb") === true,
  isadj: (tokens, start) => tokens[start]?.tags.has("Adjective") === true,
  isnoun: (tokens, start) => tokens[start]?.tags.has("Noun") === true,
};

/**
 * Reads conditions: names of the table above, `a|b` for either, `+x,y` and `-x,y` for the next word, `<x,y` and
 * `<-x,y` for the word before.
 * @throws Error for a name that is no condition: the tables are ours.
 */
export function readConditions(where: string): readonly Condition[] {
  return where
    .trim()
    .split(/\s+/u)
    .filter((name) => name !== "")
    .map(readCondition);
}

/** Whether all conditions hold. */
export function holds(conditions: readonly Condition[], tokens: readonly Token[], start: number, end: number): boolean {
  return conditions.every((condition) => condition(tokens, start, end));
}

function readCondition(name: string): Condition {
  const words = new Set(name.replace(/^[<+-]+/u, "").split(","));
  if (name.startsWith("<-")) {
    return (tokens, start) => !words.has(wordAt(tokens, start - 1));
  }
  if (name.startsWith("<")) {
    return (tokens, start) => words.has(wordAt(tokens, start - 1)) && isAdjacent(tokens[start]);
  }
  if (name.startsWith("+")) {
    return (tokens, _start, end) => words.has(wordAt(tokens, end)) && isAdjacent(tokens[end]);
  }
  if (name.startsWith("-")) {
    return (tokens, _start, end) => !(words.has(wordAt(tokens, end)) && isAdjacent(tokens[end]));
  }
  const either = name.split("|").map((part) => {
    const condition = NAMED[part];
    if (condition === undefined) {
      throw new Error(`"${part}" is no condition of a word.`);
    }
    return condition;
  });
  return (tokens, start, end) => either.some((condition) => condition(tokens, start, end));
}

function wordAt(tokens: readonly Token[], index: number): string {
  return plain(tokens[index]?.text ?? "");
}

function opens(tokens: readonly Token[], index: number): boolean {
  return tokens[index]?.opensSentence === true;
}

function isPause(token: Token | undefined): boolean {
  return token === undefined || token.gap.trim() !== "" || token.opensSentence;
}

function isDegreed(token: Token | undefined): token is Token {
  return (
    isAdjacent(token) &&
    !token.opensSentence &&
    !token.isFixed &&
    (token.tags.has("Adjective") || ADJECTIVES.has(plain(token.text))) &&
    !token.tags.has("Comparative") &&
    !token.tags.has("Superlative")
  );
}

/** "so happy that I cried": the "so" belongs to what follows. */
function hasCause(tokens: readonly Token[], from: number): boolean {
  for (let at = from; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined || token.opensSentence || /[.;:!?]/u.test(token.gap)) {
      return false;
    }
    if (CAUSES.has(plain(token.text))) {
      return true;
    }
  }
  return false;
}

function opensQuestion(tokens: readonly Token[], start: number, end: number): boolean {
  for (let at = end; at <= tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined || token.opensSentence) {
      return token?.gap.includes("?") === true || tokens[start - 1]?.tags.has("QuestionWord") === true;
    }
  }
  return false;
}
