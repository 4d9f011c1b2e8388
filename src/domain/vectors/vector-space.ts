/** Where vectors may lie. */
export const VECTOR_INDEXES = ["d1", "vectorize"] as const;
export type VectorIndexName = (typeof VECTOR_INDEXES)[number];

/** Whose vectors they are: those of two spaces are never compared. */
export interface VectorSpace {
  readonly embedderId: string;
  readonly dimensions: number;
  readonly storedIn: VectorIndexName;
}

/** How many memories have a vector in a space. */
export interface SpaceCount extends VectorSpace {
  readonly memories: number;
}

export function isSameSpace(a: VectorSpace, b: VectorSpace): boolean {
  return a.embedderId === b.embedderId && a.dimensions === b.dimensions && a.storedIn === b.storedIn;
}
