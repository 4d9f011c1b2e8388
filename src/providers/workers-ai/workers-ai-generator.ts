import { z } from "zod";
import type { ReVoiceResult, TextGenerator } from "../../services/ports/ports";
import {
  CONTENT_CHARACTERS_MAX,
  type ModelAnswer,
  ModelUsage,
  outputTokensMax,
  seedOf,
  toReVoiceResult,
} from "../model-answer";
import { reVoicePrompt } from "../prompts";
import { orAborted, refusalCodeOf } from "./workers-ai-errors";

/** What is used of the binding `AI`. */
export interface AiBinding {
  run(model: string, inputs: Record<string, unknown>, options: { readonly signal: AbortSignal }): Promise<unknown>;
}

const TEMPERATURE = 0.3;
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

/** @throws ServiceError `unavailable`. */
function refusedOrThrown(error: unknown, model: string): ReVoiceResult {
  const code = refusalCodeOf(error, { model, setting: "MODEL_NAME" });
  const usage = { inputTokens: 0, outputTokens: 0 };
  return { text: null, detail: `Workers AI refused this memory (error ${code}).`, again: false, usage };
}
