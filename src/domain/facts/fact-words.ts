/** One word or number of a text, and how it stands there. */
export interface FactWord {
  /** As written, without a clitic: "Tom's" gives "Tom". */
  readonly text: string;
  /** Lower case, without diacritics: what comparisons use. */
  readonly key: string;
  readonly kind: "word" | "number" | "date" | "address";
  /** Offset of the first character, in UTF-16 units. */
  readonly start: number;
  /** Offset behind the last character, clitic included. */
  readonly end: number;
  /** What stands between the word before and this one. */
  readonly gap: string;
  /** The character right behind, or "" at the end: "%" and the like. */
  readonly next: string;
  /** A capital here says nothing: start of text or sentence, behind a colon, a quote, a bracket or a line break. */
  readonly opensSentence: boolean;
}

/** Longest local part and longest label of an address; a bound keeps the scan linear. */
const ADDRESS_PART = "[\\p{L}\\p{N}._%+\\-]{1,64}";

const TOKEN = new RegExp(
  [
    `(?<address>(?:https?:\\/\\/|www\\.)[^\\s<>"'\\])]+|${ADDRESS_PART}@[\\p{L}\\p{N}.\\-]{1,253})`,
    "(?<date>\\d{4}-\\d{2}-\\d{2})",
    "(?<number>\\d+(?:[.,:/]\\d+)*[\\p{L}\\p{Nd}]*[½¼¾⅓⅔]?|[½¼¾⅓⅔])",
    "(?<word>\\p{L}[\\p{L}\\p{M}\\p{N}]*(?:['’][\\p{L}\\p{M}]+)*)",
  ].join("|"),
  "gu",
);

const CLITIC = /['’](?:s|m|d|re|ve|ll|em)$/iu;
const MARKS = /\p{M}+/gu;
const ENDS_ADDRESS = /[.,;:!?]+$/u;
const OPENS_SENTENCE = /[.!?…:;\n\r"“”„«»‘([{•*>|–—]|\s-+\s|^-\s|\p{Extended_Pictographic}/u;
const ABBREVIATIONS: ReadonlySet<string> = new Set(["mr", "mrs", "ms", "dr", "st", "prof", "rev", "capt", "sgt", "lt"]);
const ONE_CAPITAL = /^\p{Lu}$/u;
const CURLY_QUOTE = /’/gu;

/** Lower case without diacritics and with straight apostrophes, so that José equals Jose. */
export function foldWord(word: string): string {
  return word.normalize("NFD").replace(MARKS, "").replace(CURLY_QUOTE, "'").toLowerCase();
}

/** The words, numbers, ISO dates and addresses of a text, in order. Linear in the text's length. */
export function splitFactWords(text: string): FactWord[] {
  const words: FactWord[] = [];
  let previous: FactWord | undefined;
  for (const match of text.matchAll(TOKEN)) {
    const word = readWord(match, text, previous);
    words.push(word);
    previous = word;
  }
  return words;
}

function readWord(match: RegExpExecArray, text: string, previous: FactWord | undefined): FactWord {
  const raw = match[0];
  const kind = kindOf(match);
  const written = kind === "address" ? raw.replace(ENDS_ADDRESS, "") : raw;
  const gap = text.slice(previous?.end ?? 0, match.index);
  const bare = kind === "word" ? written.replace(CLITIC, "") : written;
  const shown = bare === "" ? written : bare;
  return {
    text: shown,
    key: foldWord(shown),
    kind,
    start: match.index,
    end: match.index + written.length,
    gap,
    next: text.slice(match.index + written.length, match.index + written.length + 1),
    opensSentence: previous === undefined || opensSentence(gap, previous),
  };
}

function kindOf(match: RegExpExecArray): FactWord["kind"] {
  if (match.groups?.["address"] !== undefined) {
    return "address";
  }
  if (match.groups?.["date"] !== undefined) {
    return "date";
  }
  return match.groups?.["number"] === undefined ? "word" : "number";
}

function opensSentence(gap: string, previous: FactWord): boolean {
  if (!OPENS_SENTENCE.test(gap)) {
    return false;
  }
  // "Dr. Brown" and "J. Brown" go on; "So did I. Brown is…" does not.
  const isShort = ABBREVIATIONS.has(previous.key) || (ONE_CAPITAL.test(previous.text) && previous.text !== "I");
  return !(isShort && gap.trim() === ".");
}
