import { extractFacts } from "../../domain/facts/facts";
import {
  gerundOf,
  hasIrregularPlural,
  mendPossessive,
  participleOf,
  pastOf,
  plain,
  pluralOf,
  takesAn,
  thirdPersonForm,
  withCaseOf,
} from "./english";
import { isAdjacent, type RuleText, type Token } from "./rules-text";

/** A word or phrase of the source and what the agent says instead, each as single words. */
interface Swap {
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** The source word must carry this tag: "works" is swapped as a noun only where it is one. */
  readonly tag: "Plural" | "Verb" | null;
  /** What the agent says can only be a verb: "fall in love" must not become "fall in adore". */
  readonly isVerb: boolean;
}

const SPACES = /\s+/u;
const ONE_WORD = /^[a-z]+$/u;
/** Behind these a word is a noun, whatever else it can be. */
const BEFORE_NOUN = /^(?:in|of|with|for|the|a|an|my|your|his|her|its|our|their|this|that|no|more|some)$/u;
/** Words no noun is written like. Elsewhere English lets a verb be a noun too, and the agent's word may be either. */
const VERBS_ONLY: ReadonlySet<string> = new Set(
  `adore admire acquire appear arrive assist become begin commence complete conclude consider construct consume create
  depart describe devour discover enjoy ensure examine exclaim gather inquire enquire inform locate notify obey observe
  obtain perceive perform prefer proclaim procure provide recall receive reckon recollect relocate remain remember require
  reside retain retrieve select speak tell understand utilise utilize write`.split(/\s+/u),
);
const ARTICLE = /^an?$/u;
/** Words that the change of person needs: an agent can't have another one for them. */
const PERSON_WORDS = /^(?:i|me|my|mine|myself|we|us|our|ours|ourselves|you|your|yours|a|an)$/u;
/** The longest phrase a lexicon may replace. */
const PHRASE_WORDS_MAX = 6;

/** Lexicon entries by the first word of what they replace, longest first. */
export type SwapTable = ReadonlyMap<string, readonly Swap[]>;

/** Reads a lexicon, with plurals and verb forms of single words. Entries that would change a fact are left out. */
export function readLexicon(lexicon: Readonly<Record<string, string>>): SwapTable {
  const swaps: Swap[] = [];
  for (const [key, value] of Object.entries(lexicon)) {
    const from = plain(key).trim();
    const to = value.trim();
    const count = from.split(SPACES).length;
    if (
      from === "" ||
      to === "" ||
      count > PHRASE_WORDS_MAX ||
      PERSON_WORDS.test(from) ||
      extractFacts(from).length > 0
    ) {
      continue;
    }
    swaps.push(
      { from: from.split(SPACES), to: to.split(SPACES), tag: null, isVerb: VERBS_ONLY.has(to) },
      ...inflections(from, to),
    );
  }
  const table = new Map<string, Swap[]>();
  for (const swap of swaps) {
    const first = swap.from[0] ?? "";
    const known = table.get(first) ?? [];
    if (!known.some((other) => other.from.join(" ") === swap.from.join(" ") && other.tag === swap.tag)) {
      table.set(first, [...known, swap]);
    }
  }
  for (const [first, known] of table) {
    table.set(
      first,
      known.toSorted((a, b) => b.from.length - a.from.length),
    );
  }
  return table;
}

/** Replaces what the table names, whole words only, never in a name or in quoted speech; then mends "a" and "an". */
export function swapWords(text: RuleText, table: SwapTable): void {
  const kept: Token[] = [];
  let index = 0;
  while (index < text.tokens.length) {
    const token = text.tokens[index];
    const swap = findSwap(text.tokens, index, table);
    if (token === undefined) {
      break;
    }
    if (swap === undefined) {
      kept.push(token);
      index += 1;
      continue;
    }
    mendArticle(kept.at(-1), token, swap.to[0] ?? "");
    kept.push(...replacement(token, swap));
    mendPossessive(kept.at(-1), text.tokens[index + swap.from.length]);
    index += swap.from.length;
  }
  text.tokens = kept;
}

function inflections(from: string, to: string): Swap[] {
  if (!ONE_WORD.test(from) || !ONE_WORD.test(to.split(SPACES).at(-1) ?? "") || to.includes(" of ")) {
    return [];
  }
  // "kids" may be tagged as a verb; where one side can only be a noun, the tag is not asked.
  const isNoun = hasIrregularPlural(from) || hasIrregularPlural(to);
  const swaps: Swap[] = [
    { from: [pluralOf(from)], to: pluralOf(to).split(SPACES), tag: isNoun ? null : "Plural", isVerb: false },
  ];
  if (ONE_WORD.test(to) && !isNoun) {
    const forms: readonly ((base: string) => string)[] = [thirdPersonForm, pastOf, participleOf, gerundOf];
    swaps.push(...forms.map((form): Swap => ({ from: [form(from)], to: [form(to)], tag: "Verb", isVerb: true })));
  }
  return swaps;
}

function findSwap(tokens: readonly Token[], index: number, table: SwapTable): Swap | undefined {
  const token = tokens[index];
  const swaps = token === undefined ? undefined : table.get(plain(token.text));
  return swaps?.find(
    (swap) =>
      swap.from.every((word, step) => matches(tokens[index + step], word, step, tokens[index + step + 1])) &&
      fits(token, swap, tokens[index - 1]),
  );
}

function matches(token: Token | undefined, word: string, step: number, next: Token | undefined): boolean {
  if (token === undefined || token.isFixed || token.isName || plain(token.text) !== word) {
    return false;
  }
  // "Old Town" at the start of a sentence is a name, "Old friends" is not.
  const opensName =
    token.opensSentence &&
    /^\p{Lu}/u.test(token.text) &&
    next !== undefined &&
    next.isName &&
    isAdjacent(next) &&
    token.tags.has("ProperNoun");
  return !opensName && (step === 0 || isAdjacent(token));
}

function fits(token: Token | undefined, swap: Swap, before: Token | undefined): boolean {
  const tags = token?.tags ?? new Set<string>();
  const isNoun = tags.has("Noun") || BEFORE_NOUN.test(plain(before?.text ?? ""));
  return (swap.tag === null || tags.has(swap.tag)) && !(swap.isVerb && isNoun);
}

function replacement(token: Token, swap: Swap): Token[] {
  return swap.to.map((word, step) => ({
    ...token,
    gap: step === 0 ? token.gap : " ",
    text: step === 0 || token.text === token.text.toUpperCase() ? withCaseOf(token.text, word) : word,
    opensSentence: token.opensSentence && step === 0,
    isOwn: true,
  }));
}

function mendArticle(article: Token | undefined, noun: Token, word: string): void {
  if (article === undefined || article.isFixed || !ARTICLE.test(plain(article.text)) || !isAdjacent(noun)) {
    return;
  }
  if (takesAn(word) !== takesAn(noun.text)) {
    article.text = withCaseOf(article.text.slice(0, 1) === "A" ? "An" : "an", takesAn(word) ? "an" : "a");
  }
}
