import { eq, type SQL, sql } from "drizzle-orm";
import { parseOwnJson } from "../../domain/basics/own-json";
import type { CollectionPostings, CollectionTexts } from "../../domain/recall/posting-book";
import { filteredPostingsEach } from "../../domain/recall/recall-effort";
import type { RecallFilters } from "../../domain/recall/recall-filters";
import type { Database } from "../database/database";
import { recallFilterSql } from "../memories/filter-sql";
import { collectionTexts, memories } from "../schema/core";

/** Asks which memories of a collection hold words. */
export interface PostingQuery {
  readonly collectionId: string;
  /** Groups of words; a memory is found for a group when it holds any of its words. */
  readonly groups: readonly (readonly string[])[];
  readonly filters: RecallFilters;
  /** At most so many memories a group, the newest. */
  readonly limit: number;
}

const NO_TEXTS: CollectionTexts = { memories: 0, characters: 0, firstSeq: 0, lastSeq: 0 };
const SCOPE_OFFSET = "collection_".length;

/**
 * Answers all queries in one round trip.
 *
 * Cost: for each group FTS5 walks its words' lists from the newest on, beside the list of the collection, and stops at
 * the limit: at most `groups · limit` memories are touched, however many the collection has, and no other collection's
 * words are counted. No row of `memories` is read unless there is a filter: then a group looks through a named number of
 * the newest memories that hold its words, and no more; less, the more groups there are.
 */
export async function findPostings(
  db: Database,
  queries: readonly PostingQuery[],
): Promise<readonly CollectionPostings[]> {
  const lookedThrough = filteredPostingsEach(queries.reduce((sum, { groups }) => sum + groups.length, 0));
  const statements = queries.flatMap((query) => statementsOf(db, query, lookedThrough));
  const [first, ...rest] = statements;
  if (first === undefined) return [];
  const answers = await db.batch([first, ...rest]);
  let next = 0;
  return queries.map((query) => {
    const [texts = [], found = [], unfiltered = found] = answers.slice(next, (next += statementCount(query)));
    return {
      texts: textsOf(texts[0]),
      found: found.map(postingsOf),
      unfiltered: unfiltered.map(postingsOf),
    };
  });
}

function statementCount({ filters }: PostingQuery): number {
  return recallFilterSql(filters) === undefined ? 2 : 3;
}

interface Row extends Partial<CollectionTexts> {
  /** A JSON array of `seq`. */
  readonly postings?: string;
}

function statementsOf(db: Database, { collectionId, groups, filters, limit }: PostingQuery, lookedThrough: number) {
  const matches = JSON.stringify(groups.map((words) => matchOf(collectionId, words)));
  const condition = recallFilterSql(filters);
  const texts = db.all<Row>(sql`
    SELECT memories, characters, first_seq AS firstSeq, last_seq AS lastSeq FROM ${collectionTexts}
    WHERE ${eq(collectionTexts.collectionId, collectionId)}`);
  const unfiltered = db.all<Row>(groupsOf(matches, newestOf(limit)));
  // Rarity is that of the whole collection, so that a score means the same with and without filters.
  return condition === undefined
    ? [texts, unfiltered]
    : [texts, db.all<Row>(groupsOf(matches, newestThatPass(condition, { limit, lookedThrough }))), unfiltered];
}

/** The groups in their order, each with its postings in one value. */
function groupsOf(matches: string, postings: SQL): SQL {
  return sql`SELECT (SELECT json_group_array(seq) FROM (${postings})) AS postings FROM json_each(${matches}) AS asked
    ORDER BY asked.key`;
}

function newestOf(limit: number): SQL {
  return sql`
    SELECT rowid AS seq FROM memory_words WHERE memory_words MATCH asked.value ORDER BY rowid DESC LIMIT ${limit}`;
}

/** CROSS JOIN is SQLite's word for "in this order": from the index to the memories, never the other way. */
function newestThatPass(
  condition: SQL,
  { limit, lookedThrough }: { readonly limit: number; readonly lookedThrough: number },
): SQL {
  return sql`
    SELECT memories.seq AS seq FROM (SELECT seq AS newest FROM (${newestOf(lookedThrough)}))
    CROSS JOIN ${memories} ON memories.seq = newest WHERE ${condition} LIMIT ${limit}`;
}

/** The MATCH expression. Only quoted strings and our own operators: no syntax of a user reaches it. */
function matchOf(collectionId: string, words: readonly string[]): string {
  const scope = quoted(collectionId.slice(SCOPE_OFFSET));
  return `scope : ${scope} AND words : (${words.map(quoted).join(" OR ") || quoted("")})`;
}

/** An FTS5 string: FTS5 splits what is in it by the rules of the index, and takes nothing in it for an operator. */
function quoted(word: string): string {
  return `"${word.replaceAll('"', '""')}"`;
}

function textsOf(row: Row | undefined): CollectionTexts {
  const { memories = 0, characters = 0, firstSeq = 0, lastSeq = 0 } = row ?? NO_TEXTS;
  return { memories, characters, firstSeq, lastSeq };
}

function postingsOf({ postings = "[]" }: Row): readonly number[] {
  return parseOwnJson<readonly number[]>(postings);
}
