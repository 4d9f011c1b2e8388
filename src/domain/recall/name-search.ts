/** A query has no more words: each is looked for in every name and description that a search looks at. */
export const SEARCH_WORDS_MAX = 16;

const BETWEEN_WORDS = /[\s\p{P}\p{Z}\p{C}]+/u;
const MARKS = /\p{M}+/gu;

/** The distinct words of a text, in upper case and without accents: what stands between white space and punctuation. */
export function searchWordsOf(text: string): readonly string[] {
  // Lower and then upper case: by one of them alone ß and SS, or the two forms of σ, would stay apart.
  const folded = text.normalize("NFKD").replaceAll(MARKS, "").toLowerCase().toUpperCase();
  return [...new Set(folded.split(BETWEEN_WORDS).filter((word) => word !== ""))];
}

/** Whether each of the words begins a word of one of the texts. `words` are those of {@link searchWordsOf}. */
export function holdsWords(texts: readonly (string | null)[], words: readonly string[]): boolean {
  const present = texts.flatMap((text) => (text === null ? [] : searchWordsOf(text)));
  return words.every((word) => present.some((candidate) => candidate.startsWith(word)));
}
