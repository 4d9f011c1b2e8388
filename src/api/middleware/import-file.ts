import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { z } from "zod";
import type { StoredFile } from "../../domain/tasks/operations";
import { createImport, IMPORT_BYTES_MAX } from "../../services/creation/create-import";
import type { TaskInput } from "../../services/ports/task-input";
import type { ApiEnv } from "../env";
import { faultsOf, validationFailed } from "../faults";
import { HttpProblem } from "../problem";
import { showCreation } from "./creation";
import { findRequestId } from "./request-id";

interface ImportDoor<Q extends z.ZodType> {
  /** The operation id: part of the fingerprint. */
  readonly operation: string;
  readonly query: Q;
  readonly toInput: (query: z.output<Q>, file: StoredFile, path: Readonly<Record<string, string>>) => TaskInput;
}

/** Route middleware of the door that takes a file. The handler only shows `creation`. */
export function importFile<Q extends z.ZodType>(door: ImportDoor<Q>) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const clientsId = findRequestId(c);
    requireFile(c);
    const [path, query] = [c.req.param(), c.req.query()];
    const made = await createImport(c.get("call"), {
      requestId: clientsId ?? crypto.randomUUID(),
      requestIdIsClients: clientsId !== undefined,
      source: bounded(c.req.raw.body),
      requestOf: (sha256) => {
        const { operation } = door;
        return { api: 1, type: "batch", operation, path, body: { sha256, ...query } };
      },
      parse: (file) => {
        const parsed = door.query.safeParse(query);
        if (!parsed.success) throw validationFailed(faultsOf(parsed.error, "/query"));
        return door.toInput(parsed.data, file, path);
      },
    });
    await showCreation(c, made);
    return next();
  });
}

/** What can be said of a file before it is read: size 413, then media type 415. @throws HttpProblem */
function requireFile(c: Context<ApiEnv>): void {
  if (Number(c.req.header("content-length") ?? 0) > IMPORT_BYTES_MAX) throw tooLarge();
  const mediaType = c.req.header("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (mediaType !== "application/x-ndjson")
    throw new HttpProblem(415, "media-type-unsupported", "Send the file as Content-Type: application/x-ndjson.");
  const encoding = c.req.header("content-encoding")?.trim().toLowerCase() ?? "identity";
  if (encoding !== "identity") {
    const detail = `Send the file as it is, not with Content-Encoding: ${encoding}.`;
    throw new HttpProblem(415, "media-type-unsupported", detail);
  }
}

/** @throws HttpProblem when more comes than may, or the body breaks off. */
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
