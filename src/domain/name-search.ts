/** A query has no more words: each is looked for in every name and description that a search looks at. */
export const SEARCH_WORDS_MAX = 16;

const BETWEEN_WORDS = /[\s\p{P}\p{Z}\p{C}]+/u;
const MARKS = /\p{M}+/gu;

/** The distinct words of a text, without case and accents: what stands between white space and punctuation. */
export function searchWordsOf(text: string): readonly string[] {
  // Upper case first: some small letters have two capitals, and some two small forms have one capital.
  const cased = text.normalize("NFKD").toUpperCase().toLowerCase().replaceAll("ς", "σ");
  const folded = cased.normalize("NFKD").replaceAll(MARKS, "");
  return [...new Set(folded.split(BETWEEN_WORDS).filter((word) => word !== ""))];
}

/** Whether each of the words begins a word of one of the texts. `words` are those of {@link searchWordsOf}. */
export function holdsWords(texts: readonly (string | null)[], words: readonly string[]): boolean {
  const present = texts.flatMap((text) => (text === null ? [] : searchWordsOf(text)));
  return words.every((word) => present.some((candidate) => candidate.startsWith(word)));
}
