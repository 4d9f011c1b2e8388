/** What a creation made, or found. */
export interface Created<T> {
  readonly made: T;
  /** True when an earlier call made it. */
  readonly replayed: boolean;
}
