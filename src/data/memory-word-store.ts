import { and, eq, isNull, sql } from "drizzle-orm";
import type { MemoryType } from "../domain/memory";
import type { Database } from "./database";
import { memories } from "./schema";

/** Asks for the memories that hold any of the words. */
export interface WordQuery {
  readonly namespaceId: string;
  /** Search words; FTS5 folds case and accents and stems them. None: nothing is found. */
  readonly words: readonly string[];
  readonly among:
    | { readonly collectionId: string; readonly exceptIds: readonly string[] }
    /** One memory, wherever it is: its raw score for these words. */
    | { readonly memoryId: string };
  /** At most so many, the best. */
  readonly limit: number;
}

export interface WordHit {
  readonly memoryId: string;
  readonly text: string;
  readonly type: MemoryType;
  /** 1–10. */
  readonly importance: number;
  readonly occurredAtMs: number | null;
  readonly createdAtMs: number;
  readonly accessedAtMs: number | null;
  /** BM25, more is better: Σ over the words found of rarity · frequency. Scores of the same words compare. */
  readonly rawScore: number;
}

/** One batch is one round trip and one transaction, during which D1 serves nobody else. */
export const STATEMENTS_PER_BATCH_MAX = 100;
/** Bounds what one answer may weigh: memories have up to 8,000 characters. */
export const ROWS_PER_BATCH_MAX = 2_000;

const SCOPE_OFFSET = "collection_".length;

/**
 * Answers many queries in as few round trips as the limits allow; one for the 25 memories of a task's part against three
 * collections. Hits come best first, in the order of the queries.
 *
 * Cost: FTS5 scores and sorts every memory of the collection that holds an asked word, which takes nearly all the time;
 * only the best `limit` are read from `memories`, by row id. Before that it walks the lists of the asked words in the
 * whole index, of all tenants, to count how rare they are.
 */
export async function searchWords(db: Database, queries: readonly WordQuery[]): Promise<WordHit[][]> {
  const answers: WordHit[][] = [];
  for (const chunk of chunksOf(queries)) {
    const [first, ...rest] = chunk.map((query) => statementOf(db, query));
    if (first === undefined) continue;
    answers.push(...(await db.batch([first, ...rest])));
  }
  return answers;
}

/**
 * `ORDER BY rank` with `rank MATCH` lets FTS5 itself sort by BM25 (weights: scope 0, words 1), so that LIMIT stops the
 * join early. CROSS JOIN is SQLite's word for "in this order": from the index to the memories, never the other way.
 */
function statementOf(db: Database, query: WordQuery) {
  return db
    .select({
      memoryId: memories.id,
      text: memories.text,
      type: memories.type,
      importance: memories.importance,
      occurredAtMs: memories.occurredAtMs,
      createdAtMs: memories.createdAtMs,
      accessedAtMs: memories.accessedAtMs,
      rawScore: sql<number>`-memory_words.rank`.as("raw_score"),
    })
    .from(sql`memory_words`)
    .crossJoin(memories)
    .where(
      and(
        sql`memory_words MATCH ${matchOf(query)}`,
        sql`memory_words.rank MATCH 'bm25(0.0, 1.0)'`,
        sql`memory_words.rowid = ${memories.seq}`,
        amongOf(query.among),
        eq(memories.namespaceId, query.namespaceId),
        isNull(memories.deletedAtMs),
      ),
    )
    .orderBy(sql`memory_words.rank`)
    .limit(query.limit);
}

function amongOf(among: WordQuery["among"]) {
  if ("memoryId" in among) {
    return and(
      eq(memories.id, among.memoryId),
      sql`memory_words.rowid = (SELECT seq FROM memories WHERE id = ${among.memoryId})`,
    );
  }
  // One parameter for any number of ids: D1 takes at most 100 a statement.
  const excepted = sql`(SELECT value FROM json_each(${JSON.stringify(among.exceptIds)}))`;
  return and(
    eq(memories.collectionId, among.collectionId),
    sql`EXISTS (SELECT 1 FROM collections WHERE id = ${among.collectionId} AND deleted_at_ms IS NULL)`,
    sql`${memories.id} NOT IN ${excepted}`,
  );
}

/** The MATCH expression, one bound parameter. Only quoted strings and our own operators: no syntax of a user reaches it. */
function matchOf(query: WordQuery): string {
  const words = `words : (${query.words.map(quoted).join(" OR ") || quoted("")})`;
  return "memoryId" in query.among
    ? words
    : `scope : ${quoted(query.among.collectionId.slice(SCOPE_OFFSET))} AND ${words}`;
}

/** An FTS5 string: FTS5 splits what is in it by the rules of the index, and takes nothing in it for an operator. */
function quoted(word: string): string {
  return `"${word.replaceAll('"', '""')}"`;
}

function* chunksOf(queries: readonly WordQuery[]): Generator<readonly WordQuery[]> {
  let chunk: WordQuery[] = [];
  let rows = 0;
  for (const query of queries) {
    const full = chunk.length === STATEMENTS_PER_BATCH_MAX || rows + query.limit > ROWS_PER_BATCH_MAX;
    if (full && chunk.length > 0) {
      yield chunk;
      [chunk, rows] = [[], 0];
    }
    chunk.push(query);
    rows += query.limit;
  }
  if (chunk.length > 0) yield chunk;
}
