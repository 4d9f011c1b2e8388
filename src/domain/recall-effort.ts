/**
 * Row numbers that one recall takes from the word index at most, unless POSTINGS_MIN asks for more: they are all in the
 * Worker's memory at once. Three collections and the words of 25 memories, or ten and a long question, stay below it.
 */
const POSTINGS_BUDGET = 500_000;
/** Memories for one word of one collection: fewer find too little, and say too little about how rare the word is. */
const POSTINGS_MIN = 20;

/** Memories that one recall reads and scores at most: a text has up to 8,000 characters. */
const CANDIDATES_BUDGET = 10_000;

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

function shareOf(budget: number, parts: number): number {
  return Math.floor(budget / Math.max(1, parts));
}
