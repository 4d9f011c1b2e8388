import { wordsOf } from "./words.ts";

/** How many facts a source has, and how many of them the result has too. */
export interface Kept {
  readonly kept: number;
  readonly total: number;
}

const NUMBER_WORDS: ReadonlySet<string> = new Set(
  `two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
  twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion dozen third fourth fifth sixth
  seventh eighth ninth tenth half twice`.split(/\s+/u),
);
const DATE_WORDS: ReadonlySet<string> = new Set(
  `monday tuesday wednesday thursday friday saturday sunday january february april june july september october november
  december yesterday tomorrow mondays tuesdays wednesdays thursdays fridays saturdays sundays`.split(/\s+/u),
);
const DIGITS = /\d+(?:[.,:/]\d+)*/gu;
/** A capital behind a lower-case word and a space: no sentence begins there. */
const NAME = /(?<=[\p{Ll}\d,;] )\p{Lu}[\p{L}\p{M}’'-]*/gu;
const NO_NAME = /^(?:I|I['’].*|A|OK|Ok|Okay|TV|Mom|Dad|Mum|God|Oh|Yes|No|You|And|But|The|So|It|My|We|What)$/u;

/**
 * Looks for names, numbers and dates with rules of its own, which share nothing with those of the fact guard: digits
 * literally, words for numbers and days from a list, and every capital inside a sentence, in its own spelling.
 */
export function countKept(source: string, result: string): Kept {
  const heard = new Set(wordsOf(result));
  const resultDigits = new Set(result.match(DIGITS) ?? []);
  const resultCapitals = new Set(capitals(result));
  const words = new Set(wordsOf(source).filter((word) => NUMBER_WORDS.has(word) || DATE_WORDS.has(word)));
  const digits = new Set(source.match(DIGITS) ?? []);
  const names = new Set((source.match(NAME) ?? []).map(bareName).filter(isName));
  const kept =
    count(words, (word) => heard.has(word)) +
    count(digits, (number) => resultDigits.has(number)) +
    count(names, (name) => resultCapitals.has(name));
  return { kept, total: words.size + digits.size + names.size };
}

/** A day is a date, and counted there. */
function isName(name: string): boolean {
  return !NO_NAME.test(name) && !DATE_WORDS.has(name.toLowerCase());
}

function capitals(text: string): readonly string[] {
  return (text.match(/\p{Lu}[\p{L}\p{M}’'-]*/gu) ?? []).map(bareName);
}

function bareName(name: string): string {
  return name.replace(/['’-]s?$/u, "").replace(/['’]s$/u, "");
}

function count(values: ReadonlySet<string>, isKept: (value: string) => boolean): number {
  return [...values].filter(isKept).length;
}
