import { errorText } from "../../domain/basics/error-text";
import type { GateLimits } from "../../domain/model/model-gate";
import { log } from "../log";
import { type Config, readConfig } from "./config";
import { requireIndex } from "./vectorize-binding";

const configs = new WeakMap<Env, Config>();

/** The configuration of an environment, read once. @throws Error when it is wrong. */
export function configOf(env: Env): Config {
  const known = configs.get(env);
  if (known !== undefined) return known;
  try {
    const config = readConfig(env);
    requireIndex(config.embedder, env);
    configs.set(env, config);
    return config;
  } catch (error) {
    // Whoever asked has no log yet.
    log("error", "configuration-wrong", { error: errorText(error) });
    throw error;
  }
}

/** What all invocations together may ask of the model. */
export function gateLimitsOf(env: Env): GateLimits {
  return configOf(env).gate;
}
