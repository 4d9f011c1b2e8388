import { ServiceError } from "../services/errors/errors";

/** A vector as a model gave it: whether it is one at all is for {@link toUnitVectors} to say. */
export type RawVector = readonly number[];

/** Longer texts are cut: more would not fit into what most embedders read, and the beginning tells what a text is about. */
export const EMBEDDED_CHARACTERS_MAX = 8_000;
/** What an embedder that refuses texts as they are gets instead: about 250 tokens of English. */
export const EMBEDDED_CHARACTERS_SHORT = 1_000;
const CHARACTERS_PER_TOKEN = 4;

/**
 * Vectors of unit length.
 * @throws ServiceError `unavailable` when they are not as many as the texts, of other dimensions, or without a direction.
 */
export function toUnitVectors(
  raw: readonly RawVector[],
  expected: { readonly count: number; readonly dimensions: number },
): readonly Float32Array[] {
  if (raw.length !== expected.count) throw unusable(`${raw.length} vectors for ${expected.count} texts`);
  return raw.map((vector) => {
    if (vector.length !== expected.dimensions) {
      const hint = "The operator has to look at EMBEDDER_DIMENSIONS and EMBEDDER_NAME.";
      throw unusable(`vectors of ${vector.length} dimensions, not ${expected.dimensions}`, hint);
    }
    const length = Math.hypot(...vector);
    if (!Number.isFinite(length) || length === 0) throw unusable("a vector without a direction");
    return Float32Array.from(vector, (component) => component / length);
  });
}

/** What an answer that is none of vectors is. */
export function unusable(what: string, hint = "It is asked again later."): ServiceError {
  return new ServiceError("unavailable", "model-unavailable", `The embedder answered ${what}. ${hint}`);
}

/** The beginning of a text, whole characters only. */
export function beginningOf(text: string, characters: number): string {
  return text.slice(0, characters).toWellFormed();
}

export function estimatedTokens(texts: readonly string[]): number {
  return Math.ceil(texts.reduce((sum, text) => sum + text.length, 0) / CHARACTERS_PER_TOKEN);
}
