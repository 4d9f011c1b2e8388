import { readNumber } from "./fact-numbers";
import { splitFactWords, type FactWord } from "./fact-words";
import { isFunctionWord, isOrdinaryWord } from "./ordinary-words";

/** Something a re-wording must keep. */
export interface Fact {
  readonly kind: "name" | "number" | "date";
  /** As the text writes it. */
  readonly text: string;
  /** What it is compared by; one match is enough. */
  readonly keys: readonly string[];
  /** Currency, "percent", "am" or "pm"; null when the text says none. Differs only from another known unit. */
  readonly unit: string | null;
  /** False when only its capital at the start of a sentence, or a common word, speaks for it. */
  readonly certain: boolean;
}

/** What the texts together tell about a word that opens a sentence. */
export interface Vocabulary {
  /** Keys that are capitalised inside a sentence: names for sure. */
  readonly names: ReadonlySet<string>;
  /** Keys that are also written in lower case: no names. */
  readonly lower: ReadonlySet<string>;
}

const WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const MONTHS = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
];
/** Months that are words or given names too: only a capital and the words around make them dates. */
const AMBIGUOUS_MONTHS: ReadonlySet<string> = new Set(["march", "may", "august"]);
const SHORT_DATES: ReadonlyMap<string, string> = new Map([
  ...WEEKDAYS.map((day): [string, string] => [day.slice(0, 3), day]),
  ...MONTHS.filter((month) => month !== "may").map((month): [string, string] => [month.slice(0, 3), month]),
  ["tues", "tuesday"],
  ["weds", "wednesday"],
  ["thur", "thursday"],
  ["thurs", "thursday"],
  ["sept", "september"],
]);
const RELATIVE_DAYS: ReadonlySet<string> = new Set(["yesterday", "tomorrow"]);
const BEFORE_MONTH: ReadonlySet<string> = new Set(
  "in on of by since until till from during last next this early late mid every each before after around".split(" "),
);
/** Ordinary words that are given names too: what follows decides at the start of a sentence. */
const NAMES_TOO: ReadonlySet<string> = new Set(
  "art bill bob chance charity chase dawn dean drew earl faith frank gene grace grant harmony hope jack joy june mark may pat pearl ray rich rob rose ruby sue summer will".split(
    " ",
  ),
);
const AFTER_NAME: ReadonlySet<string> = new Set(
  "is was has had says said told asked thinks thought wants wanted loves loved likes liked went came called called gave got makes made took and".split(
    " ",
  ),
);
const UPPER_START = /^\p{Lu}/u;
const UPPER_INSIDE = /^\p{Ll}+\p{Lu}/u;
const ALL_UPPER = /^(?:\p{Lu}\.?)+\p{N}*$/u;
/** A text with a greater share of words in capitals than this shouts: capitals then tell nothing. */
const SHOUTING_SHARE = 0.6;
const SHOUTING_WORDS_MIN = 4;

/**
 * Names, numbers (digits or spelled out, ordinals, money, times) and dates of a text, in order.
 * Pure and deterministic, linear in the text's length.
 */
export function extractFacts(text: string): Fact[] {
  const words = splitFactWords(text);
  return factsOf(words, vocabularyOf([words])).filter((fact) => fact.kind !== "number" || fact.certain);
}

/** Which keys the given texts use as names, and which in lower case. */
export function vocabularyOf(texts: readonly (readonly FactWord[])[]): Vocabulary {
  const names = new Set<string>();
  const lower = new Set<string>();
  for (const words of texts) {
    for (const word of isShouting(words) ? [] : words) {
      if (!UPPER_START.test(word.text)) {
        lower.add(word.key);
      } else if (!word.opensSentence && !isOrdinaryWord(word.key)) {
        names.add(word.key);
      }
    }
  }
  return { names, lower };
}

/** All facts of split words, uncertain ones and weak numbers ("one", "both") included. */
export function factsOf(words: readonly FactWord[], vocabulary: Vocabulary): Fact[] {
  const facts: Fact[] = [];
  const shouting = isShouting(words);
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index];
    if (word === undefined) {
      continue;
    }
    const date = readDate(words, index);
    if (date.length > 0) {
      facts.push(...date);
      continue;
    }
    const number = readNumber(words, index);
    if (number !== undefined) {
      const text = numberText(words.slice(index, index + number.wordCount), number.unit);
      facts.push({ kind: "number", text, keys: number.keys, unit: number.unit, certain: !number.weak });
      index += number.wordCount - 1;
    } else if (!shouting) {
      facts.push(...readName(words, index, vocabulary));
    }
  }
  return facts;
}

/** The number as written, with a unit that the words alone would not show: "20 usd", "7:30 pm". */
function numberText(words: readonly FactWord[], unit: string | null): string {
  const written = words.reduce((sum, word, at) => sum + (at === 0 ? "" : word.gap) + word.text, "");
  return unit === null || written.toLowerCase().endsWith(unit) ? written : `${written} ${unit}`;
}

function readDate(words: readonly FactWord[], index: number): Fact[] {
  const word = words[index];
  if (word === undefined) {
    return [];
  }
  if (word.kind === "date") {
    const [year = "", month = "", day = ""] = word.text.split("-");
    const name = MONTHS[Number(month) - 1];
    return [
      fact("number", year, [String(Number(year))]),
      ...(name === undefined ? [] : [fact("date", word.text, [name])]),
      fact("number", day, [String(Number(day))]),
    ];
  }
  const name = word.kind === "word" ? dateName(words, index, word) : undefined;
  return name === undefined ? [] : [fact("date", word.text, [name])];
}

function dateName(words: readonly FactWord[], index: number, word: FactWord): string | undefined {
  const singular = word.key.endsWith("s") ? word.key.slice(0, -1) : word.key;
  const key = [word.key, singular].find(
    (form) => WEEKDAYS.includes(form) || MONTHS.includes(form) || RELATIVE_DAYS.has(form),
  );
  if (key !== undefined && !AMBIGUOUS_MONTHS.has(key)) {
    return key;
  }
  const isCapital = UPPER_START.test(word.text);
  const next = words[index + 1];
  const before = words[index - 1];
  const numberNear =
    (next?.kind === "number" && next.gap.length <= 2) || (before?.kind === "number" && word.gap.length <= 2);
  if (key !== undefined) {
    return isCapital && (numberNear || !word.opensSentence || BEFORE_MONTH.has(before?.key ?? "")) ? key : undefined;
  }
  // "Sat." and "Dec 5" are dates; "Jan" and "Sun" alone may be a name and a newspaper.
  const long = SHORT_DATES.get(word.key);
  return long !== undefined && isCapital && (numberNear || (next?.gap.startsWith(".") ?? false)) ? long : undefined;
}

function readName(words: readonly FactWord[], index: number, vocabulary: Vocabulary): Fact[] {
  const word = words[index];
  if (word === undefined) {
    return [];
  }
  if (word.kind === "address") {
    return [fact("name", word.text, [word.key])];
  }
  if (UPPER_INSIDE.test(word.text)) {
    return [fact("name", word.text, [word.key])];
  }
  if (!UPPER_START.test(word.text) || !mayBeName(word, words[index + 1])) {
    return [];
  }
  const isAcronym = word.text.length > 1 && ALL_UPPER.test(word.text);
  if (isAcronym && isOrdinaryWord(word.key)) {
    return [];
  }
  if (!word.opensSentence || isAcronym || vocabulary.names.has(word.key)) {
    return [fact("name", word.text, [word.key])];
  }
  const certain = namesByContext(words[index + 1]);
  if (isOrdinaryWord(word.key)) {
    return NAMES_TOO.has(word.key) && certain ? [{ ...fact("name", word.text, [word.key]), certain: false }] : [];
  }
  return vocabulary.lower.has(word.key) ? [] : [{ ...fact("name", word.text, [word.key]), certain }];
}

function mayBeName(word: FactWord, next: FactWord | undefined): boolean {
  if (isFunctionWord(word.key)) {
    return NAMES_TOO.has(word.key);
  }
  // "T-shirt" and a lone "O" name nobody; "Plan B" and "Vitamin C" do.
  return word.text.length > 1 || (word.key !== "o" && next?.gap !== "-");
}

function namesByContext(next: FactWord | undefined): boolean {
  return (
    next !== undefined &&
    (AFTER_NAME.has(next.key) || (UPPER_START.test(next.text) && next.gap === " " && next.text !== "I"))
  );
}

function isShouting(words: readonly FactWord[]): boolean {
  const long = words.filter((word) => word.kind === "word" && word.text.length > 1);
  const loud = long.filter((word) => ALL_UPPER.test(word.text)).length;
  return long.length >= SHOUTING_WORDS_MIN && loud / long.length > SHOUTING_SHARE;
}

function fact(kind: Fact["kind"], text: string, keys: readonly string[]): Fact {
  return { kind, text, keys, unit: null, certain: true };
}
