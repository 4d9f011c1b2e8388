import { z } from "zod";
import type { Embedder } from "../../services/ports/ports";
import {
  beginningOf,
  EMBEDDED_CHARACTERS_MAX,
  EMBEDDED_CHARACTERS_SHORT,
  estimatedTokens,
  toUnitVectors,
  unusable,
} from "../embedding-answer";
import { orAborted, refusalCodeOf } from "./workers-ai-errors";
import type { AiBinding } from "./workers-ai-generator";

const Answer = z.object({ data: z.array(z.array(z.number())) });

/** An embedding model of Cloudflare's Workers AI, asked through its binding with up to a hundred texts a call. */
export function workersAiEmbedder(ai: AiBinding, model: string, dimensions: number): Embedder {
  return {
    id: `workers-ai:${model}`,
    dimensions,
    async embed(texts, { signal }) {
      const ask = async (characters: number) => {
        const text = texts.map((each) => beginningOf(each, characters));
        return orAborted(ai.run(model, { text }, { signal }), signal);
      };
      const said = await ask(EMBEDDED_CHARACTERS_MAX).catch((error: unknown) => {
        signal.throwIfAborted();
        refusalCodeOf(error, { model, setting: "EMBEDDER_NAME" });
        return ask(EMBEDDED_CHARACTERS_SHORT).catch((again: unknown) => {
          signal.throwIfAborted();
          const code = refusalCodeOf(again, { model, setting: "EMBEDDER_NAME" });
          throw unusable(`that it does not take these texts (error ${code})`);
        });
      });
      const answer = Answer.safeParse(said);
      if (!answer.success) throw unusable("no vectors of numbers");
      return {
        vectors: toUnitVectors(answer.data.data, { count: texts.length, dimensions }),
        // Workers AI does not count here.
        usage: { inputTokens: estimatedTokens(texts), outputTokens: 0, estimated: true },
      };
    },
  };
}
