import type { FactWord } from "./fact-words";

const SMALL: readonly string[] =
  `zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
  eighteen nineteen`.split(/\s+/u);
const TENS: readonly string[] = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const SMALL_ORDINALS: readonly string[] =
  `zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth
  fifteenth sixteenth seventeenth eighteenth nineteenth`.split(/\s+/u);
const TENS_ORDINALS: readonly string[] =
  "twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth".split(" ");
const DECADES: readonly string[] = "twenties thirties forties fifties sixties seventies eighties nineties".split(" ");
const SCALES: ReadonlyMap<string, number> = new Map([
  ["thousand", 1e3],
  ["million", 1e6],
  ["billion", 1e9],
]);
/** Words that stand for a number, but are too common otherwise to be asked for. */
const WEAK: ReadonlyMap<string, number> = new Map([
  ["one", 1],
  ["first", 1],
  ["once", 1],
  ["single", 1],
  ["second", 2],
  ["twice", 2],
  ["both", 2],
  ["couple", 2],
  ["pair", 2],
  ["half", 0.5],
]);
/** Behind or before these, "first" and "second" are facts. */
const ORDINAL_NOUNS: ReadonlySet<string> = new Set(
  "place prize grade floor class birthday anniversary january february march april may june july august september october november december".split(
    " ",
  ),
);

const CARDINALS: ReadonlyMap<string, number> = new Map([
  ...SMALL.map((word, value): [string, number] => [word, value]),
  ...TENS.map((word, step): [string, number] => [word, (step + 2) * 10]),
]);
const ORDINALS: ReadonlyMap<string, number> = new Map([
  ...SMALL_ORDINALS.map((word, value): [string, number] => [word, value]),
  ...TENS_ORDINALS.map((word, step): [string, number] => [word, (step + 2) * 10]),
  ["hundredth", 100],
  ["thousandth", 1000],
]);

const TWO_DIGITS_MIN = 10;
const HUNDRED = 100;
const DOZEN = 12;
const HOURS_HALF_DAY = 12;
const MINUTES_HOUR = 60;
const JOINS = /^(?:\s+|[-‐‑])$/u;

/** Sum so far: closed thousands, the open part under a thousand, and how many words it took. */
interface Sum {
  closed: number;
  open: number;
  wordCount: number;
  /** Two two-digit numbers side by side: "nineteen ninety". */
  isYear: boolean;
  lastScale: number;
  done: boolean;
}

/** The spelled-out number that begins at `words[index]`, with its value as key; undefined when none does. */
export function readNumberWords(
  words: readonly FactWord[],
  index: number,
): { keys: string[]; unit: null; weak: boolean; wordCount: number } | undefined {
  const key = words[index]?.key ?? "";
  const decade = DECADES.indexOf(key);
  if (decade >= 0) {
    const tens = (decade + 2) * 10;
    return { keys: [`${tens}s`, `19${tens}s`], unit: null, weak: false, wordCount: 1 };
  }
  const article = (key === "a" || key === "an") && isGroup(words[index + 1]);
  const sum: Sum = {
    closed: 0,
    open: article ? 1 : 0,
    wordCount: article ? 1 : 0,
    isYear: false,
    lastScale: Infinity,
    done: false,
  };
  while (!sum.done && take(sum, words, index + sum.wordCount)) {
    // Each turn takes at least one word more.
  }
  if (sum.wordCount === 0) {
    return readWeak(words, index);
  }
  if (sum.wordCount === 1 && WEAK.has(key) && !isCounted(words, index)) {
    return readWeak(words, index);
  }
  const value = String(Math.round((sum.closed + sum.open) * 1e6) / 1e6);
  return { keys: [value, ...clockKeys(sum)], unit: null, weak: false, wordCount: sum.wordCount };
}

function take(sum: Sum, words: readonly FactWord[], index: number): boolean {
  const word = words[index];
  if (word === undefined || (sum.wordCount > 0 && !JOINS.test(word.gap))) {
    return false;
  }
  if (sum.wordCount > 0 && word.key === "and") {
    return takeAnd(sum, words, index);
  }
  return takeGroup(sum, word.key) || takeSmall(sum, word.key);
}

/** "two hundred and twelve", "two and a half". */
function takeAnd(sum: Sum, words: readonly FactWord[], index: number): boolean {
  if (words[index + 1]?.key === "a" && words[index + 2]?.key === "half") {
    sum.open += 0.5;
    sum.wordCount += 3;
    sum.done = true;
    return true;
  }
  const next = words[index + 1]?.key ?? "";
  const isRound = sum.open === 0 ? sum.closed > 0 : sum.open % HUNDRED === 0;
  const value = CARDINALS.get(next) ?? ORDINALS.get(next);
  if (!isRound || value === undefined) {
    return false;
  }
  sum.wordCount += 1;
  return takeSmall(sum, next);
}

function takeGroup(sum: Sum, key: string): boolean {
  const scale = SCALES.get(key);
  if (key === "hundred" && sum.open > 0 && sum.open < HUNDRED) {
    sum.open *= HUNDRED;
  } else if (key === "dozen" && sum.closed === 0 && sum.open < HUNDRED) {
    sum.open = (sum.open || 1) * DOZEN;
    sum.done = true;
  } else if (scale !== undefined && sum.open > 0 && scale < sum.lastScale) {
    sum.closed += sum.open * scale;
    sum.open = 0;
    sum.lastScale = scale;
  } else {
    return false;
  }
  sum.wordCount += 1;
  return true;
}

function takeSmall(sum: Sum, key: string): boolean {
  const cardinal = CARDINALS.get(key);
  const value = cardinal ?? ORDINALS.get(key);
  if (value === undefined) {
    return false;
  }
  const within = sum.open % HUNDRED;
  if (
    sum.open === 0 ||
    (within === 0 && sum.open >= HUNDRED) ||
    (value < 10 && value > 0 && within >= 20 && within % 10 === 0)
  ) {
    sum.open += value;
  } else if (
    sum.closed === 0 &&
    sum.open >= TWO_DIGITS_MIN &&
    sum.open < HUNDRED &&
    value >= TWO_DIGITS_MIN &&
    value < HUNDRED
  ) {
    sum.open = sum.open * HUNDRED + value;
    sum.isYear = true;
  } else {
    return false;
  }
  sum.wordCount += 1;
  sum.done = cardinal === undefined || cardinal === 0;
  return true;
}

/** "ten fifteen" may be a year or a time. */
function clockKeys(sum: Sum): string[] {
  const minutes = sum.open % HUNDRED;
  const hour = Math.floor(sum.open / HUNDRED);
  return sum.isYear && hour <= HOURS_HALF_DAY && minutes < MINUTES_HOUR ? [`${hour}:${minutes}`] : [];
}

function isGroup(word: FactWord | undefined): boolean {
  const key = word?.key ?? "";
  return word?.gap.trim() === "" && (key === "hundred" || key === "dozen" || SCALES.has(key));
}

/** Whether "one", "first" or "second" counts something here: "one o'clock", "first prize", "May first". */
function isCounted(words: readonly FactWord[], index: number): boolean {
  const key = words[index]?.key;
  const next = words[index + 1]?.key ?? "";
  if (key === "one") {
    return next === "o'clock";
  }
  const before = words[index - 1]?.key ?? "";
  const ofMonth = next === "of" ? (words[index + 2]?.key ?? "") : "";
  return ORDINAL_NOUNS.has(next) || ORDINAL_NOUNS.has(before) || ORDINAL_NOUNS.has(ofMonth);
}

function readWeak(
  words: readonly FactWord[],
  index: number,
): { keys: string[]; unit: null; weak: boolean; wordCount: number } | undefined {
  const value = WEAK.get(words[index]?.key ?? "");
  return value === undefined ? undefined : { keys: [String(value)], unit: null, weak: true, wordCount: 1 };
}
