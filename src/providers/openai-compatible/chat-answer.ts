import { z } from "zod";
import { ServiceError } from "../../services/errors/errors";
import type { TokenUsage } from "../../services/ports/ports";
import { CONTENT_CHARACTERS_MAX, type ModelAnswer, ModelUsage } from "../model-answer";
import { type EndpointAnswer, parseJson } from "./http-client";

const Said = z.object({ content: z.string().nullish(), refusal: z.string().nullish() });

/** A whole answer has a `message`, a piece of a stream a `delta`. */
const Completion = z.object({
  choices: z
    .array(z.object({ message: Said.nullish(), delta: Said.nullish(), finish_reason: z.string().nullish() }))
    .default([]),
  usage: ModelUsage,
});
const Failure = z.object({ error: z.union([z.string(), z.looseObject({})]) });

/** What a stream says at its very end. */
const DONE = "[DONE]";
const CUT: ReadonlySet<string> = new Set(["length", "max_tokens"]);

/** Gathers the pieces of one answer. */
class Gathered {
  content = "";
  #finishReason: string | null = null;
  #refused = false;
  #usage: TokenUsage | null = null;

  get hasEnded(): boolean {
    return this.#finishReason !== null;
  }

  get isTooLong(): boolean {
    return this.content.length > CONTENT_CHARACTERS_MAX;
  }

  /** @returns whether this was a piece of an answer at all. */
  add(piece: unknown): boolean {
    const completion = Completion.safeParse(piece);
    if (!completion.success) return false;
    const { choices, usage } = completion.data;
    const [choice] = choices;
    const said = choice?.message ?? choice?.delta;
    this.content += said?.content ?? "";
    this.#refused ||= Boolean(said?.refusal);
    this.#finishReason = choice?.finish_reason ?? this.#finishReason;
    // Some servers count in every piece; the last one counts all.
    this.#usage = usage ?? this.#usage;
    return true;
  }

  toAnswer(): ModelAnswer {
    const { content } = this;
    return { content, end: this.#end(), usage: this.#usage };
  }

  #end(): ModelAnswer["end"] {
    if (this.#refused || this.#finishReason === "content_filter") return "refused";
    return this.isTooLong || CUT.has(this.#finishReason ?? "") ? "cut" : "finished";
  }
}

/**
 * Reads the answer of `/chat/completions`, streamed or whole, whichever the server sends.
 * @throws ServiceError `unavailable` when a stream reports a failure, or ends in the middle.
 */
export async function readChatAnswer(answer: EndpointAnswer): Promise<ModelAnswer> {
  const gathered = new Gathered();
  if (answer.isEventStream) {
    await gatherStream(answer, gathered);
    return gathered.toAnswer();
  }
  const body = await answer.json();
  if (Failure.safeParse(body).success) throw broken();
  // What is no completion has no content either, and so not the form that was asked for.
  gathered.add(body);
  return gathered.toAnswer();
}

async function gatherStream(answer: EndpointAnswer, gathered: Gathered): Promise<void> {
  try {
    for await (const data of answer.events()) {
      if (data === DONE) return;
      const piece = parseJson(data);
      if (Failure.safeParse(piece).success || !gathered.add(piece)) throw broken();
      if (gathered.isTooLong) return;
    }
  } catch (error) {
    // Only its count was still to come.
    if (gathered.hasEnded) return;
    throw error;
  }
  if (!gathered.hasEnded) throw broken();
}

function broken(): ServiceError {
  const detail = "The model's server broke off its answer. It is asked again later.";
  return new ServiceError("unavailable", "model-unavailable", detail);
}
