/** Memories whose vectors lie in one row: what one call embeds, and below a row's 2 MB with 15,000 dimensions. */
export const VECTORS_PER_BLOCK_MAX = 100;

const COMPONENT_MAX = 127;
/** `String.fromCharCode` takes its characters as arguments, of which there may not be too many. */
const CHARACTERS_PER_CALL = 8_192;

/**
 * Packs vectors, each into as many bytes as it has dimensions: every component as a whole number, the greatest as ±127.
 * The length of a vector is lost, which no cosine asks for. The direction moves by 0.5 · √dimensions / 127 of the greatest
 * component at most.
 */
export function packVectors(vectors: readonly ArrayLike<number>[]): Int8Array {
  const dimensions = vectors[0]?.length ?? 0;
  const packed = new Int8Array(vectors.length * dimensions);
  for (const [position, vector] of vectors.entries()) {
    let greatest = 0;
    for (let i = 0; i < dimensions; i += 1) greatest = Math.max(greatest, Math.abs(vector[i] ?? 0));
    const scale = greatest > 0 ? COMPONENT_MAX / greatest : 0;
    for (let i = 0; i < dimensions; i += 1) packed[position * dimensions + i] = Math.round((vector[i] ?? 0) * scale);
  }
  return packed;
}

/** @returns the packed vectors at these positions, in their order. */
export function pickVectors(packed: Int8Array, dimensions: number, positions: readonly number[]): Int8Array {
  const picked = new Int8Array(positions.length * dimensions);
  for (const [to, from] of positions.entries())
    picked.set(packed.subarray(from * dimensions, (from + 1) * dimensions), to * dimensions);
  return picked;
}

/** Packed vectors, one lot after the other. */
export function joinVectors(lots: readonly Int8Array[]): Int8Array {
  const joined = new Int8Array(lots.reduce((sum, lot) => sum + lot.length, 0));
  let at = 0;
  for (const lot of lots) {
    joined.set(lot, at);
    at += lot.length;
  }
  return joined;
}

/** The cosine of a vector with each packed one, −1 to 1; 0 for a packed one without a direction. */
export function cosinesOf(vector: Float32Array, packed: Int8Array): Float64Array {
  const dimensions = vector.length;
  const cosines = new Float64Array(packed.length / dimensions);
  let own = 0;
  for (const component of vector) own += component * component;
  for (let position = 0; position < cosines.length; position += 1) {
    const start = position * dimensions;
    let product = 0;
    let other = 0;
    for (let i = 0; i < dimensions; i += 1) {
      const component = packed[start + i] ?? 0;
      product += component * (vector[i] ?? 0);
      other += component * component;
    }
    const lengths = Math.sqrt(own * other);
    cosines[position] = lengths > 0 ? Math.min(1, Math.max(-1, product / lengths)) : 0;
  }
  return cosines;
}

export function toBase64(packed: Int8Array): string {
  const bytes = new Uint8Array(packed.buffer, packed.byteOffset, packed.byteLength);
  let binary = "";
  for (let at = 0; at < bytes.length; at += CHARACTERS_PER_CALL)
    binary += String.fromCharCode(...bytes.subarray(at, at + CHARACTERS_PER_CALL));
  return btoa(binary);
}

export function fromBase64(text: string): Int8Array {
  const binary = atob(text);
  const packed = new Int8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) packed[i] = binary.charCodeAt(i);
  return packed;
}
