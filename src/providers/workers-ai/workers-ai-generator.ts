import { z } from "zod";
import { ServiceError } from "../../services/errors";
import type { ReVoiceResult, TextGenerator } from "../../services/ports";
import {
  CONTENT_CHARACTERS_MAX,
  type ModelAnswer,
  ModelUsage,
  outputTokensMax,
  seedOf,
  toReVoiceResult,
} from "../model-answer";
import { reVoicePrompt } from "../prompts";

/** What is used of the binding `AI`. */
export interface AiBinding {
  run(model: string, inputs: Record<string, unknown>, options: { readonly signal: AbortSignal }): Promise<unknown>;
}

const TEMPERATURE = 0.3;
/** When the account's allowance of a day is used up: look again so often. */
const ALLOWANCE_SECONDS = 3_600;

/** Cloudflare's own codes. Source: developers.cloudflare.com/workers-ai/platform/errors. */
const ALLOWANCE_USED_UP = 3036;
/** Too large, or data that it does not take: the same call will not be answered. */
const REFUSING: ReadonlySet<number> = new Set([3003, 3006, 5004]);
/** No such model, not allowed, not agreed to, not of this kind. */
const OF_THE_SETTINGS: ReadonlySet<number> = new Set([3023, 3039, 3041, 3042, 5005, 5007, 5016, 5018, 5019]);

/** Models of Cloudflare's own answer in the first form, those with OpenAI's protocol in the second. */
const Answer = z.union([
  z
    .object({ response: z.union([z.string(), z.looseObject({})]), usage: ModelUsage })
    .transform(({ response, usage }): ModelAnswer => {
      // Where the text is JSON, the binding may have parsed it.
      const content = typeof response === "string" ? response : JSON.stringify(response);
      return { content, end: endOf(content, null), usage };
    }),
  z
    .object({
      choices: z
        .array(
          z.object({
            message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
            finish_reason: z.string().nullish(),
          }),
        )
        .min(1),
      usage: ModelUsage,
    })
    .transform(({ choices, usage }): ModelAnswer => {
      const content = choices[0]?.message.content ?? "";
      const end = choices[0]?.message.refusal ? "refused" : endOf(content, choices[0]?.finish_reason ?? null);
      return { content, end, usage };
    }),
]);

function endOf(content: string, finishReason: string | null): ModelAnswer["end"] {
  if (finishReason === "content_filter") return "refused";
  return finishReason === "length" || content.length > CONTENT_CHARACTERS_MAX ? "cut" : "finished";
}

/** A model of Cloudflare's Workers AI, asked through its binding. Not streamed: its answer is bounded by its tokens. */
export function workersAiGenerator(ai: AiBinding, model: string): TextGenerator {
  return {
    id: `workers-ai:${model}`,
    async reVoice(request, { signal }) {
      const prompt = reVoicePrompt(request);
      const inputs = {
        messages: prompt,
        temperature: TEMPERATURE,
        seed: seedOf(request),
        max_tokens: outputTokensMax(request),
      };
      try {
        const answer = Answer.safeParse(await orAborted(ai.run(model, inputs, { signal }), signal));
        const said: ModelAnswer = answer.data ?? { content: "", end: "finished", usage: null };
        return toReVoiceResult(said, request, prompt);
      } catch (error) {
        signal.throwIfAborted();
        return refusedOrThrown(error, model);
      }
    },
  };
}

/** The binding may take no notice of the signal; who waits does. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("Nobody waits for the answer any more.")), { once: true });
  });
  signal.throwIfAborted();
  return Promise.race([work, aborted]);
}

/** @throws ServiceError `unavailable`. */
function refusedOrThrown(error: unknown, model: string): ReVoiceResult {
  const code = codeOf(error);
  const named = code === null ? "" : ` (error ${code})`;
  if (code !== null && REFUSING.has(code)) {
    const usage = { inputTokens: 0, outputTokens: 0 };
    return { text: null, detail: `Workers AI refused this memory${named}.`, again: false, usage };
  }
  if (code !== null && OF_THE_SETTINGS.has(code)) {
    throw unavailable(
      `Workers AI does not give this account ${model}${named}. The operator has to look at MODEL_NAME.`,
    );
  }
  if (code === ALLOWANCE_USED_UP) {
    throw unavailable(`The account's allowance of Workers AI is used up${named}.`, ALLOWANCE_SECONDS);
  }
  throw unavailable(`Workers AI does not answer now${named}. It is asked again later.`);
}

/** "3040: Capacity temporarily exceeded": the binding throws its code in the message. */
function codeOf(error: unknown): number | null {
  const code = error instanceof Error ? /\b([35]\d{3}):/.exec(error.message)?.[1] : undefined;
  return code === undefined ? null : Number(code);
}

function unavailable(detail: string, retryAfterSeconds?: number): ServiceError {
  const details = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return new ServiceError("unavailable", "model-unavailable", detail, details);
}
