import { z } from "@hono/zod-openapi";
import { createMiddleware } from "hono/factory";
import { JsonFault, parseStrictJson } from "../../services/basics/strict-json";
import type { Context } from "hono";
import type { ApiEnv } from "../env";
import { faultsOf, validationFailed } from "../faults";
import { HttpProblem } from "../problem";

export const BODY_BYTES_MAX = 1_048_576;
/** 100 memories of 8,000 characters, in UTF-8 and with JSON's escapes. */
export const MEMORIES_BODY_BYTES_MAX = 8_388_608;

/**
 * Reads the body once, within its limit, in the order size 413, media type 415, JSON 400. Hono keeps the text, so that
 * the validators that follow read the same one.
 * @throws HttpProblem
 */
export async function readJsonBody(c: Context<ApiEnv>, bytesMax: number): Promise<unknown> {
  const text = await readText(c.req.raw, bytesMax);
  Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });
  const mediaType = c.req.header("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (mediaType !== "application/json")
    throw new HttpProblem(415, "media-type-unsupported", "Send the body as Content-Type: application/json.");
  return parsed(text);
}

/** A body that means one thing only. @throws HttpProblem 400 `json-invalid`. */
function parsed(text: string): unknown {
  try {
    return parseStrictJson(text);
  } catch (error) {
    if (error instanceof JsonFault)
      throw new HttpProblem(400, "json-invalid", error.message.replace(/^It is /, "The body is "));
    throw error;
  }
}

/**
 * For an operation that takes nothing: no body, or an empty object.
 * @throws HttpProblem; ServiceError `validation-failed`.
 */
export async function readEmptyBody(c: Context<ApiEnv>): Promise<null> {
  if (c.req.raw.body === null || c.req.header("content-length") === "0") return null;
  const parsed = z.strictObject({}).safeParse(await readJsonBody(c, BODY_BYTES_MAX));
  if (!parsed.success) throw validationFailed(faultsOf(parsed.error));
  return null;
}

/** Route middleware: the body is strict JSON of at most `bytesMax` bytes. */
export function jsonBody(bytesMax = BODY_BYTES_MAX) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    await readJsonBody(c, bytesMax);
    await next();
  });
}

async function readText(request: Request, bytesMax: number): Promise<string> {
  const tooLarge = () =>
    new HttpProblem(
      413,
      "body-too-large",
      `The body is larger than ${bytesMax.toLocaleString("en")} bytes. Send less.`,
    );
  const length = request.headers.get("content-length");
  if (Number(length ?? 0) > bytesMax) throw tooLarge();
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  let bytes = 0;
  try {
    if (length !== null) {
      // The runtime lets no more through than was announced; a body at once costs less than its pieces.
      const whole = await request.arrayBuffer();
      if (whole.byteLength > bytesMax) throw tooLarge();
      return decoder.decode(whole);
    }
    for await (const chunk of request.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) throw tooLarge();
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof HttpProblem) throw error;
    throw new HttpProblem(400, "json-invalid", "The body could not be read as UTF-8.");
  }
}
