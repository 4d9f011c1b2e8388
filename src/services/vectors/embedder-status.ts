import type { Collection } from "../../domain/collections/collection";
import { isSameSpace } from "../../domain/vectors/vector-space";
import type { Services } from "../context";
import { spaceOf } from "./embed-memories";

/** What finds what is of like meaning in a collection. */
export interface EmbedderState {
  readonly id: string;
  readonly dimensions: number;
  /** Whether memories lack a vector of it: they are new to this embedder, or it failed when they were stored. */
  readonly needsRebuild: boolean;
}

/** Null where equal words alone are found. The embedder of words works while a search is made: nothing of it gets stale. */
export function embedderOf(
  { dense, embedder }: Pick<Services, "dense" | "embedder">,
  { memoryCount, vectors }: Collection,
): EmbedderState | null {
  if (dense === null) return embedder && { id: embedder.id, dimensions: embedder.dimensions, needsRebuild: false };
  const space = spaceOf(dense);
  const embedded = vectors.find((each) => isSameSpace(each, space))?.memories ?? 0;
  return { id: space.embedderId, dimensions: space.dimensions, needsRebuild: embedded < memoryCount };
}
