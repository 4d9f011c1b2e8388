/** Finds words of like meaning, without a vector for any memory. Words are lower case. */
export interface WordTable {
  /** The few words nearest in meaning, the nearest first; none for a word that the table does not know. */
  neighboursOf(word: string): readonly string[];
  /** Cosine of the two words as seen from the mean of all, −1 to 1; 0 when the table does not know one of them. */
  similarity(a: string, b: string): number;
  /** Where a word stands in the table; undefined for a word that it does not know. */
  positionOf(word: string): number | undefined;
  /** As {@link similarity}, of two words by their positions. */
  similarityAt(a: number, b: number): number;
}
