import { mendPossessive, plain, takesAn, withCaseOf } from "./english";
import { MANNER_WORDS } from "./manner-words";
import type { Family } from "./manner";
import { holds, readConditions, type Condition } from "./word-conditions";
import { isAdjacent, type RuleText, type Token } from "./rules-text";
import { seedOf } from "./seed";

/** Words of the source, where they may be replaced, and what a manner says instead. */
interface Choice {
  readonly from: readonly string[];
  readonly conditions: readonly Condition[];
  /** Alternatives; an empty one leaves the words out. */
  readonly to: readonly (readonly string[])[];
}

type ChoiceTable = ReadonlyMap<string, readonly Choice[]>;

const LINE = /^(?<from>[^{=]+?)\s*(?:\{(?<where>[^}]*)\})?\s*=\s*(?<to>.*)$/u;
const SPACES = /\s+/u;
/** Two of these in a row would be one too many. */
const DEGREES: ReadonlySet<string> = new Set(
  "rather quite fairly so very really too most ever truly pretty super utterly wildly mega exceedingly as how more less enough absolutely kind a little bit firmly dearly quietly".split(
    " ",
  ),
);
const ARTICLE = /^an?$/u;

const tables = new Map<Family, ChoiceTable>();

/**
 * Says common words as the families of a manner say them: whole words, never in a name, in quoted speech or where the
 * voice's own lexicon has spoken. Among several words of a family each agent has its own, and does not repeat it
 * within a memory where it has another.
 * @param seed the agent's name.
 */
export function chooseWords(text: RuleText, families: readonly Family[], seed: string): void {
  const kept: Token[] = [];
  const used = new Set<string>();
  let index = 0;
  while (index < text.tokens.length) {
    const token = text.tokens[index];
    if (token === undefined) {
      break;
    }
    const choice = findChoice(text.tokens, index, families);
    if (choice === undefined) {
      kept.push(token);
      index += 1;
      continue;
    }
    const end = index + choice.from.length;
    const words = degreesOnce(alternative(choice, used, seed), text.tokens[index - 1], kept.at(-1), text.tokens[end]);
    const next = text.tokens[end];
    if (words.length === 0 && next !== undefined) {
      text.tokens[end] = leftOut(token, next);
    } else {
      kept.push(...replaced(token, words, next));
      mendPossessive(kept.at(-1), next);
    }
    index = end;
  }
  text.tokens = kept;
}

/** Makes "a" and "an" fit the words that the voice put behind them. */
export function mendArticles(text: RuleText): void {
  for (const [index, token] of text.tokens.entries()) {
    const next = text.tokens[index + 1];
    if (next?.isOwn === true && isAdjacent(next) && !token.isFixed && ARTICLE.test(plain(token.text))) {
      token.text = withCaseOf(token.text.slice(0, 1) === "A" ? "An" : "an", takesAn(next.text) ? "an" : "a");
    }
  }
}

function tableOf(family: Family): ChoiceTable {
  const known = tables.get(family);
  if (known !== undefined) {
    return known;
  }
  const table = new Map<string, Choice[]>();
  for (const line of MANNER_WORDS[family].trim().split("\n")) {
    const { from = "", where = "", to = "" } = LINE.exec(line.trim())?.groups ?? {};
    const conditions = readConditions(where);
    const alternatives = to.split("|").map((words) => (words.trim() === "-" ? [] : words.trim().split(SPACES)));
    for (const phrase of to.trim() === "" ? [] : from.split("|")) {
      const words = phrase.trim().split(SPACES);
      const first = words[0] ?? "";
      table.set(first, [...(table.get(first) ?? []), { from: words, conditions, to: alternatives }]);
    }
  }
  for (const [first, choices] of table) {
    // The longest first, else the order of the lines: the narrower condition stands above.
    table.set(
      first,
      choices.toSorted((a, b) => b.from.length - a.from.length),
    );
  }
  tables.set(family, table);
  return table;
}

function findChoice(tokens: readonly Token[], index: number, families: readonly Family[]): Choice | undefined {
  const token = tokens[index];
  if (token === undefined || token.isFixed || token.isOwn || token.isName) {
    return undefined;
  }
  const word = plain(token.text);
  for (const family of families) {
    const found = tableOf(family)
      .get(word)
      ?.find(
        (choice) =>
          choice.from.every((part, step) => isWord(tokens, index + step, part, step)) &&
          holds(choice.conditions, tokens, index, index + choice.from.length),
      );
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

function isWord(tokens: readonly Token[], at: number, word: string, step: number): boolean {
  const token = tokens[at];
  if (token === undefined || token.isFixed || token.isOwn || token.isName || plain(token.text) !== word) {
    return false;
  }
  // "Great Barrier Reef" at the start of a sentence is a name, "Great news" is not.
  const next = tokens[at + 1];
  const opensName = token.opensSentence && next?.isName === true && next.gap === " " && token.tags.has("ProperNoun");
  return !opensName && (step === 0 || (isAdjacent(token) && !token.opensSentence));
}

function alternative(choice: Choice, used: Set<string>, seed: string): readonly string[] {
  const first = seedOf(`${seed} ${choice.to.map((words) => words.join(" ")).join("|")}`) % choice.to.length;
  const order = [...choice.to.slice(first), ...choice.to.slice(0, first)];
  const words = order.find((option) => !used.has(option.join(" "))) ?? order[0] ?? [];
  used.add(words.join(" "));
  return words;
}

/** "so rather good" and "rather rather good" say it twice. */
function degreesOnce(
  words: readonly string[],
  source: Token | undefined,
  before: Token | undefined,
  next: Token | undefined,
): readonly string[] {
  const isDegree = (token: Token | undefined) => DEGREES.has(plain(token?.text ?? ""));
  const first = words[0] ?? "";
  if (DEGREES.has(first) && (isDegree(before) || (words.length > 1 && isDegree(source)))) {
    return words.filter((word) => !DEGREES.has(word));
  }
  if (words.length > 1 && first === plain(source?.text ?? "")) {
    return words.slice(1);
  }
  const last = words.at(-1) ?? "";
  return words.length > 1 && DEGREES.has(last) && isDegree(next) ? words.slice(0, -1) : words;
}

function replaced(token: Token, words: readonly string[], next: Token | undefined): Token[] {
  const shout = token.text.length > 1 && token.text === token.text.toUpperCase();
  return words.map((word, step) => {
    const isLast = step === words.length - 1;
    // "good day," before what brings its own comma.
    const isPlainJoin = next !== undefined && next.gap === " " && !next.opensSentence;
    const written = isLast && !isPlainJoin ? word.replace(/,$/u, "") : word;
    return {
      ...token,
      gap: step === 0 ? token.gap : " ",
      text: step === 0 || shout ? withCaseOf(token.text, written) : written === "i" ? "I" : written,
      opensSentence: token.opensSentence && step === 0,
      isName: false,
      isOwn: true,
    };
  });
}

/** What follows a word that is left out takes its place. */
function leftOut(token: Token, next: Token): Token {
  const opens = token.opensSentence;
  return {
    ...next,
    gap: token.gap,
    text: opens ? withCaseOf("A", next.text) : next.text,
    opensSentence: opens || next.opensSentence,
    isName: opens ? false : next.isName,
  };
}
