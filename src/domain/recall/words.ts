import { STOP_WORDS } from "./stop-words";

/**
 * A search asks for at most so many words: its cost is the number of memories that hold any of them. Of the turns of
 * LoCoMo conversations, 99 of 100 have fewer.
 */
export const QUERY_WORDS_MAX = 32;
/** Longer runs are identifiers or encoded data, which no other memory repeats. */
export const WORD_CHARACTERS_MAX = 64;

/**
 * The distinct words of a text worth searching for: lower case, stop words out, in the order of their first use.
 *
 * Of more than {@link QUERY_WORDS_MAX} it keeps what is most likely rare, for rare words decide a ranking by BM25: first
 * names and numbers (a digit, or a capital inside a sentence), then longer before shorter words (Zipf's law of
 * abbreviation: frequent words are short), then the earlier. It looks at this text alone, so that the same text always
 * asks the same.
 */
export function queryWords(text: string): string[] {
  const found = new Map<string, boolean>();
  for (const { word, naming } of readWords(text)) {
    if (!STOP_WORDS.has(word)) found.set(word, naming || found.get(word) === true);
  }
  if (found.size <= QUERY_WORDS_MAX) return [...found.keys()];
  const order = [...found].toSorted((a, b) => Number(b[1]) - Number(a[1]) || b[0].length - a[0].length);
  const kept = new Set(order.slice(0, QUERY_WORDS_MAX).map(([word]) => word));
  return [...found.keys()].filter((word) => kept.has(word));
}

/**
 * All words of a text, lower case, stop words among them, and how often each stands there. A word of more than
 * {@link WORD_CHARACTERS_MAX} characters is left out.
 */
export function countWords(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { word } of readWords(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** How alike two texts are by their search words: shared words over all words (Jaccard), 0–1. */
export function wordOverlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  let shared = 0;
  for (const word of small) if (large.has(word)) shared += 1;
  const all = a.size + b.size - shared;
  return all === 0 ? 0 : shared / all;
}

interface WordFound {
  readonly word: string;
  /** Looks like a name or a number. */
  readonly naming: boolean;
}

/**
 * What FTS5's `unicode61` takes for a token (letters, numbers, private use) and the marks it drops or splits at: a word
 * travels as a quoted string that FTS5 splits again, as it split the memory. So accents stay on. A word may go on after
 * an apostrophe, so that "don't" and "Mel's" can be told apart.
 */
const WORD = /[\p{L}\p{N}\p{Co}\p{M}]+(?:['’＇][\p{L}\p{N}\p{Co}\p{M}]+)*/gu;
const APOSTROPHE = /['’＇]/u;
const SENTENCE_END = /[.!?…\n]/u;
const DIGIT = /\p{N}/u;
const CAPITAL = /^\p{Lu}/u;
/** What English hangs on a word: "Mel's", "we've". FTS5 makes a word of its own of it, which says nothing. */
const CLITICS: ReadonlySet<string> = new Set(["s", "m", "d", "re", "ve", "ll"]);

function* readWords(text: string): Generator<WordFound> {
  let end = 0;
  for (const match of text.matchAll(WORD)) {
    const opensSentence = end === 0 || SENTENCE_END.test(text.slice(end, match.index));
    end = match.index + match[0].length;
    for (const part of partsOf(match[0])) {
      const word = part.toLowerCase();
      const naming = DIGIT.test(part) || (!opensSentence && CAPITAL.test(part));
      if (word.length <= WORD_CHARACTERS_MAX) yield { word, naming };
    }
  }
}

/** "Mel's" is Mel, "O'Brien" is O and Brien as in the index, and "don't" is nothing: only auxiliaries take n't. */
function partsOf(written: string): readonly string[] {
  const parts = written.split(APOSTROPHE);
  const last = parts.at(-1)?.toLowerCase() ?? "";
  if (parts.length === 1) return parts;
  if (last === "t" && /n$/iu.test(parts.at(-2) ?? "")) return [];
  return CLITICS.has(last) ? parts.slice(0, -1) : parts;
}
