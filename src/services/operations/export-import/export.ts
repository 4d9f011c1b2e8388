import { findCollection } from "../../../data/collections/collection-store";
import type { ExportTally, TaskCursor } from "../../../domain/tasks/operations";
import { getCollection } from "../../collections/collections";
import type { CallContext, Services } from "../../context";
import { type Step, workByCursor } from "../../parts/cursor-work";
import { ServiceError } from "../../errors/errors";
import { exportPieceName } from "../../tasks/task-files";
import { nextMemories } from "../collection-work/memory-pages";
import { type PartRun, referenceGone, type RunServices, type TurnOutcome } from "../../parts/part-work";
import { getTask } from "../../tasks/tasks";

/** A piece of the file ends when it has so many bytes, or so many reads of memories. */
const PIECE_BYTES_MIN = 4 * 1_048_576;
const PIECE_READS_MAX = 10;

/** Writes a collection to a file, piece by piece. A piece is part of it once the cursor names it. */
export function exportPart(services: RunServices, run: PartRun<"export">): Promise<TurnOutcome> {
  return workByCursor(services, run, (cursor) => takePiece(services, run, cursor));
}

async function takePiece(
  services: Services,
  { command, lease }: PartRun<"export">,
  { at, result }: TaskCursor<"export">,
): Promise<Step<"export">> {
  const { namespaceId, taskId, token } = lease.part;
  const head = at === null ? await headOf(services, namespaceId, command.collectionId) : "";
  const lines = [head];
  let [characters, memories, after, last] = [head.length, 0, at, false];
  for (let reads = 0; reads < PIECE_READS_MAX && characters < PIECE_BYTES_MIN && !last; reads++) {
    const page = await nextMemories(services, namespaceId, command.collectionId, after);
    const text = page.memories.map((memory) => services.memoryFormat.memoryLine(memory)).join("");
    lines.push(text);
    characters += text.length;
    memories += page.memories.length;
    ({ after, last } = page);
  }
  const bytes = new TextEncoder().encode(lines.join(""));
  const name = exportPieceName(taskId, result.pieces.length, token);
  if (bytes.byteLength > 0) await services.files.write(name, bytes);
  const exported: ExportTally = {
    collectionId: command.collectionId,
    memories: result.memories + memories,
    bytes: result.bytes + bytes.byteLength,
    pieces: bytes.byteLength > 0 ? [...result.pieces, name] : result.pieces,
  };
  return { at: after, result: exported, done: exported.memories, failed: 0, last };
}

async function headOf(services: Services, namespaceId: string, collectionId: string): Promise<string> {
  const collection = await findCollection(services.db, namespaceId, collectionId);
  if (collection === undefined) throw referenceGone();
  return services.memoryFormat.collectionLine(collection);
}

/**
 * The file of an export, as it was written. Its pieces are opened one after the other, as they are read.
 * @throws ServiceError `task-not-found`, `task-deleted`, `file-not-found`, `file-gone`.
 */
export async function openExport(ctx: CallContext, taskId: string): Promise<ReadableStream<Uint8Array>> {
  const { result, status } = await getTask(ctx, taskId);
  if (result?.operation !== "export" || status !== "complete") throw noFile();
  const [first] = result.pieces;
  if (first === undefined || !(await ctx.files.has(first))) throw fileGone();
  return streamOf(piecesOf(ctx, result.pieces));
}

async function* piecesOf(ctx: CallContext, names: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const name of names) {
    const piece = await ctx.files.open(name);
    if (piece === undefined) throw fileGone();
    yield* piece;
  }
}

/** A stream that reads nothing before it is read, and no more once its reader has left. */
export function streamOf(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => void (await chunks.return(undefined)),
    },
    { highWaterMark: 0 },
  );
}

function noFile(): ServiceError {
  const detail = "This task has no file: only an export has one, once it is complete.";
  return new ServiceError("not-found", "file-not-found", detail);
}

function fileGone(): ServiceError {
  const detail = "The file of this export is no longer kept. Export the collection again.";
  return new ServiceError("gone", "file-gone", detail);
}

/**
 * The memories of a collection as a file that is made while it is read, of whatever size. A collection that is deleted
 * meanwhile breaks it off, so that nobody takes a part for the whole.
 * @throws ServiceError `collection-not-found`, `collection-deleted`.
 */
export async function streamExport(ctx: CallContext, collectionId: string): Promise<ReadableStream<Uint8Array>> {
  const collection = await getCollection(ctx, collectionId);
  return streamOf(linesOf(ctx, collectionId, ctx.memoryFormat.collectionLine(collection)));
}

async function* linesOf(ctx: CallContext, collectionId: string, head: string): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  yield encoder.encode(head);
  for (let after = null, last = false; !last;) {
    const page = await nextMemories(ctx, ctx.namespaceId, collectionId, after);
    if (page.memories.length > 0)
      yield encoder.encode(page.memories.map((memory) => ctx.memoryFormat.memoryLine(memory)).join(""));
    ({ after, last } = page);
  }
}
