import { z } from "zod";
import type { GateLimits } from "../../domain/model/model-gate";

const MODEL_PROVIDERS = ["embedded", "workers-ai", "openai-compatible"] as const;
/** What Workers AI is asked for where MODEL_NAME says nothing. */
const WORKERS_AI_MODEL = "@cf/meta/llama-3.3-70b-instruct-fp8-fast";
/**
 * Two calls of one memory, and two of another that waited for its slot, must end within the time that a part may take
 * after its deadline.
 */
const TIMEOUT_SECONDS_MAX = 120;

/** One may come at once, and what comes at once is a part of the minute's amount: so of one a minute nothing would be left. */
const REQUESTS_PER_MINUTE_MIN = 2;
/** About one call. */
const TOKENS_PER_MINUTE_MIN = 1_000;

/** An empty variable is as none: wrangler.toml lists all of them. */
export const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === "" ? undefined : value), schema.optional());

export const ServerUrl = z.url({
  protocol: /^https?$/,
  error: "Must be the address of an OpenAI-compatible API, such as https://api.openai.com/v1.",
});

export const ServerKey = z.string().regex(/^[\x21-\x7e]+$/, "Must be one word of printable ASCII.");

/** Which language model writes, as variables of the Worker. */
export const ModelVariables = z.object({
  MODEL_PROVIDER: z.enum(MODEL_PROVIDERS).default("embedded"),
  MODEL_NAME: optional(z.string().max(200)),
  MODEL_BASE_URL: optional(ServerUrl),
  MODEL_API_KEY: optional(ServerKey),
  MODEL_TIMEOUT_SECONDS: z.coerce.number().min(0.1).max(TIMEOUT_SECONDS_MAX).default(60),
  MODEL_STREAM: z.enum(["on", "off"]).default("on"),
  MODEL_CONCURRENCY: z.coerce.number().int().min(1).max(1_000).default(16),
  MODEL_REQUESTS_PER_MINUTE: optional(z.coerce.number().int().min(REQUESTS_PER_MINUTE_MIN).max(1_000_000)),
  MODEL_TOKENS_PER_MINUTE: optional(z.coerce.number().int().min(TOKENS_PER_MINUTE_MIN).max(1_000_000_000)),
});

/** Whether a variable is there, where the chosen provider needs it. */
export function isGiven(name: "MODEL_BASE_URL" | "MODEL_NAME", variables: z.output<typeof ModelVariables>): boolean {
  return variables.MODEL_PROVIDER !== "openai-compatible" || variables[name] !== undefined;
}

export type ModelConfig = { readonly timeoutSeconds: number } & (
  | { readonly provider: "embedded"; readonly name: null }
  | { readonly provider: "workers-ai"; readonly name: string }
  | {
      readonly provider: "openai-compatible";
      readonly name: string;
      readonly baseUrl: string;
      readonly apiKey: string | null;
      readonly stream: boolean;
    }
);

/** @param v checked with {@link isGiven}. */
export function modelConfigOf(v: z.output<typeof ModelVariables>): ModelConfig {
  const timeoutSeconds = v.MODEL_TIMEOUT_SECONDS;
  if (v.MODEL_PROVIDER === "embedded") return { provider: v.MODEL_PROVIDER, name: null, timeoutSeconds };
  if (v.MODEL_PROVIDER === "workers-ai") {
    return { provider: v.MODEL_PROVIDER, name: v.MODEL_NAME ?? WORKERS_AI_MODEL, timeoutSeconds };
  }
  return {
    provider: v.MODEL_PROVIDER,
    name: v.MODEL_NAME ?? "",
    baseUrl: v.MODEL_BASE_URL ?? "",
    apiKey: v.MODEL_API_KEY ?? null,
    stream: v.MODEL_STREAM === "on",
    timeoutSeconds,
  };
}

export function gateLimitsOf(v: z.output<typeof ModelVariables>): GateLimits {
  return {
    concurrency: v.MODEL_CONCURRENCY,
    requestsPerMinute: v.MODEL_REQUESTS_PER_MINUTE ?? null,
    tokensPerMinute: v.MODEL_TOKENS_PER_MINUTE ?? null,
  };
}
