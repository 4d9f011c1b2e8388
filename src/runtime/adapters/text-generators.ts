import { embeddedRulesGenerator } from "../../providers/embedded/rules-generator";
import { openAiCompatibleGenerator } from "../../providers/openai-compatible/chat-generator";
import { type AiBinding, workersAiGenerator } from "../../providers/workers-ai/workers-ai-generator";
import type { TextGenerator } from "../../services/ports/ports";
import type { ModelConfig } from "../config/model-config";

/** The text generator that the variables name. The next provider is one line here, and one file. */
export function textGeneratorOf(config: ModelConfig, env: Pick<Env, "AI">): TextGenerator {
  if (config.provider === "workers-ai") return workersAiGenerator(aiOf(env), config.name);
  if (config.provider === "embedded") return embeddedRulesGenerator();
  const { baseUrl, apiKey, timeoutSeconds, name, stream } = config;
  const settings = "MODEL_BASE_URL, MODEL_API_KEY and MODEL_NAME";
  const endpoint = { baseUrl, apiKey, timeoutSeconds, settings, fetch: platformFetch };
  return openAiCompatibleGenerator({ endpoint, model: name, stream });
}

/** The platform's own does not like to be called as a method of something else. */
export const platformFetch: typeof fetch = (input, init) => fetch(input, init);

/** Which models there are is for the account to say, not for the types. */
export function aiOf(env: Pick<Env, "AI">): AiBinding {
  return { run: (model, inputs, { signal }) => env.AI.run(model, inputs, { signal }) };
}
