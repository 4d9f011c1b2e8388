import canonicalize from "canonicalize";
import type { NounFilters, Searched } from "../../data/database/name-search";
import type { Metadata } from "../../domain/metadata";
import { holdsWords, searchWordsOf } from "../../domain/recall/name-search";
import type { Page, PageRequest, Position } from "../../domain/page";

/** Rows that are looked at in one round trip: with metadata of 16 KB each they weigh 4 MB. */
export const SEARCH_READ_ROWS = 250;
/** Rows that one call looks at. What lies behind them is found with the cursor. */
export const SEARCH_ROWS_MAX = 5_000;

/** What agents or collections are searched for. What is null asks nothing. */
export interface NounSearch {
  /** Words, or their beginnings: each must begin a word of the name or of the description. */
  readonly query: string | null;
  /** Top-level keys, and the JSON value that each must have. */
  readonly metadata: Metadata | null;
  readonly includeDeleted: boolean;
}

interface Source<T> {
  /** The next rows of the list, newest first: `part.limit` of them, or fewer at the end. */
  readonly read: (filters: NounFilters, part: PageRequest) => Promise<readonly Searched[]>;
  readonly load: (ids: readonly string[]) => Promise<readonly T[]>;
}

/**
 * Walks the list of a namespace, newest first, until the page is full, the list ends, or {@link SEARCH_ROWS_MAX} rows
 * were looked at: then the page is short, and its cursor goes on. Names are compared here and not in SQLite, which folds
 * the case of ASCII alone.
 */
export async function searchPage<T extends Position>(
  search: NounSearch,
  page: PageRequest,
  source: Source<T>,
): Promise<Page<T>> {
  const fits = matcherOf(search);
  const filters = { includeDeleted: search.includeDeleted, readMetadata: search.metadata !== null };
  const hits: Position[] = [];
  let after = page.after;
  let next: Position | null = null;
  for (let looked = 0; looked < SEARCH_ROWS_MAX; looked += SEARCH_READ_ROWS) {
    const rows = await source.read(filters, { after, limit: SEARCH_READ_ROWS });
    hits.push(...rows.filter(fits));
    after = rows.at(-1) ?? after;
    next = rows.length < SEARCH_READ_ROWS ? null : after;
    if (next === null || hits.length > page.limit) break;
  }
  const shown = hits.slice(0, page.limit);
  if (hits.length > page.limit) next = shown.at(-1) ?? null;
  return { items: await inOrder(shown, source), next: next && { createdAtMs: next.createdAtMs, id: next.id } };
}

/** One that was removed meanwhile is left out. */
async function inOrder<T extends Position>(hits: readonly Position[], source: Source<T>): Promise<readonly T[]> {
  if (hits.length === 0) return [];
  const loaded = new Map((await source.load(hits.map(({ id }) => id))).map((item) => [item.id, item]));
  return hits.flatMap(({ id }) => loaded.get(id) ?? []);
}

function matcherOf({ query, metadata }: NounSearch): (row: Searched) => boolean {
  const words = query === null ? [] : searchWordsOf(query);
  const wanted = Object.entries(metadata ?? {}).map(([key, value]) => [key, canonicalize(value)] as const);
  return (row) =>
    holdsWords([row.name, row.description], words) &&
    wanted.every(([key, value]) => {
      const given = row.metadata ?? {};
      return Object.hasOwn(given, key) && canonicalize(given[key]) === value;
    });
}
