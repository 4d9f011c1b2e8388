/** What one step of a sweep did. */
export interface Swept {
  /** What it took care of. */
  readonly count: number;
  /** There may be more: the next sweep comes at once. False also where nothing could be done, so that nobody runs in circles. */
  readonly isPageFull: boolean;
}
