import type { Database } from "../../data/database/database";
import { openAiCompatibleEmbedder } from "../../providers/openai-compatible/embeddings-embedder";
import { vectorizeVectors } from "../../providers/vectorize/vectorize-vectors";
import { workersAiEmbedder } from "../../providers/workers-ai/workers-ai-embedder";
import { blockIndex } from "../../services/vectors/d1-vector-index";
import type { DenseEmbedding } from "../../services/context";
import type { VectorIndexName } from "../../domain/vectors/vector-space";
import type { Embedder, VectorIndex } from "../../services/ports/ports";
import { remoteIndex } from "../../services/vectors/remote-vector-index";
import type { EmbedderConfig } from "../config/embedder-config";
import { vectorizeOf } from "../config/vectorize-binding";
import { aiOf, platformFetch } from "./text-generators";

/** The embedder of whole texts that the variables name; undefined where words are enough. */
export function embedderOf(config: EmbedderConfig, env: Pick<Env, "AI">): Embedder | undefined {
  if (config.provider === "embedded" || config.provider === "none") return undefined;
  const { name, dimensions, timeoutSeconds } = config;
  if (config.provider === "workers-ai") return workersAiEmbedder(aiOf(env), name, dimensions);
  const { baseUrl, apiKey } = config;
  const settings = "EMBEDDER_BASE_URL, EMBEDDER_API_KEY and EMBEDDER_NAME";
  const endpoint = { baseUrl, apiKey, timeoutSeconds, settings, fetch: platformFetch };
  return openAiCompatibleEmbedder({ endpoint, model: name, dimensions });
}

/** @param embedder what {@link embedderOf} made of this configuration. */
export function denseEmbeddingOf(
  config: EmbedderConfig,
  embedder: Embedder | undefined,
  { db, env }: { readonly db: Database; readonly env: object },
): DenseEmbedding | null {
  if (config.provider === "embedded" || config.provider === "none" || embedder === undefined) return null;
  return { embedder, index: indexOf(config.index, db, env), timeoutSeconds: config.timeoutSeconds };
}

function indexOf(name: VectorIndexName, db: Database, env: object): VectorIndex {
  return name === "d1" ? blockIndex(db) : remoteIndex(db, name, vectorizeVectors(vectorizeOf(env)));
}
