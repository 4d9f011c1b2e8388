import { z } from "zod";
import { TimeLimitError, within } from "../../domain/basics/time-limit";
import type { VectorSpace } from "../../domain/vectors/vector-space";
import { ServiceError } from "../../services/errors/errors";
import { REMOTE_NEAREST_MAX, type RemoteVectors } from "../../services/ports/ports";

/** What is used of a Vectorize binding. */
export interface VectorizeBinding {
  upsert(vectors: readonly VectorizeRecord[]): Promise<unknown>;
  query(vector: Float32Array, options: VectorizeQuery): Promise<unknown>;
  deleteByIds(ids: readonly string[]): Promise<unknown>;
}

/** An id and a namespace have at most 64 bytes; so much of a filtered value is indexed. */
export interface VectorizeRecord {
  readonly id: string;
  readonly namespace: string;
  readonly values: Float32Array;
  readonly metadata: { readonly collection: string; readonly embedder: string };
}

export interface VectorizeQuery {
  readonly topK: number;
  readonly namespace: string;
  readonly filter: { readonly collection: string; readonly embedder: string };
  readonly returnValues: false;
  readonly returnMetadata: "none";
}

/** One call of the index; the binding has no limit of its own. */
const VECTORIZE_WITHIN_SECONDS = 10;
/** The bytes of a metadata value that a filter sees. */
const FILTERED_BYTES_MAX = 64;

const Matches = z.object({ matches: z.array(z.object({ id: z.string(), score: z.number() })) });

/**
 * Cloudflare's Vectorize. Its own namespaces keep tenants apart, and its metadata collections and embedders: the index
 * needs a metadata index on `collection` and on `embedder` before the first vector, and the metric `cosine`.
 */
export function vectorizeVectors(binding: VectorizeBinding): RemoteVectors {
  return {
    async upsert(space, vectors) {
      const records = vectors.map(({ memoryId, namespaceId, collectionId, vector }) => ({
        id: memoryId,
        namespace: namespaceId,
        values: vector,
        metadata: { collection: collectionId, embedder: embedderOf(space) },
      }));
      await inTime(binding.upsert(records));
    },
    async nearest(space, { vector, namespaceId, collectionId }) {
      const options = {
        topK: REMOTE_NEAREST_MAX,
        namespace: namespaceId,
        filter: { collection: collectionId, embedder: embedderOf(space) },
        returnValues: false,
        returnMetadata: "none",
      } as const;
      const found = Matches.safeParse(await inTime(binding.query(vector, options)));
      if (!found.success) throw unavailable("answered what is no list of matches");
      return found.data.matches.map(({ id, score }) => ({ memoryId: id, cosine: Math.min(1, Math.max(-1, score)) }));
    },
    async remove(memoryIds) {
      await inTime(binding.deleteByIds(memoryIds));
    },
  };
}

/** The end of a long name tells models apart, the beginning only their makers. */
function embedderOf({ embedderId, dimensions }: VectorSpace): string {
  return `${embedderId}:${dimensions}`.replaceAll(/[^\x21-\x7e]/g, "_").slice(-FILTERED_BYTES_MAX);
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  try {
    return await within(VECTORIZE_WITHIN_SECONDS * 1_000, work);
  } catch (error) {
    throw unavailable(error instanceof TimeLimitError ? "did not answer in time" : "could not be reached, or refused");
  }
}

function unavailable(what: string): ServiceError {
  return new ServiceError("unavailable", "index-unavailable", `The index of vectors ${what}. It is asked again later.`);
}
