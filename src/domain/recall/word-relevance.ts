import { STOP_WORDS } from "./stop-words";

/** A word of a query, and how rare it is in the collection that is searched. */
export interface QueryTerm {
  readonly word: string;
  readonly stem: string;
  /** Inverse document frequency, above 0: see {@link rarityOf}. */
  readonly rarity: number;
}

/** The words of a memory's text. */
export interface TextWords {
  /** Each word, and how often it stands there. */
  readonly counts: ReadonlyMap<string, number>;
  /** Characters of the text over those of the collection's average memory. */
  readonly relativeLength: number;
}

/** Why a memory matched: a word of the query, the word it met, and how well, above 0 to 1. */
export interface TermMatch {
  readonly term: string;
  readonly word: string;
  readonly weight: number;
}

/** A word of a memory, with what its reader knows of it. */
export interface TextWord {
  readonly word: string;
}

/** How well a word of a query is met by a word of a memory, 0–1. Asked for all words of a text in a row. */
export type WordLikeness<W extends TextWord> = (term: QueryTerm) => (word: W) => number;

/** A way to weigh texts by words: soft or plain BM25. More is better; it is made absolute by {@link relevanceOf}. */
export interface WordScoring {
  /** @param floorOf the least weight of a term, which the index says the memory holds. */
  match(terms: readonly QueryTerm[], words: TextWords, floorOf: (term: QueryTerm) => number): WordScore;
}

export interface WordScore {
  readonly rawScore: number;
  readonly matches: readonly TermMatch[];
}

/** A word of the same stem is nearly the same word. */
export const SAME_STEM_WEIGHT = 0.95;
/** Words whose vectors are less alike have nothing to do with each other. */
export const SIMILARITY_MIN = 0.45;
/** Likeness counts with this power: a word that is half alike says far less than half. */
const LIKENESS_POWER = 3;
const BM25_K1 = 1.2;
const BM25_B = 0.75;

/** BM25's inverse document frequency in the form that is never below 0. */
export function rarityOf(memoriesWithWord: number, memories: number): number {
  const among = Math.max(memories, memoriesWithWord);
  return Math.log(1 + (among - memoriesWithWord + 0.5) / (memoriesWithWord + 0.5));
}

/**
 * Soft BM25: each word of the query counts by its best match in the memory, to the third power and by its rarity, over
 * 0.7 + 0.3 · √(length / average length).
 * @param read what is known of a word; asked once for each word of a text.
 */
export function softScoring<W extends TextWord>(likeness: WordLikeness<W>, read: (word: string) => W): WordScoring {
  const searched = searchedWords(read);
  return {
    match(terms, words, floorOf) {
      const among = searched(words.counts);
      const matches = terms.flatMap((term) => bestMatch(term, words, { among, likeness, floor: floorOf(term) }));
      const rarities = new Map(terms.map((term) => [term.word, term.rarity]));
      const sum = matches.reduce(
        (total, { term, weight }) => total + softWeight(weight) * (rarities.get(term) ?? 0),
        0,
      );
      return { rawScore: sum / (0.7 + 0.3 * Math.sqrt(words.relativeLength)), matches };
    },
  };
}

/** What a match of this likeness is worth, 0–1. */
export function softWeight(likeness: number): number {
  return likeness ** LIKENESS_POWER;
}

/** Plain BM25 (k1 1.2, b 0.75) over stems. */
export function plainScoring(stemOf: (word: string) => string): WordScoring {
  const searched = searchedWords((word) => ({ word }));
  const likeness: WordLikeness<TextWord> = (term) => (text) => sameWord(term, text.word, stemOf);
  return {
    match(terms, words, floorOf) {
      const frequencies = new Map<string, number>();
      for (const [word, count] of words.counts) {
        const stem = stemOf(word);
        frequencies.set(stem, (frequencies.get(stem) ?? 0) + count);
      }
      const saturation = BM25_K1 * (1 - BM25_B + BM25_B * words.relativeLength);
      let rawScore = 0;
      const matches: TermMatch[] = [];
      for (const term of terms) {
        const frequency = frequencies.get(term.stem) ?? (floorOf(term) > 0 ? 1 : 0);
        if (frequency === 0) continue;
        rawScore += (term.rarity * frequency * (BM25_K1 + 1)) / (frequency + saturation);
        matches.push(...bestMatch(term, words, { among: searched(words.counts), likeness, floor: SAME_STEM_WEIGHT }));
      }
      return { rawScore, matches };
    },
  };
}

/** 1 for the same word, 0.95 for one of the same stem, else 0. */
export function sameWord(term: QueryTerm, word: string, stemOf: (word: string) => string): number {
  if (word === term.word) return 1;
  return stemOf(word) === term.stem ? SAME_STEM_WEIGHT : 0;
}

/** The words of a text without its stop words: found out once, however many queries read the text. */
function searchedWords<W>(read: (word: string) => W) {
  const known = new WeakMap<ReadonlyMap<string, number>, readonly W[]>();
  return (counts: ReadonlyMap<string, number>): readonly W[] => {
    const words = known.get(counts) ?? [...counts.keys()].filter((word) => !STOP_WORDS.has(word)).map(read);
    known.set(counts, words);
    return words;
  };
}

interface Search<W extends TextWord> {
  readonly among: readonly W[];
  readonly likeness: WordLikeness<W>;
  readonly floor: number;
}

function bestMatch<W extends TextWord>(term: QueryTerm, { counts }: TextWords, search: Search<W>): TermMatch[] {
  if (counts.has(term.word)) return [{ term: term.word, word: term.word, weight: 1 }];
  // What the index found and this text does not show is a word that the index folds otherwise.
  let [word, weight] = [term.word, search.floor];
  const likenessOf = search.likeness(term);
  for (const each of search.among) {
    const own = likenessOf(each);
    if (own > weight || (own === weight && word === term.word)) [word, weight] = [each.word, own];
  }
  return weight > 0 ? [{ term: term.word, word, weight }] : [];
}
