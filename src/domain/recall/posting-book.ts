import { STOP_WORDS } from "./stop-words";
import { rarityOf, SIMILARITY_MIN, softWeight } from "./word-relevance";
import type { WordTable } from "./word-table";

/** How much text a collection holds. */
export interface CollectionTexts {
  /** Memories that are not deleted. */
  readonly memories: number;
  /** Their characters. */
  readonly characters: number;
  /** The range of row numbers in which they lie. */
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/** What the word index says of one collection. */
export interface CollectionPostings {
  readonly texts: CollectionTexts;
  /** For each group of words the row numbers of the memories that pass the filters, the newest first. */
  readonly found: readonly (readonly number[])[];
  /** The same for the groups without any filter. */
  readonly unfiltered: readonly (readonly number[])[];
}

/** Words that are looked up as one: a word itself, or those near it. */
export interface WordGroup {
  readonly word: string;
  readonly words: readonly string[];
  /** What a memory that holds one of them is worth to `word`, 0–1: exact for the word, a guess for those near it. */
  readonly worth: number;
}

export type WordGroups = readonly WordGroup[];

type NearWords = Pick<WordTable, "neighboursOf" | "similarity">;

/** Each distinct word by itself; with a table, also those near each. */
export function groupWords(all: readonly string[], table: NearWords | null): WordGroups {
  const words = [...new Set(all)];
  const own = words.map((word): WordGroup => ({ word, words: [word], worth: 1 }));
  return table === null ? own : [...own, ...words.flatMap((word) => nearGroup(word, table))];
}

function nearGroup(word: string, table: NearWords): WordGroup[] {
  const near = table
    .neighboursOf(word)
    .filter((other) => !STOP_WORDS.has(other))
    .map((other) => ({ other, similarity: table.similarity(word, other) }))
    .filter(({ similarity }) => similarity >= SIMILARITY_MIN);
  if (near.length === 0) return [];
  const worth = near.reduce((sum, { similarity }) => sum + softWeight(similarity), 0) / near.length;
  return [{ word, words: near.map(({ other }) => other), worth }];
}

/** What the index says of one collection, for the words of some queries. */
export class PostingBook {
  readonly #own = new Map<string, ReadonlySet<number>>();
  readonly #near = new Map<string, { readonly seqs: readonly number[]; readonly worth: number }>();
  readonly #rarities = new Map<string, number>();
  readonly #averageLength: number;

  /** @param limit how many memories of a group were asked for. */
  constructor(groups: WordGroups, { texts, found, unfiltered }: CollectionPostings, limit: number) {
    this.#averageLength = texts.memories > 0 ? texts.characters / texts.memories : 0;
    for (const [index, { word, worth }] of groups.entries()) {
      const seqs = found[index] ?? [];
      if (this.#own.has(word)) {
        this.#near.set(word, { seqs, worth });
        continue;
      }
      this.#own.set(word, new Set(seqs));
      this.#rarities.set(word, rarityOf(howMany(unfiltered[index] ?? [], limit, texts), texts.memories));
    }
  }

  rarityOf(word: string): number {
    return this.#rarities.get(word) ?? 0;
  }

  /** Whether the index says that the memory holds the word. */
  holds(word: string, seq: number): boolean {
    return this.#own.get(word)?.has(seq) === true;
  }

  /** Over the collection's average memory; 1 where there is none. */
  relativeLength(characters: number): number {
    return this.#averageLength > 0 ? characters / this.#averageLength : 1;
  }

  /**
   * The memories that promise most for these words, by the index alone, ties to the newer; and as many of those that are
   * nearest.
   * @param nearest the nearest first.
   */
  candidatesFor(
    words: readonly string[],
    max: number,
    nearest: readonly number[] = [],
  ): { readonly seqs: readonly number[]; readonly total: number } {
    const worths = new Map<number, number>();
    for (const word of words) {
      const own = this.#own.get(word) ?? new Set();
      const rarity = this.rarityOf(word);
      for (const seq of own) worths.set(seq, (worths.get(seq) ?? 0) + rarity);
      const near = this.#near.get(word);
      for (const seq of near?.seqs ?? []) {
        if (!own.has(seq)) worths.set(seq, (worths.get(seq) ?? 0) + rarity * (near?.worth ?? 0));
      }
    }
    const ordered = [...worths].toSorted(([a, worthA], [b, worthB]) => worthB - worthA || b - a);
    const seqs = new Set([...ordered.slice(0, max).map(([seq]) => seq), ...nearest.slice(0, max)]);
    return { seqs: [...seqs], total: new Set([...worths.keys(), ...nearest.slice(0, max)]).size };
  }
}

/**
 * How many memories hold a word. Where more do than were asked for, those found are the newest, and the rest is taken to
 * lie as densely among the older ones.
 */
function howMany(seqs: readonly number[], limit: number, texts: CollectionPostings["texts"]): number {
  const oldest = seqs.at(-1);
  if (seqs.length < limit || oldest === undefined) return seqs.length;
  const share = (texts.lastSeq - oldest + 1) / (texts.lastSeq - texts.firstSeq + 1);
  return share > 0 ? Math.min(texts.memories, seqs.length / share) : seqs.length;
}
