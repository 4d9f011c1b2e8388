import type { WordTable } from "../../domain/recall/word-table";

/** "RVW1" */
const MAGIC = 0x31575652;
const HEAD_BYTES = 20;
const NO_WORD = 0xffff;

/**
 * Reads the table that scripts/derive-word-vectors.ts writes. Little-endian: five 32-bit numbers (magic, bytes of the
 * words, words, dimensions, neighbours a word); the words, one a line, padded with line ends; for each word the length
 * of its vector (32-bit float), its neighbours (16-bit positions, 0xffff for none) and its vector (signed bytes).
 *
 * The vectors are used where they lie: besides the words nothing is parsed, so a new isolate has it in milliseconds.
 * @throws Error when the bytes are no such table.
 */
export function readWordTable(bytes: ArrayBuffer): WordTable {
  const [magic, wordBytes = 0, count = 0, dimensions = 0, neighbours = 0] =
    bytes.byteLength < HEAD_BYTES ? [] : new Uint32Array(bytes, 0, HEAD_BYTES / 4);
  const normsAt = HEAD_BYTES + wordBytes;
  const nearestAt = normsAt + count * 4;
  const vectorsAt = nearestAt + count * neighbours * 2;
  if (magic !== MAGIC || bytes.byteLength !== vectorsAt + count * dimensions)
    throw new Error(`These ${bytes.byteLength} bytes are no table of word vectors.`);
  const words = new TextDecoder()
    .decode(new Uint8Array(bytes, HEAD_BYTES, wordBytes))
    .split("\n")
    .slice(0, count);
  const norms = new Float32Array(bytes, normsAt, count);
  const nearest = new Uint16Array(bytes, nearestAt, count * neighbours);
  const vectors = new Int8Array(bytes, vectorsAt, count * dimensions);
  const positions = new Map(words.map((word, position) => [word, position]));

  const cosine = (a: number, b: number): number => {
    const [startA, startB] = [a * dimensions, b * dimensions];
    let dot = 0;
    for (let d = 0; d < dimensions; d++) dot += (vectors[startA + d] ?? 0) * (vectors[startB + d] ?? 0);
    return dot / ((norms[a] ?? 1) * (norms[b] ?? 1));
  };
  return {
    neighboursOf: (word) => {
      const at = positions.get(word);
      if (at === undefined) return [];
      const own = nearest.subarray(at * neighbours, (at + 1) * neighbours);
      return Array.from(own).flatMap((position) => (position === NO_WORD ? [] : (words[position] ?? [])));
    },
    similarity: (a, b) => {
      const [atA, atB] = [positions.get(a), positions.get(b)];
      return atA === undefined || atB === undefined ? 0 : cosine(atA, atB);
    },
    positionOf: (word) => positions.get(word),
    similarityAt: cosine,
  };
}
