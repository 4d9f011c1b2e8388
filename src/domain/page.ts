/** A place in a list that is ordered newest first by (createdAtMs, id). */
export interface Position {
  readonly createdAtMs: number;
  readonly id: string;
}

export interface PageRequest {
  /** 1 to PAGE_SIZE_MAX. */
  readonly limit: number;
  /** The last item of the page before, or null for the first page. */
  readonly after: Position | null;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page goes on, or null at the end. */
  readonly next: Position | null;
}

export const PAGE_SIZE_MAX = 100;
export const PAGE_SIZE_DEFAULT = 20;
