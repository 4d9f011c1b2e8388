import type { Context } from "hono";
import { IMPORT_BYTES_MAX } from "../services/creation/create-import";
import type { ApiEnv } from "./env";
import { HttpProblem } from "./problem";

/**
 * The file of an import, as it comes, within its limit.
 * @throws HttpProblem what can be said of it before it is read: size 413, then media type 415. While it is read: when more
 * comes than may, or the body breaks off.
 */
export function importFileOf(c: Context<ApiEnv>): AsyncIterable<Uint8Array> {
  if (Number(c.req.header("content-length") ?? 0) > IMPORT_BYTES_MAX) throw tooLarge();
  const mediaType = c.req.header("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (mediaType !== "application/x-ndjson")
    throw new HttpProblem(415, "media-type-unsupported", "Send the file as Content-Type: application/x-ndjson.");
  const encoding = c.req.header("content-encoding")?.trim().toLowerCase() ?? "identity";
  if (encoding !== "identity") {
    const detail = `Send the file as it is, not with Content-Encoding: ${encoding}.`;
    throw new HttpProblem(415, "media-type-unsupported", detail);
  }
  return bounded(c.req.raw.body);
}

async function* bounded(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  try {
    for await (const chunk of body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > IMPORT_BYTES_MAX) throw tooLarge();
      yield chunk;
    }
  } catch (error) {
    if (error instanceof HttpProblem) throw error;
    throw new HttpProblem(400, "body-broken", "The body broke off before its end. Send the file again.");
  }
}

function tooLarge(): HttpProblem {
  const detail = `The file is larger than ${IMPORT_BYTES_MAX.toLocaleString("en")} bytes. Cut it between lines, and import the pieces.`;
  return new HttpProblem(413, "body-too-large", detail);
}
