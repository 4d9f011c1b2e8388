import type { FactWord } from "./fact-words";
import { readNumberWords } from "./number-words";

/** A number as found: what it may be compared by, and the words it took. */
export interface NumberFound {
  /** Canonical values; several when the writing is ambiguous ("5k" is 5,000 or five kilometres). */
  readonly keys: readonly string[];
  /** Currency, "percent", "am" or "pm"; null when the text says none. */
  readonly unit: string | null;
  /** Too common in other meanings ("one", "second", "both") to be asked for, but good enough to answer for a digit. */
  readonly weak: boolean;
  readonly wordCount: number;
}

const UNIT_WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    dollar: "usd",
    dollars: "usd",
    bucks: "usd",
    usd: "usd",
    euro: "eur",
    euros: "eur",
    eur: "eur",
    pound: "gbp",
    pounds: "gbp",
    quid: "gbp",
    gbp: "gbp",
    yen: "jpy",
    cent: "cent",
    cents: "cent",
    percent: "percent",
    am: "am",
    pm: "pm",
  }),
);
const UNIT_SIGNS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    $: "usd",
    "€": "eur",
    "£": "gbp",
    "¥": "jpy",
    "%": "percent",
    "¢": "cent",
  }),
);
const SCALES: ReadonlyMap<string, number> = new Map(
  Object.entries({
    hundred: 100,
    thousand: 1e3,
    million: 1e6,
    billion: 1e9,
    k: 1e3,
    m: 1e6,
    bn: 1e9,
  }),
);
const FRACTIONS: ReadonlyMap<string, number> = new Map(
  Object.entries({ "½": 0.5, "¼": 0.25, "¾": 0.75, "⅓": 0.333, "⅔": 0.667 }),
);

const PARTS = /^(\d+(?:[.,:/]\d+)*)?([\p{L}\p{Nd}]*)([½¼¾⅓⅔]?)$/u;
const GROUPED = /^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/u;
const PLAIN = /^\d+(?:\.\d+)?$/u;
const CLOCK = /^(\d{1,2})[:.](\d{2})$/u;
const RATIO = /^(\d+)\/(\d+)$/u;
/** A hyphen between two numbers is a range, no sign. */
const MINUS = /[\s(][-−]$/u;
const LEADING_ZERO = /^0\d/u;
/** Above this many digits a number is a code: compared as written, for a float would round it. */
const DIGITS_MAX = 15;
const HOURS_HALF_DAY = 12;
const HOURS_DAY = 24;
const MINUTES_HOUR = 60;

/** The number that begins at `words[index]`, in digits or spelled out; undefined when none does. */
export function readNumber(words: readonly FactWord[], index: number): NumberFound | undefined {
  const word = words[index];
  if (word === undefined || word.kind === "address" || word.kind === "date") {
    return undefined;
  }
  const clock = readSpokenClock(words, index);
  if (clock !== undefined) {
    return clock;
  }
  const found = word.kind === "number" ? readDigits(words, index) : readNumberWords(words, index);
  if (found === undefined) {
    return undefined;
  }
  const unit = found.unit ?? unitAround(words, index, index + found.wordCount);
  return { ...found, unit, weak: found.weak && unit === null };
}

/** A canonical decimal: "1.50" is "1.5", "020" keeps its zero because it is a code. */
export function numberKey(value: number): string {
  return String(Math.round(value * 1e6) / 1e6);
}

function readDigits(words: readonly FactWord[], index: number): NumberFound {
  const word = words[index];
  const written = word?.text ?? "";
  const [, digits = "", suffix = "", fraction = ""] = PARTS.exec(written) ?? [];
  const letters = suffix.toLowerCase();
  const added = FRACTIONS.get(fraction) ?? 0;
  const meridiem = letters === "am" || letters === "pm" ? letters : null;
  const time = timeKeys(digits, meridiem ?? meridiemAfter(words, index + 1));
  if (time !== undefined) {
    return { ...time, weak: false, wordCount: 1 };
  }
  if (letters === "s") {
    return { keys: decadeKeys(digits), unit: null, weak: false, wordCount: 1 };
  }
  const value = valueOf(digits, added);
  if (value === undefined) {
    return { keys: [written.toLowerCase(), ...ratioKeys(digits)], unit: null, weak: false, wordCount: 1 };
  }
  const next = words[index + 1];
  const scale = letters === "" && next?.gap.trim() === "" ? SCALES.get(next.key) : undefined;
  if (scale !== undefined && (next?.key.length ?? 0) > 2) {
    return { keys: [numberKey(value * scale)], unit: null, weak: false, wordCount: 2 };
  }
  const sign = MINUS.test(word?.gap ?? "") ? "-" : "";
  const scaled = SCALES.get(letters);
  const keys = [sign + numberKey(value), ...(scaled === undefined ? [] : [sign + numberKey(value * scaled)])];
  return { keys, unit: null, weak: false, wordCount: 1 };
}

function valueOf(digits: string, added: number): number | undefined {
  if (digits === "") {
    return added === 0 ? undefined : added;
  }
  const bare = GROUPED.test(digits) ? digits.replaceAll(",", "") : digits;
  if (!PLAIN.test(bare) || bare.length > DIGITS_MAX || LEADING_ZERO.test(bare)) {
    return undefined;
  }
  return Number(bare) + added;
}

function ratioKeys(digits: string): string[] {
  const [, above, below] = RATIO.exec(digits) ?? [];
  return above === undefined || Number(below) === 0 ? [] : [numberKey(Number(above) / Number(below))];
}

function decadeKeys(digits: string): string[] {
  return digits.length === 4 && digits.startsWith("19") ? [`${digits}s`, `${digits.slice(2)}s`] : [`${digits}s`];
}

/** "7:30 pm", "19:30" and "7.30 pm" are one time; a full hour equals the bare number. */
function timeKeys(digits: string, meridiem: string | null): { keys: string[]; unit: string | null } | undefined {
  const [, hourText, minuteText] = CLOCK.exec(digits) ?? [];
  if (hourText === undefined || minuteText === undefined || (digits.includes(".") && meridiem === null)) {
    return meridiem !== null && PLAIN.test(digits) ? { keys: [numberKey(Number(digits))], unit: meridiem } : undefined;
  }
  const hour = Number(hourText);
  if (hour > HOURS_DAY || Number(minuteText) >= MINUTES_HOUR) {
    return undefined;
  }
  const half = hour === 0 || hour === HOURS_DAY ? HOURS_HALF_DAY : hour % HOURS_HALF_DAY || HOURS_HALF_DAY;
  const key = minuteText === "00" ? String(half) : `${half}:${minuteText}`;
  return { keys: [key], unit: meridiem ?? (hour > HOURS_HALF_DAY && hour < HOURS_DAY ? "pm" : null) };
}

/** "half past seven", "quarter to eight". */
function readSpokenClock(words: readonly FactWord[], index: number): NumberFound | undefined {
  const part = words[index]?.key;
  const side = words[index + 1]?.key;
  if ((part !== "half" && part !== "quarter") || (side !== "past" && side !== "to" && side !== "after")) {
    return undefined;
  }
  const hour = words[index + 2]?.kind === "number" ? readDigits(words, index + 2) : readNumberWords(words, index + 2);
  const value = Number(hour?.keys[0]);
  if (hour === undefined || !Number.isInteger(value) || value < 1 || value > HOURS_HALF_DAY) {
    return undefined;
  }
  const before = value === 1 ? HOURS_HALF_DAY : value - 1;
  const key = side === "to" ? `${before}:45` : `${value}:${part === "half" ? "30" : "15"}`;
  return {
    keys: [key],
    unit: meridiemAfter(words, index + 2 + hour.wordCount),
    weak: false,
    wordCount: 2 + hour.wordCount,
  };
}

function meridiemAfter(words: readonly FactWord[], index: number): "am" | "pm" | null {
  const next = words[index];
  if (next === undefined || next.gap.trim() !== "") {
    return null;
  }
  // "p.m." reads as two words with a full stop between.
  const isDotted = words[index + 1]?.key === "m" && words[index + 1]?.gap === ".";
  if (next.key === "am" || (next.key === "a" && isDotted)) {
    return "am";
  }
  return next.key === "pm" || (next.key === "p" && isDotted) ? "pm" : null;
}

function unitAround(words: readonly FactWord[], index: number, end: number): string | null {
  const signBefore = UNIT_SIGNS.get(words[index]?.gap.trimEnd().slice(-1) ?? "");
  const signAfter = UNIT_SIGNS.get(words[end - 1]?.next ?? "");
  if (signBefore !== undefined && signBefore !== "percent") {
    return signBefore;
  }
  if (signAfter === "percent" || signAfter === "cent") {
    return signAfter;
  }
  const next = words[end];
  if (next === undefined || !(next.gap.trim() === "" || next.gap === "-")) {
    return null;
  }
  if (next.key === "per" && words[end + 1]?.key === "cent") {
    return "percent";
  }
  return UNIT_WORDS.get(next.key) ?? meridiemAfter(words, end);
}
