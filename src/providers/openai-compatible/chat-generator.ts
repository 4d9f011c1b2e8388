import type { ReVoiceRequest, ReVoiceResult, TextGenerator } from "../../services/ports/ports";
import { outputTokensMax, seedOf, toReVoiceResult } from "../model-answer";
import { type PromptMessage, reVoicePrompt } from "../prompts";
import { readChatAnswer } from "./chat-answer";
import { type Endpoint, type EndpointRefusal, exchange } from "./http-client";

export interface ChatModel {
  readonly endpoint: Endpoint;
  /** As the server knows it. */
  readonly model: string;
  /** Lets a model that says nothing be noticed early, and one that does not end be cut off. */
  readonly stream: boolean;
}

/** The largest answer: a stream wraps each token in some hundred bytes, and a thinking model sends its thoughts too. */
const ANSWER_BYTES_MAX = 8_388_608;
/** Low: a retelling should stay near its source; not 0, at which small models repeat themselves. */
const TEMPERATURE = 0.3;

/** What some models refuse, and is no loss to leave out; and what others want in its place. */
const OPTIONAL_PARAMETERS = ["temperature", "seed", "max_tokens", "max_completion_tokens", "stream_options"] as const;

/**
 * Any server that has OpenAI's `/chat/completions`.
 * @throws as {@link TextGenerator}; what the server refuses for good (400, 422) is an answer without a text.
 */
export function openAiCompatibleGenerator(chat: ChatModel): TextGenerator {
  // What this model has refused once is not sent again.
  const refused = new Set<string>();
  return {
    id: `openai-compatible:${chat.model}`,
    async reVoice(request, { signal }) {
      const prompt = reVoicePrompt(request);
      for (;;) {
        const call = {
          path: "/chat/completions",
          body: bodyOf(chat, request, prompt, refused),
          idempotencyKey: request.idempotencyKey,
          streamed: chat.stream,
          bytesMax: ANSWER_BYTES_MAX,
          signal,
        };
        const exchanged = await exchange(chat.endpoint, call, readChatAnswer);
        if (exchanged.ok) return toReVoiceResult(exchanged.value, request, prompt);
        const dispensable = dispensableIn(exchanged.refusal, call.body);
        // Each turn leaves out one more of a few parameters.
        if (dispensable === undefined) return refusedResult(exchanged.refusal);
        refused.add(dispensable);
      }
    },
  };
}

function bodyOf(
  { model, stream }: ChatModel,
  request: ReVoiceRequest,
  prompt: readonly PromptMessage[],
  refused: ReadonlySet<string>,
): Record<string, unknown> {
  const tokens = outputTokensMax(request);
  const optional: Record<(typeof OPTIONAL_PARAMETERS)[number], unknown> = {
    temperature: TEMPERATURE,
    seed: seedOf(request),
    max_tokens: tokens,
    // OpenAI's newer name, which older servers do not know.
    max_completion_tokens: refused.has("max_tokens") ? tokens : undefined,
    stream_options: stream ? { include_usage: true } : undefined,
  };
  const sent = Object.entries(optional).filter(([name, value]) => value !== undefined && !refused.has(name));
  return { model, messages: prompt, stream, ...Object.fromEntries(sent) };
}

/** The parameter that the server stumbled over, where it can do without it. */
function dispensableIn({ parameter }: EndpointRefusal, body: Record<string, unknown>): string | undefined {
  const name = parameter?.split(".")[0];
  return OPTIONAL_PARAMETERS.find((optional) => optional === name && optional in body);
}

function refusedResult({ status, reason }: EndpointRefusal): ReVoiceResult {
  const detail = `The model's server refused this memory (${reason === null ? status : `${status}, ${reason}`}).`;
  // Nothing was generated, so nothing is counted.
  return { text: null, detail, again: false, usage: { inputTokens: 0, outputTokens: 0 } };
}
