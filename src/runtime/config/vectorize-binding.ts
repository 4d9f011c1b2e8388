import type { VectorizeBinding } from "../../providers/vectorize/vectorize-vectors";
import type { EmbedderConfig } from "./embedder-config";

/** Says at once that the binding is missing. @throws Error. */
export function requireIndex(config: EmbedderConfig, env: object): void {
  if ("index" in config && config.index === "vectorize") vectorizeOf(env);
}

/** The binding is no part of wrangler.toml as it stands: a deployment with it fails where the index was not created. */
export function vectorizeOf(env: object): VectorizeBinding {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a binding of this name is of this kind; its answers are parsed
  const { VECTORIZE } = env as { readonly VECTORIZE?: VectorizeBinding };
  if (VECTORIZE !== undefined) return VECTORIZE;
  throw new Error("VECTOR_INDEX=vectorize needs the binding VECTORIZE: uncomment it in wrangler.toml.");
}
