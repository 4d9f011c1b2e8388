import { errorText } from "../../domain/basics/error-text";
import { taskIdOf } from "../../domain/ids";
import type { StoredFile } from "../../domain/tasks/operations";
import { deleteStagedFile, insertStagedFile } from "../../data/tasks/staged-file-store";
import type { CallContext } from "../context";
import { type Creation, createTask, type CreateTaskInput } from "./create-task";
import { ServiceError } from "../errors/errors";
import { newImportName } from "../tasks/task-files";

/** A longer file is refused, as soon as that is known. */
export const IMPORT_BYTES_MAX = 100 * 1_048_576;

/** A file that was stored before it is certain that a task is made of it. */
export interface StagedImport {
  readonly file: StoredFile;
  /** Of its bytes, in hex: part of the fingerprint. */
  readonly sha256: string;
}

/**
 * Stores the file of an import: what is answered stands. Each call stores a copy of its own, because its digest is known
 * only when it was read.
 * @throws what the source throws.
 */
export async function stageImport(
  ctx: CallContext,
  requestId: string,
  source: AsyncIterable<Uint8Array>,
): Promise<StagedImport> {
  const taskId = await taskIdOf(ctx.namespaceId, requestId);
  const name = newImportName(taskId);
  // Noted first: whatever becomes of this call, the sweeper finds a file that no task has.
  await insertStagedFile(ctx.db, { name, namespaceId: ctx.namespaceId, taskId });
  const { sha256, bytes, lines } = await ctx.files.store(name, source);
  return { sha256, file: { name, bytes, lines } };
}

/**
 * Creates the task of a staged file, which goes when another call made the task, or none did.
 * @throws as `createTask`.
 */
export async function createImport(ctx: CallContext, staged: StagedImport, input: CreateTaskInput): Promise<Creation> {
  const { name } = staged.file;
  try {
    const made = await createTask(ctx, input);
    if (made.replayed && !hasFile(made, name)) await forget(ctx, name);
    return made;
  } catch (error) {
    // What is not certain may be made still, with this very file.
    if (error instanceof ServiceError && error.value.kind !== "unavailable") await forget(ctx, name);
    throw error;
  }
}

function hasFile({ task: { command } }: Creation, name: string): boolean {
  return command?.operation === "import" && command.file.name === name;
}

async function forget(ctx: CallContext, name: string): Promise<void> {
  try {
    await ctx.files.removeAll(name);
    await deleteStagedFile(ctx.db, ctx.namespaceId, name);
  } catch (error) {
    // The sweeper comes by.
    ctx.log("warn", "file-not-removed", { name, error: errorText(error) });
  }
}
