/** One who wants some of what is there. */
export interface Claim {
  readonly key: string;
  /** How many it can use. */
  readonly wanted: number;
  /** What it has had until now, in any unit: of equal claims the one that had least comes first. */
  readonly served: number;
}

/**
 * Shares out a whole number, one by one in turns, until it is used up or nobody wants more. So nothing is left over while
 * somebody wants it, nobody gets more than it wants, and who gets less than it wants is at most one behind any other.
 */
export function fairShares(total: number, claims: readonly Claim[]): ReadonlyMap<string, number> {
  const shares = new Map(claims.map(({ key }) => [key, 0]));
  const ordered = claims.toSorted((a, b) => a.served - b.served || (a.key < b.key ? -1 : 1));
  let left = total;
  let wanting = ordered.filter(({ wanted }) => wanted > 0);
  while (left > 0 && wanting.length > 0) {
    // As many whole rounds at once as the smallest wish takes; at the end one by one.
    const gap = Math.min(...wanting.map(({ key, wanted }) => wanted - (shares.get(key) ?? 0)));
    const rounds = Math.min(gap, Math.floor(left / wanting.length));
    const each = Math.max(1, rounds);
    for (const { key } of rounds > 0 ? wanting : wanting.slice(0, left)) {
      shares.set(key, (shares.get(key) ?? 0) + each);
      left -= each;
    }
    wanting = wanting.filter(({ key, wanted }) => wanted > (shares.get(key) ?? 0));
  }
  return shares;
}
