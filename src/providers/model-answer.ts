import { z } from "zod";
import type { ReVoiceRequest, ReVoiceResult, TokenUsage } from "../services/ports/ports";
import type { PromptMessage } from "./prompts";

/** More content than this is no memory: the longest text, each character as a JSON escape, and room for a preface. */
export const CONTENT_CHARACTERS_MAX = 64_000;
/** Asked for at most: room for the form and for some thinking, and a token for each character of the memory. */
const OUTPUT_TOKENS_BASE = 2_048;
const CHARACTERS_PER_TOKEN = 4;
const TOKENS_MAX = 100_000_000;

/** What a model said, however it was brought here. */
export interface ModelAnswer {
  readonly content: string;
  /** `cut`: it ran into a limit, its own or ours. `refused`: it, or a filter before it, would not. */
  readonly end: "finished" | "cut" | "refused";
  /** Null where the server did not count. */
  readonly usage: TokenUsage | null;
}

const Count = z.number().int().min(0).max(TOKENS_MAX);

/** OpenAI's way to count, which Workers AI shares; null for anything else. */
export const ModelUsage = z
  .object({ prompt_tokens: Count, completion_tokens: Count })
  .transform((usage): TokenUsage => ({ inputTokens: usage.prompt_tokens, outputTokens: usage.completion_tokens }))
  .nullish()
  .transform((usage) => usage ?? null)
  .catch(null);

/** The most tokens that an answer may have. */
export function outputTokensMax({ memory }: ReVoiceRequest): number {
  return OUTPUT_TOKENS_BASE + memory.text.length;
}

/** For servers that know it: the same question gets the same answer again, as far as they can. 31 bits, FNV-1a. */
export function seedOf({ idempotencyKey }: ReVoiceRequest): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < idempotencyKey.length; index += 1) {
    hash = Math.imul(hash ^ idempotencyKey.charCodeAt(index), 0x01000193);
  }
  return hash >>> 1;
}

/** Reads what a model said. It is data: all that is taken of it is a text or a refusal, in the form that was asked for. */
export function toReVoiceResult(
  answer: ModelAnswer,
  request: ReVoiceRequest,
  prompt: readonly PromptMessage[],
): ReVoiceResult {
  const usage = answer.usage ?? estimated(prompt, answer.content);
  const without = (detail: string, again = false) => ({ text: null, detail, again, usage }) as const;
  const refused = "The model refused to retell this memory.";
  if (answer.end === "refused") return without(refused);
  if (answer.end === "cut") return without("The model's answer had no end within its limit, and was cut off.");
  const form = readForm(answer.content);
  if (form === undefined) return without("The model did not answer in the form that was asked for.", true);
  if ("refusal" in form) return without(refused);
  return { text: unquoted(form.text, request.memory.text), usage };
}

const Form = z.union([z.object({ text: z.string() }), z.object({ refusal: z.string() })]);

/** Around the object may stand what models add: thoughts, a fence, "Here is the JSON". It is dropped, never read. */
function readForm(content: string): z.infer<typeof Form> | undefined {
  const said = content.slice(content.lastIndexOf("</think>") + 1);
  const object = said.slice(said.indexOf("{"), said.lastIndexOf("}") + 1);
  try {
    return Form.safeParse(JSON.parse(object)).data;
  } catch {
    return undefined;
  }
}

const QUOTED = /^(?:"([^"]*)"|“([^“”]*)”)$/s;

/** Without the quotes that a model puts around a whole text; a source that has them keeps them. */
function unquoted(text: string, source: string): string {
  const [, straight, curly] = QUOTED.exec(text.trim()) ?? [];
  return QUOTED.test(source.trim()) ? text : (straight ?? curly ?? text);
}

function estimated(prompt: readonly PromptMessage[], content: string): TokenUsage {
  const characters = prompt.reduce((sum, message) => sum + message.content.length, 0);
  return { inputTokens: tokensOf(characters), outputTokens: tokensOf(content.length), estimated: true };
}

function tokensOf(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}
