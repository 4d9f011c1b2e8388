import { z } from "zod";
import type { Embedder } from "../../services/ports/ports";
import {
  beginningOf,
  EMBEDDED_CHARACTERS_MAX,
  EMBEDDED_CHARACTERS_SHORT,
  estimatedTokens,
  type RawVector,
  toUnitVectors,
  unusable,
} from "../embedding-answer";
import { type Endpoint, exchange } from "./http-client";

export interface EmbeddingModel {
  readonly endpoint: Endpoint;
  /** As the server knows it. */
  readonly model: string;
  readonly dimensions: number;
}

/** Some servers take no more by default (text-embeddings-inference: 32). A hundred texts are four calls at once. */
const TEXTS_PER_CALL = 32;
/** 32 vectors of 4,096 dimensions, with 22 characters a number, are below 3 MB. */
const ANSWER_BYTES_MAX = 8_388_608;

const Answer = z.object({
  data: z.array(z.object({ index: z.number().int().min(0).optional(), embedding: z.array(z.number()) })),
  usage: z
    .object({ prompt_tokens: z.number().int().min(0) })
    .nullish()
    .catch(null),
});

/**
 * Any server that has OpenAI's `/embeddings`. Its vectors have the model's own dimensions; a server that answers others
 * than are wanted is asked once for those (`dimensions`), which some models can give.
 */
export function openAiCompatibleEmbedder(model: EmbeddingModel): Embedder {
  const server = new EmbeddingServer(model);
  return {
    id: `openai-compatible:${model.model}`,
    dimensions: model.dimensions,
    async embed(texts, { signal }) {
      const lots: string[][] = [];
      for (let at = 0; at < texts.length; at += TEXTS_PER_CALL) lots.push(texts.slice(at, at + TEXTS_PER_CALL));
      const answers = await Promise.all(lots.map((lot) => server.embed(lot, signal)));
      const inputTokens = answers.reduce((sum, answer) => sum + answer.inputTokens, 0);
      return { vectors: answers.flatMap(({ vectors }) => vectors), usage: { inputTokens, outputTokens: 0 } };
    },
  };
}

/** One call, and what the server was found to want. */
class EmbeddingServer {
  readonly #model: EmbeddingModel;
  /** Whether it has to be told the dimensions. */
  #asksDimensions = false;

  constructor(model: EmbeddingModel) {
    this.#model = model;
  }

  async embed(texts: readonly string[], signal: AbortSignal) {
    const { dimensions } = this.#model;
    const toldBefore = this.#asksDimensions;
    let answer = await this.#askAnyLength(texts, signal, toldBefore);
    if (!toldBefore && answer.raw.some((vector) => vector.length !== dimensions)) {
      answer = await this.#askAnyLength(texts, signal, true);
      this.#asksDimensions = answer.raw.every((vector) => vector.length === dimensions);
    }
    return {
      vectors: toUnitVectors(answer.raw, { count: texts.length, dimensions }),
      inputTokens: answer.inputTokens ?? estimatedTokens(texts),
    };
  }

  /** What refuses long texts gets the beginning of each. */
  async #askAnyLength(texts: readonly string[], signal: AbortSignal, dimensions: boolean) {
    const whole = await this.#ask(texts, { signal, dimensions, characters: EMBEDDED_CHARACTERS_MAX });
    if (whole.ok) return whole.value;
    const short = await this.#ask(texts, { signal, dimensions, characters: EMBEDDED_CHARACTERS_SHORT });
    if (short.ok) return short.value;
    const { status, reason } = short.refusal;
    const hint = `The operator has to look at ${this.#model.endpoint.settings}.`;
    throw unusable(`that it does not take these texts (${reason === null ? status : `${status}, ${reason}`})`, hint);
  }

  #ask(
    texts: readonly string[],
    options: { readonly signal: AbortSignal; readonly dimensions: boolean; readonly characters: number },
  ) {
    const { endpoint, model, dimensions } = this.#model;
    const input = texts.map((text) => beginningOf(text, options.characters));
    const call = {
      path: "/embeddings",
      body: { model, input, ...(options.dimensions && { dimensions }) },
      idempotencyKey: crypto.randomUUID(),
      streamed: false,
      bytesMax: ANSWER_BYTES_MAX,
      signal: options.signal,
    };
    return exchange(endpoint, call, async (answer) => readAnswer(await answer.json(), texts.length));
  }
}

/** The vectors in the order of the texts, whatever order they come in. */
function readAnswer(body: unknown, count: number): { raw: readonly RawVector[]; inputTokens: number | null } {
  const answer = Answer.safeParse(body);
  if (!answer.success) throw unusable("no vectors of numbers");
  const { data, usage } = answer.data;
  const raw = new Map(data.map(({ index, embedding }, position) => [index ?? position, embedding]));
  const ordered = Array.from({ length: count }, (_, position) => raw.get(position) ?? []);
  if (data.length !== count || raw.size !== count || ordered.some((vector) => vector.length === 0))
    throw unusable(`${data.length} vectors, or not those, for ${count} texts`);
  return { raw: ordered, inputTokens: usage?.prompt_tokens ?? null };
}
