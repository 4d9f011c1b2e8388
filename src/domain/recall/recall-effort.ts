/**
 * Row numbers that one recall takes from the word index at most, unless POSTINGS_MIN asks for more: they are all in the
 * Worker's memory at once. Three collections and the words of 25 memories, or ten and a long question, stay below it.
 */
const POSTINGS_BUDGET = 500_000;
/** Memories for one word of one collection: fewer find too little, and say too little about how rare the word is. */
const POSTINGS_MIN = 20;

/** Memories that one recall reads and scores at most: a text has up to 8,000 characters. */
const CANDIDATES_BUDGET = 10_000;

/** Rows that a recall under a filter looks through at most, unless FILTERED_POSTINGS_MIN asks for more. */
const FILTERED_POSTINGS_BUDGET = 200_000;
const FILTERED_POSTINGS_MIN = 1_000;
/** Rows that one group of words looks through in one collection at most, under a filter: the newest. */
const FILTERED_POSTINGS_MAX = 20_000;

/**
 * How many memories may be looked up for each group of words in each collection.
 * @param lists groups of words times collections.
 * @param most how many are wanted where there is room.
 */
export function postingsEach(lists: number, most: number): number {
  return Math.min(most, Math.max(POSTINGS_MIN, shareOf(POSTINGS_BUDGET, lists)));
}

/**
 * How many memories may be read for each query in each collection; at least one.
 * @param asked queries times collections.
 * @param most how many are wanted where there is room.
 */
export function candidatesEach(asked: number, most: number): number {
  return Math.min(most, Math.max(1, shareOf(CANDIDATES_BUDGET, asked)));
}

/**
 * How many rows each group of words in each collection may look through for those that pass a filter.
 * @param lists groups of words times collections.
 */
export function filteredPostingsEach(lists: number): number {
  return Math.min(FILTERED_POSTINGS_MAX, Math.max(FILTERED_POSTINGS_MIN, shareOf(FILTERED_POSTINGS_BUDGET, lists)));
}

function shareOf(budget: number, parts: number): number {
  return Math.floor(budget / Math.max(1, parts));
}
