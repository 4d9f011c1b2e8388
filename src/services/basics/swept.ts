/** What one step of a sweep did. */
export interface Swept {
  /** What it took care of. */
  readonly count: number;
  /**
   * There is more to do now, so the next sweep comes at once. False where nothing could be done, so that the sweeper does not
   * run in circles.
   */
  readonly hasMore: boolean;
}

/** The time that a step has. What takes longer is left to the next sweep, so that no step piles up on itself. */
export interface SweepTime {
  /** After this a step begins nothing new. By the clock port. */
  readonly endMs: number;
}
