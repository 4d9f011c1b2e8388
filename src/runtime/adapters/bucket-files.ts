import { errorText } from "../../domain/basics/error-text";
import { hexOf } from "../../domain/ids";
import { within } from "../../domain/basics/time-limit";
import { ServiceError } from "../../services/errors/errors";
import type { Files, StoredBody } from "../../services/ports/ports";
import { log } from "../log";

/** Pieces of an upload: all but the last must be equal, and 5 MiB or more. One is held in memory. */
const UPLOAD_PIECE_BYTES = 8 * 1_048_576;
/** The bucket has no limit of its own: a call that hangs would hold up a consumer with its lease. */
const FILE_WITHIN_MS = 30_000;
const LISTED_MAX = 1_000;
const LISTS_MAX = 100;

export function bucketFiles(bucket: R2Bucket): Files {
  return {
    store: (name, source) => store(bucket, name, source),
    write: async (name, bytes) => void (await reach(() => bucket.put(name, bytes))),
    has: async (name) => (await reach(() => bucket.head(name))) !== null,
    read: async (name, range) => {
      const object = await reach(() => bucket.get(name, { range }));
      return object === null ? undefined : new Uint8Array(await reach(() => object.arrayBuffer()));
    },
    open: async (name) => (await reach(() => bucket.get(name)))?.body,
    removeAll: (beginning) => removeAll(bucket, beginning),
  };
}

async function removeAll(bucket: R2Bucket, prefix: string): Promise<void> {
  for (let lists = 0; lists < LISTS_MAX; lists++) {
    const { objects, truncated } = await reach(() => bucket.list({ prefix, limit: LISTED_MAX }));
    if (objects.length > 0) await reach(() => bucket.delete(objects.map(({ key }) => key)));
    if (!truncated) return;
  }
}

/** A short file is one write. A longer one is an upload in pieces, which is given up when the source breaks. */
async function store(bucket: R2Bucket, name: string, source: AsyncIterable<Uint8Array>): Promise<StoredBody> {
  const seen = new Seen();
  const pieces = new Pieces();
  let upload: R2MultipartUpload | undefined;
  const uploaded: R2UploadedPart[] = [];
  const send = async (piece: Uint8Array): Promise<void> => {
    upload ??= await reach(() => bucket.createMultipartUpload(name));
    const { uploadPart } = boundTo(upload);
    uploaded.push(await reach(() => uploadPart(uploaded.length + 1, piece)));
  };
  try {
    for await (const chunk of source) {
      await seen.add(chunk);
      for (const piece of pieces.add(chunk)) await send(piece);
    }
    const rest = pieces.rest();
    if (upload === undefined) await reach(() => bucket.put(name, rest));
    else {
      if (rest.byteLength > 0) await send(rest);
      await complete(upload, uploaded);
    }
    return await seen.end();
  } catch (error) {
    await upload?.abort().catch((failure: unknown) => log("warn", "upload-not-aborted", { error: errorText(failure) }));
    throw error;
  }
}

function boundTo(upload: R2MultipartUpload) {
  return { uploadPart: (part: number, bytes: Uint8Array) => upload.uploadPart(part, bytes) };
}

async function complete(upload: R2MultipartUpload, uploaded: R2UploadedPart[]): Promise<void> {
  await reach(() => upload.complete(uploaded));
}

/** @throws ServiceError `unavailable`, whatever the bucket throws: nothing it says is of use to a client. */
async function reach<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await within(FILE_WITHIN_MS, call());
  } catch (error) {
    log("warn", "files-unavailable", { error: errorText(error) });
    throw new ServiceError("unavailable", "service-unavailable", "The store of files does not answer now. Try again.");
  }
}

/** Cuts what comes into pieces of equal size. */
class Pieces {
  #piece = new Uint8Array(UPLOAD_PIECE_BYTES);
  #filled = 0;

  *add(chunk: Uint8Array): Generator<Uint8Array> {
    for (let from = 0; from < chunk.byteLength;) {
      const taken = chunk.subarray(from, from + UPLOAD_PIECE_BYTES - this.#filled);
      this.#piece.set(taken, this.#filled);
      this.#filled += taken.byteLength;
      from += taken.byteLength;
      if (this.#filled < UPLOAD_PIECE_BYTES) return;
      yield this.#piece;
      this.#filled = 0;
    }
  }

  rest(): Uint8Array {
    return this.#piece.subarray(0, this.#filled);
  }
}

const LINE_FEED = 10;
const SPACE = 32;

/** Digest and counts of what has passed. */
class Seen {
  readonly #digest = new crypto.DigestStream("SHA-256");
  readonly #writer = this.#digest.getWriter();
  #bytes = 0;
  #lines = 0;
  #blank = true;

  async add(chunk: Uint8Array): Promise<void> {
    this.#bytes += chunk.byteLength;
    for (const byte of chunk) {
      if (byte === LINE_FEED) this.#endLine();
      else if (byte > SPACE) this.#blank = false;
    }
    await this.#writer.write(chunk);
  }

  async end(): Promise<StoredBody> {
    this.#endLine();
    await this.#writer.close();
    return { bytes: this.#bytes, lines: this.#lines, sha256: hexOf(new Uint8Array(await this.#digest.digest)) };
  }

  #endLine(): void {
    if (!this.#blank) this.#lines += 1;
    this.#blank = true;
  }
}
