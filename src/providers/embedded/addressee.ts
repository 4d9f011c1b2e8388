import { capitalise, lookUp, plain } from "./english";
import { isAdjacent, type Token } from "./rules-text";

/**
 * In the second person the one who told the memory becomes "you". Whoever was "you" in the same clause must
 * then become "they", or "I told you" would read "you told you".
 */
const THEIRS: Readonly<Record<string, string>> = {
  "you're": "they're",
  "you've": "they've",
  "you'll": "they'll",
  "you'd": "they'd",
  your: "their",
  yours: "theirs",
  yourself: "themselves",
  yourselves: "themselves",
};
const SPLITTERS: ReadonlySet<string> = new Set(
  "when where if because what why while as so and but or which who whether than since although until unless".split(" "),
);
/** Behind "that" and "how", a "you" with one of these is anybody: "you can't hurry bread". */
const GENERAL: ReadonlySet<string> = new Set("can can't cannot have need must should never don't get".split(" "));
const AUXILIARIES: ReadonlySet<string> = new Set(
  "do did does are were can could will would should have had has may might must don't didn't aren't can't won't couldn't wouldn't".split(
    " ",
  ),
);
const PREPOSITIONS: ReadonlySet<string> = new Set(
  "of to for with about from at on by behind after before like around without".split(" "),
);
const BELIEFS: ReadonlySet<string> = new Set(
  "hope think know guess believe bet wish see glad happy sure say feel mean heard hear thought knew said hoped love appreciate that how".split(
    " ",
  ),
);

/** Turns the "you" of clauses that also speak of the teller into "they", "them" and "their". */
export function shiftAddressee(
  tokens: readonly Token[],
  isFirstPerson: (tokens: readonly Token[], index: number) => boolean,
): void {
  let start = 0;
  for (let end = 1; end <= tokens.length; end += 1) {
    if (end < tokens.length && !startsClause(tokens, end)) {
      continue;
    }
    const clause = Array.from({ length: end - start }, (_, step) => start + step);
    if (clause.some((index) => isFirstPerson(tokens, index))) {
      clause.forEach((index) => shiftYou(tokens, index));
    }
    start = end;
  }
}

function startsClause(tokens: readonly Token[], index: number): boolean {
  const token = tokens[index];
  if (token === undefined || token.opensSentence || token.gap.trim() !== "") {
    return true;
  }
  const word = plain(token.text);
  if (word === "that" || word === "how") {
    return plain(tokens[index + 1]?.text ?? "").startsWith("you") && GENERAL.has(plain(tokens[index + 2]?.text ?? ""));
  }
  return SPLITTERS.has(word);
}

function shiftYou(tokens: readonly Token[], index: number): void {
  const token = tokens[index];
  // "Bless you" is the voice's own, and said to whom it was said.
  if (token === undefined || token.isFixed || token.isName || token.isOwn) {
    return;
  }
  const word = plain(token.text);
  const next = plain(tokens[index + 1]?.text ?? "");
  if (word === "you" && !/^(?:guys|all|two|both|three|folks|know)$/u.test(next)) {
    write(token, isSubject(tokens, index) ? "they" : "them");
  }
  const theirs = lookUp(THEIRS, word);
  if (theirs !== undefined) {
    write(token, theirs);
  }
}

function isSubject(tokens: readonly Token[], index: number): boolean {
  const before = plain(tokens[index - 1]?.text ?? "");
  if (tokens[index]?.opensSentence === true || AUXILIARIES.has(before)) {
    return true;
  }
  const next = tokens[index + 1];
  if (PREPOSITIONS.has(before) || next === undefined || !isAdjacent(next) || next.opensSentence) {
    return false;
  }
  const word = plain(next.text);
  return (
    AUXILIARIES.has(word) ||
    (BELIEFS.has(before) && word !== "to" && (next.tags.has("Verb") || word === "like" || word.endsWith("ly")))
  );
}

function write(token: Token, text: string): void {
  token.text = token.opensSentence ? capitalise(text) : text;
}
