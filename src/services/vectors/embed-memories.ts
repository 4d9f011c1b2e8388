import { type CollectionPlace, findUnembedded, type UnembeddedMemory } from "../../data/vectors/vector-store";
import { errorText } from "../../domain/basics/error-text";
import { TimeLimitError, within } from "../../domain/basics/time-limit";
import type { VectorSpace } from "../../domain/vectors/vector-space";
import type { Swept } from "../basics/swept";
import type { DenseEmbedding, Services } from "../context";
import { ServiceError } from "../errors/errors";
import { EMBEDDED_TEXTS_MAX } from "../ports/ports";

type EmbeddingServices = Pick<Services, "db" | "dense" | "log">;

/** Where vectors that are made now belong. */
export function spaceOf({ embedder, index }: DenseEmbedding): VectorSpace {
  return { embedderId: embedder.id, dimensions: embedder.dimensions, storedIn: index.name };
}

/**
 * Makes the vectors that some memories of a collection lack: those that have none, or one of another embedder. For a
 * rebuild, step by step; it may be repeated at any time. Nothing happens where no embedder makes vectors.
 * @param memoryIds EMBEDDED_TEXTS_MAX of them go in one call; what is deleted or elsewhere is left out.
 * @returns how many memories have a vector that had none.
 * @throws ServiceError `unavailable` when the embedder or the index cannot answer now; or what the database threw. What was
 * made before stays.
 */
export async function embedMissing(
  services: EmbeddingServices,
  place: CollectionPlace,
  memoryIds: readonly string[],
): Promise<number> {
  if (services.dense === null) return 0;
  let count = 0;
  for (let at = 0; at < memoryIds.length; at += EMBEDDED_TEXTS_MAX)
    count += await embedLot(services, services.dense, place, memoryIds.slice(at, at + EMBEDDED_TEXTS_MAX));
  return count;
}

async function embedLot(
  { db, log }: EmbeddingServices,
  dense: DenseEmbedding,
  place: CollectionPlace,
  memoryIds: readonly string[],
): Promise<number> {
  const space = spaceOf(dense);
  const missing = await findUnembedded(db, place, memoryIds, space);
  if (missing.length === 0) return 0;
  const { vectors, usage } = await embedTexts(dense, missing.map(textOf));
  const embedded = missing.flatMap((memory, at) => {
    const vector = vectors[at];
    return vector === undefined ? [] : [{ ...memory, vector }];
  });
  const noted = await dense.index.put(place, space, embedded);
  log("info", "memories-embedded", {
    collection_id: place.collectionId,
    memories: noted,
    input_tokens: usage.inputTokens,
  });
  return noted;
}

/**
 * The same for memories that were just stored, or changed: they stand, whatever happens here. Where it fails they are
 * found by words, and their collection says that it needs a rebuild.
 */
export async function embedStored(
  services: EmbeddingServices,
  place: CollectionPlace,
  memoryIds: readonly string[],
): Promise<void> {
  try {
    await embedMissing(services, place, memoryIds);
  } catch (error) {
    const { dense, log } = services;
    log("error", "embedder-failed", {
      embedder: dense?.embedder.id,
      collection_id: place.collectionId,
      memories: memoryIds.length,
      error: errorText(error),
    });
  }
}

/** What is embedded is what the word index reads. */
function textOf({ text, vectorText }: UnembeddedMemory): string {
  return vectorText === null ? text : `${text} ${vectorText}`;
}

/** One call of the embedder within its time. @throws as {@link embedMissing}. */
export async function embedTexts({ embedder, timeoutSeconds }: DenseEmbedding, texts: readonly string[]) {
  const closing = new AbortController();
  try {
    return await within(timeoutSeconds * 1_000, embedder.embed(texts, { signal: closing.signal }));
  } catch (error) {
    if (!(error instanceof TimeLimitError)) throw error;
    const detail = `The embedder ${embedder.id} did not answer in ${timeoutSeconds} s. It is asked again later.`;
    throw new ServiceError("unavailable", "model-unavailable", detail);
  } finally {
    closing.abort();
  }
}

/** Removes vectors of what is gone from where they lie, some at a time. */
export async function sweepVectors({ dense }: Pick<Services, "dense">): Promise<Swept> {
  const count = (await dense?.index.sweep()) ?? 0;
  return { count, hasMore: count > 0 };
}
