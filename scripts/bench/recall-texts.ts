import { readFileSync } from "node:fs";
import { join } from "node:path";

import { PROJECT_ROOT } from "../dev/wrangler.ts";

const TABLE = "public/embedder/glove-100d-20k.bin";
const HEAD_BYTES = 20;
/** The words that any English text is full of come first in the table; no one asks for them. */
const COMMON_WORDS = 60;
const WORDS_MIN = 6;
const WORDS_MORE = 24;
const QUERY_WORDS_MIN = 3;
const QUERY_WORDS_MORE = 4;

/** Texts like natural ones: words of English, as frequent as Zipf and Mandelbrot have them. The same seed, the same texts. */
export class Texts {
  readonly #words: readonly string[];
  readonly #sums: readonly number[];
  #state: number;

  constructor(seed: number) {
    const bytes = readFileSync(join(PROJECT_ROOT, TABLE));
    this.#words = bytes
      .toString("latin1", HEAD_BYTES, HEAD_BYTES + bytes.readUInt32LE(4))
      .trim()
      .split("\n");
    let sum = 0;
    this.#sums = this.#words.map((_, rank) => (sum += 1 / (rank + 2.7)));
    this.#state = seed;
  }

  memory(): string {
    return this.#text(WORDS_MIN + Math.floor(this.#random() * WORDS_MORE), 0);
  }

  query(): string {
    return this.#text(QUERY_WORDS_MIN + Math.floor(this.#random() * QUERY_WORDS_MORE), COMMON_WORDS);
  }

  #text(words: number, from: number): string {
    return Array.from({ length: words }, () => this.#word(from)).join(" ");
  }

  #word(from: number): string {
    const below = this.#sums[from - 1] ?? 0;
    const drawn = below + this.#random() * ((this.#sums.at(-1) ?? 0) - below);
    let [low, high] = [from, this.#sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sums[middle] ?? 0) < drawn) low = middle + 1;
      else high = middle;
    }
    return this.#words[low] ?? "";
  }

  /** 0 to below 1. Source: mulberry32. */
  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
