import { stemmer } from "stemmer";
import { findPostings } from "../../data/recall/posting-store";
import { findMemoriesBySeq } from "../../data/recall/row-store";
import { errorText } from "../../domain/basics/error-text";
import type { Memory } from "../../domain/memories/memory";
import { relevanceOf, relevanceWith } from "../../domain/recall/memory-scoring";
import { groupWords, PostingBook, type WordGroups } from "../../domain/recall/posting-book";
import { candidatesEach, postingsEach } from "../../domain/recall/recall-effort";
import type { RecallFilters } from "../../domain/recall/recall-filters";
import {
  type QueryTerm,
  plainScoring,
  SAME_STEM_WEIGHT,
  SIMILARITY_MIN,
  softScoring,
  type TermMatch,
  type TextWord,
  type TextWords,
  type WordScoring,
} from "../../domain/recall/word-relevance";
import type { WordTable } from "../../domain/recall/word-table";
import { countWords, queryWords } from "../../domain/recall/words";
import type { Services } from "../context";
import { othersTurn } from "../basics/next-event-loop-turn";

export interface WordRecall {
  readonly namespaceId: string;
  readonly queries: readonly {
    readonly text: string;
    /** A memory that must not be among the answers. */
    readonly exceptId: string | null;
    /** For each scope the cosine of memories with the query, by `seq`; left out where no vectors are compared. */
    readonly cosines?: readonly ReadonlyMap<number, number>[];
  }[];
  readonly scopes: readonly RecallScope[];
  readonly filters: RecallFilters;
  readonly effort: RecallEffort;
}

/** A collection, and how many of its memories are wanted at most. */
export interface RecallScope {
  readonly collectionId: string;
  readonly limit: number;
}

/** What a recall may cost; less of each where many words or collections share it. */
export interface RecallEffort {
  /** Whether it looks for words of like meaning, besides the query's own. */
  readonly widened: boolean;
  /** Memories that are looked up for one word, the newest that hold it. */
  readonly postings: number;
  /** Memories of a collection that are read and scored for one query; a higher limit of a scope counts instead. */
  readonly candidates: number;
}

export interface WordHit {
  readonly memory: Memory;
  /** 0–1, absolute. */
  readonly relevance: number;
  readonly matches: readonly TermMatch[];
  /** Of the query's vector and the memory's, −1 to 1; null where there is none. */
  readonly cosine: number | null;
}

/** What one query finds in one collection. */
export interface ScopeAnswer {
  /** The best first, at most the scope's limit. */
  readonly hits: readonly WordHit[];
  /** How many memories came into question. */
  readonly candidates: number;
}

export interface WordRecallAnswer {
  /** For each query, for each scope. */
  readonly answers: readonly (readonly ScopeAnswer[])[];
  /** Why words of like meaning could not be found, or null when all is well. */
  readonly degradedReason: string | null;
}

/** The words met first are the frequent ones: those that come after are reckoned each time, which costs little and holds nothing. */
const LIKENESS_WORDS = 1_024;
const NOTHING: ScopeAnswer = { hits: [], candidates: 0 };

/**
 * Finds the memories whose words answer each query, in each collection by itself: two round trips to D1, a further one
 * for each ROWS_PER_BATCH_MAX memories that are read. It writes nothing.
 *
 * First the index tells which memories hold the query's words, or words near them in the embedder's table; the best by
 * that alone are read and scored by their whole text. Relevance is what the memory scores over what the query itself
 * would score as a memory of that collection: its share of a perfect answer, whatever else was found.
 */
export async function recallByWords(
  services: Pick<Services, "db" | "embedder" | "log">,
  input: WordRecall,
): Promise<WordRecallAnswer> {
  const wordsOf = input.queries.map(({ text }) => queryWords(text));
  const nearestOf = input.queries.map(({ cosines = [] }) => cosines.map(nearestFirst));
  const isSilent = wordsOf.every((words) => words.length === 0) && nearestOf.flat(2).length === 0;
  if (input.scopes.length === 0 || isSilent)
    return { answers: input.queries.map(() => input.scopes.map(() => NOTHING)), degradedReason: null };
  const { table, degradedReason } = await openTable(services);
  const groups = groupWords(wordsOf.flat(), input.effort.widened ? table : null);
  const books = await openBooks(services, input, groups);
  const seqsOf = wordsOf.map((words, query) =>
    books.map((book, scope) => {
      const limit = input.scopes[scope]?.limit ?? 0;
      const wanted = candidatesEach(
        input.queries.length * input.scopes.length,
        Math.max(limit, input.effort.candidates),
      );
      const max = input.queries[query]?.exceptId === null ? wanted : wanted + 1;
      return book.candidatesFor(words, max, nearestOf[query]?.[scope]);
    }),
  );
  const rows = await findMemoriesBySeq(
    services.db,
    input.namespaceId,
    input.scopes.map(({ collectionId }, scope) => ({
      collectionId,
      seqs: [...new Set(seqsOf.flatMap((scopes) => scopes[scope]?.seqs ?? []))],
    })),
  );
  const reader = new Reader(table, rows);
  const answers: ScopeAnswer[][] = [];
  for (const [index, query] of input.queries.entries()) {
    // Many queries are a tenth of a second of reckoning; what else waits for this thread is let in between.
    if (index > 0) await othersTurn();
    const found = books.map((book, scope) => {
      const { seqs = [], total = 0 } = seqsOf[index]?.[scope] ?? {};
      const hits = reader.score({ text: query.text, words: wordsOf[index] ?? [] }, book, seqs, query.cosines?.[scope]);
      const others = hits.filter(({ memory }) => memory.id !== query.exceptId);
      return { hits: others.toSorted(mostRelevantFirst).slice(0, input.scopes[scope]?.limit), candidates: total };
    });
    answers.push(found);
  }
  return { answers, degradedReason };
}

/** What points the other way is no nearer than what has no vector. */
function nearestFirst(cosines: ReadonlyMap<number, number>): number[] {
  const near = [...cosines].filter(([, cosine]) => cosine > 0);
  return near.toSorted(([a, cosineA], [b, cosineB]) => cosineB - cosineA || b - a).map(([seq]) => seq);
}

async function openTable({ embedder, log }: Pick<Services, "embedder" | "log">) {
  if (embedder === null) return { table: null, degradedReason: null };
  try {
    return { table: await embedder.open(), degradedReason: null };
  } catch (error) {
    log("error", "embedder-failed", { embedder: embedder.id, error: errorText(error) });
    return {
      table: null,
      degradedReason: `The embedder ${embedder.id} cannot answer now: only equal words were found.`,
    };
  }
}

async function openBooks(services: Pick<Services, "db">, input: WordRecall, groups: WordGroups) {
  const limit = postingsEach(groups.length * input.scopes.length, input.effort.postings);
  const postings = await findPostings(
    services.db,
    input.scopes.map(({ collectionId }) => ({
      collectionId,
      groups: groups.map(({ words }) => words),
      filters: input.filters,
      limit,
    })),
  );
  return postings.map((found) => new PostingBook(groups, found, limit));
}

/** A total order: what is equally relevant comes by importance, by its last use, and last by id. */
function mostRelevantFirst(a: WordHit, b: WordHit): number {
  return (
    b.relevance - a.relevance ||
    b.memory.importance - a.memory.importance ||
    usedAtMs(b.memory) - usedAtMs(a.memory) ||
    (a.memory.id < b.memory.id ? -1 : Number(a.memory.id > b.memory.id))
  );
}

function usedAtMs({ accessedAtMs, createdAtMs }: Memory): number {
  return accessedAtMs ?? createdAtMs;
}

/** Scores texts; what it finds out about words it keeps for the next text. */
class Reader {
  readonly #rows: ReadonlyMap<number, Memory>;
  readonly #scoring: WordScoring;
  readonly #stems = new Map<string, string>();
  readonly #words = new Map<number, ReadonlyMap<string, number>>();
  readonly #known = new Map<string, KnownWord>();
  /** For each word of a query its likeness to the first LIKENESS_WORDS words, by their numbers; NaN where not reckoned yet. */
  readonly #likeness = new Map<string, Float64Array>();

  constructor(table: WordTable | null, rows: ReadonlyMap<number, Memory>) {
    this.#rows = rows;
    const read = (word: string) => this.#read(table, word);
    this.#scoring =
      table === null
        ? plainScoring((word) => this.#stemOf(word))
        : softScoring((term) => this.#likenessTo(table, term, read(term.word)), read);
  }

  score(
    query: { readonly text: string; readonly words: readonly string[] },
    book: PostingBook,
    seqs: readonly number[],
    cosines: ReadonlyMap<number, number> = new Map(),
  ): WordHit[] {
    const { text, words } = query;
    const terms = words.map((word): QueryTerm => ({ word, stem: this.#stemOf(word), rarity: book.rarityOf(word) }));
    const own: TextWords = { counts: countWords(text), relativeLength: book.relativeLength(text.length) };
    const perfect = this.#scoring.match(terms, own, () => 0).rawScore;
    return seqs.flatMap((seq) => {
      const memory = this.#rows.get(seq);
      if (memory === undefined) return [];
      const floorOf = ({ word }: QueryTerm) => (book.holds(word, seq) ? SAME_STEM_WEIGHT : 0);
      const { rawScore, matches } = this.#scoring.match(terms, this.#textWords(seq, memory, book), floorOf);
      const cosine = cosines.get(seq);
      const relevance = relevanceWith(cosine, relevanceOf(rawScore, perfect));
      return relevance > 0 ? [{ memory, relevance, matches, cosine: cosine ?? null }] : [];
    });
  }

  #textWords(seq: number, { text, vectorText }: Memory, book: PostingBook): TextWords {
    let counts = this.#words.get(seq);
    if (counts === undefined) {
      counts = countWords(vectorText === null ? text : `${text} ${vectorText}`);
      this.#words.set(seq, counts);
    }
    return { counts, relativeLength: book.relativeLength(text.length + (vectorText?.length ?? 0)) };
  }

  #stemOf(word: string): string {
    let stem = this.#stems.get(word);
    if (stem === undefined) {
      stem = ENGLISH.test(word) ? stemmer(word) : word;
      this.#stems.set(word, stem);
    }
    return stem;
  }

  #read(table: WordTable | null, word: string): KnownWord {
    let known = this.#known.get(word);
    if (known === undefined) {
      known = { word, number: this.#known.size, stem: this.#stemOf(word), position: table?.positionOf(word) };
      this.#known.set(word, known);
    }
    return known;
  }

  #likenessTo(table: WordTable, term: QueryTerm, own: KnownWord): (word: KnownWord) => number {
    const known = this.#likeness.get(term.word) ?? new Float64Array(LIKENESS_WORDS).fill(NaN);
    this.#likeness.set(term.word, known);
    return (word) => {
      const before = known[word.number];
      if (before !== undefined && !Number.isNaN(before)) return before;
      const likeness = likenessOf(table, own, word);
      known[word.number] = likeness;
      return likeness;
    };
  }
}

/** A word, and where to find it. */
interface KnownWord extends TextWord {
  /** From 0, in the order in which words were met. */
  readonly number: number;
  readonly stem: string;
  /** In the table of words. */
  readonly position: number | undefined;
}

function likenessOf(table: WordTable, a: KnownWord, b: KnownWord): number {
  if (a.word === b.word) return 1;
  if (a.stem === b.stem) return SAME_STEM_WEIGHT;
  if (a.position === undefined || b.position === undefined) return 0;
  const similarity = table.similarityAt(a.position, b.position);
  return similarity >= SIMILARITY_MIN ? Math.min(similarity, SAME_STEM_WEIGHT) : 0;
}

/** As the index stems words; it leaves other letters as they are. */
const ENGLISH = /^[a-z]{3,64}$/u;
