import type { Files } from "../../ports/ports";

/** Longer lines are not read. A memory with everything at its limit, escaped to the last character, is shorter. */
export const LINE_BYTES_MAX = 1_048_576;
const READ_BYTES = 1_048_576;
const LINE_FEED = 10;

export interface FileLine {
  /** From 1. */
  readonly number: number;
  /** Null for a line that is too long, or no UTF-8. */
  readonly text: string | null;
  /** Bytes of the file up to the end of the line. */
  readonly end: number;
}

/** The lines of a stored file from some place on, read in pieces of bounded size. */
export class FileLines {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  /** What was read and not yet given, and where in the file it begins. */
  #rest = new Uint8Array();
  #offset: number;
  #line: number;

  /** @param missing makes the error that is thrown when the file is not there. */
  constructor(
    private readonly files: Files,
    private readonly file: { readonly name: string; readonly bytes: number },
    from: { readonly offset: number; readonly line: number },
    private readonly missing: () => Error,
  ) {
    this.#offset = from.offset;
    this.#line = from.line;
  }

  /** @returns undefined at the end. */
  async next(): Promise<FileLine | undefined> {
    let isTooLong = false;
    let searched = 0;
    for (;;) {
      const feed = this.#rest.indexOf(LINE_FEED, searched);
      if (feed !== -1) return this.#give(feed, 1, isTooLong);
      searched = this.#rest.byteLength;
      if (this.#offset + searched >= this.file.bytes) break;
      if (searched > LINE_BYTES_MAX) {
        // What is of no use is not kept.
        this.#drop(searched);
        [isTooLong, searched] = [true, 0];
      }
      await this.#read();
    }
    return this.#rest.byteLength > 0 || isTooLong ? this.#give(this.#rest.byteLength, 0, isTooLong) : undefined;
  }

  #give(bytes: number, feed: 0 | 1, isTooLong: boolean): FileLine {
    const text = isTooLong || bytes > LINE_BYTES_MAX ? null : this.#decode(this.#rest.subarray(0, bytes));
    this.#drop(bytes + feed);
    this.#line += 1;
    return { number: this.#line, text, end: this.#offset };
  }

  #decode(bytes: Uint8Array): string | null {
    try {
      return this.#decoder.decode(bytes);
    } catch {
      return null;
    }
  }

  #drop(bytes: number): void {
    this.#rest = this.#rest.subarray(bytes);
    this.#offset += bytes;
  }

  async #read(): Promise<void> {
    const from = this.#offset + this.#rest.byteLength;
    const read = await this.files.read(this.file.name, {
      offset: from,
      length: Math.min(READ_BYTES, this.file.bytes - from),
    });
    if (read === undefined || read.byteLength === 0) throw this.missing();
    const joined = new Uint8Array(this.#rest.byteLength + read.byteLength);
    joined.set(this.#rest);
    joined.set(read, this.#rest.byteLength);
    this.#rest = joined;
  }
}
