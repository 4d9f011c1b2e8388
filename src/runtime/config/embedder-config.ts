import { z } from "zod";
import { VECTOR_INDEXES, type VectorIndexName } from "../../domain/vectors/vector-space";
import { optional, ServerKey, ServerUrl } from "./model-config";

const EMBEDDERS = ["embedded", "none", "workers-ai", "openai-compatible"] as const;
/** What Workers AI is asked for where EMBEDDER_NAME says nothing. */
const WORKERS_AI_EMBEDDER = "@cf/baai/bge-base-en-v1.5";
/** What Cloudflare documents; other models need EMBEDDER_DIMENSIONS. */
const WORKERS_AI_DIMENSIONS: ReadonlyMap<string, number> = new Map([
  ["@cf/baai/bge-small-en-v1.5", 384],
  ["@cf/baai/bge-base-en-v1.5", 768],
  ["@cf/baai/bge-large-en-v1.5", 1_024],
  ["@cf/baai/bge-m3", 1_024],
]);
/** A block of a hundred vectors must fit into a row. */
const DIMENSIONS_MAX = 4_096;
/** Vectorize takes no more. */
const VECTORIZE_DIMENSIONS_MAX = 1_536;
/** A request that adds memories waits so long at most. */
const TIMEOUT_SECONDS_MAX = 60;

/** What finds memories of like meaning, as variables of the Worker. */
export const EmbedderVariables = z.object({
  EMBEDDER: z.enum(EMBEDDERS).default("embedded"),
  EMBEDDER_NAME: optional(z.string().max(200)),
  EMBEDDER_BASE_URL: optional(ServerUrl),
  EMBEDDER_API_KEY: optional(ServerKey),
  EMBEDDER_DIMENSIONS: optional(z.coerce.number().int().min(1).max(DIMENSIONS_MAX)),
  EMBEDDER_TIMEOUT_SECONDS: z.coerce.number().min(0.1).max(TIMEOUT_SECONDS_MAX).default(10),
  VECTOR_INDEX: z.enum(VECTOR_INDEXES).default("d1"),
});

type Variables = z.output<typeof EmbedderVariables> & {
  readonly MODEL_BASE_URL?: string | undefined;
  readonly MODEL_API_KEY?: string | undefined;
};

export type EmbedderConfig =
  | { readonly provider: "embedded" }
  | { readonly provider: "none" }
  | (DenseConfig & { readonly provider: "workers-ai" })
  | (DenseConfig & {
      readonly provider: "openai-compatible";
      readonly baseUrl: string;
      readonly apiKey: string | null;
    });

export interface DenseConfig {
  readonly name: string;
  readonly dimensions: number;
  readonly timeoutSeconds: number;
  readonly index: VectorIndexName;
}

/** What is missing or does not go together, with the variable that it concerns. */
export function embedderFaults(v: Variables): readonly { readonly variable: string; readonly detail: string }[] {
  if (v.EMBEDDER === "embedded" || v.EMBEDDER === "none") return [];
  const faults: { variable: string; detail: string }[] = [];
  const needed = `EMBEDDER=${v.EMBEDDER} needs it`;
  if (v.EMBEDDER === "openai-compatible") {
    const address = v.EMBEDDER_BASE_URL ?? v.MODEL_BASE_URL;
    if (address === undefined) faults.push({ variable: "EMBEDDER_BASE_URL", detail: `${needed}, or MODEL_BASE_URL.` });
    if (v.EMBEDDER_NAME === undefined) faults.push({ variable: "EMBEDDER_NAME", detail: `${needed}.` });
  }
  const dimensions = dimensionsOf(v);
  if (dimensions === undefined)
    faults.push({ variable: "EMBEDDER_DIMENSIONS", detail: `${needed}: those of the model.` });
  if (v.VECTOR_INDEX === "vectorize" && (dimensions ?? 0) > VECTORIZE_DIMENSIONS_MAX) {
    const detail = `VECTOR_INDEX=vectorize takes ${VECTORIZE_DIMENSIONS_MAX} at most.`;
    faults.push({ variable: "EMBEDDER_DIMENSIONS", detail });
  }
  return faults;
}

function dimensionsOf(v: Variables): number | undefined {
  if (v.EMBEDDER_DIMENSIONS !== undefined || v.EMBEDDER !== "workers-ai") return v.EMBEDDER_DIMENSIONS;
  return WORKERS_AI_DIMENSIONS.get(v.EMBEDDER_NAME ?? WORKERS_AI_EMBEDDER);
}

/** @param v without {@link embedderFaults}. */
export function embedderConfigOf(v: Variables): EmbedderConfig {
  if (v.EMBEDDER === "embedded" || v.EMBEDDER === "none") return { provider: v.EMBEDDER };
  const dense = {
    dimensions: dimensionsOf(v) ?? 0,
    timeoutSeconds: v.EMBEDDER_TIMEOUT_SECONDS,
    index: v.VECTOR_INDEX,
  };
  if (v.EMBEDDER === "workers-ai") {
    return { ...dense, provider: v.EMBEDDER, name: v.EMBEDDER_NAME ?? WORKERS_AI_EMBEDDER };
  }
  // The model's key goes to the model's server alone: another server has its own.
  const sharedKey = v.EMBEDDER_BASE_URL === undefined ? v.MODEL_API_KEY : undefined;
  return {
    ...dense,
    provider: v.EMBEDDER,
    name: v.EMBEDDER_NAME ?? "",
    baseUrl: v.EMBEDDER_BASE_URL ?? v.MODEL_BASE_URL ?? "",
    apiKey: v.EMBEDDER_API_KEY ?? sharedKey ?? null,
  };
}
