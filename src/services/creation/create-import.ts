import { errorText } from "../../domain/basics/error-text";
import { taskIdOf } from "../../domain/ids";
import type { RequestMaterial } from "../../domain/tasks/request";
import type { StoredFile } from "../../domain/tasks/operations";
import { deleteStagedFile, insertStagedFile } from "../../data/tasks/staged-file-store";
import type { Creation } from "./read-claim-answer";
import type { CallContext } from "../context";
import { createTask } from "./create-task";
import { ServiceError } from "../errors/errors";
import { newImportName } from "../tasks/task-files";
import type { TaskInput } from "../ports/task-input";

/** A longer file is refused, as soon as that is known. */
export const IMPORT_BYTES_MAX = 100 * 1_048_576;

export interface ImportCall {
  readonly requestId: string;
  readonly requestIdIsClients: boolean;
  readonly source: AsyncIterable<Uint8Array>;
  /** What is asked for, given the SHA-256 of the file in hex: part of the fingerprint. */
  readonly requestOf: (sha256: string) => RequestMaterial;
  /** @throws ServiceError the refusal of its form. */
  readonly parse: (file: StoredFile) => TaskInput;
}

/**
 * Stores a file, and then creates the task that imports it: what is answered stands. Each call stores a copy of its own,
 * which goes when another call made the task, or none did.
 * @throws as `createTask`; and what the source throws.
 */
export async function createImport(ctx: CallContext, call: ImportCall): Promise<Creation> {
  const { requestId, requestIdIsClients } = call;
  const taskId = await taskIdOf(ctx.namespaceId, requestId);
  const name = newImportName(taskId);
  // Noted first: whatever becomes of this call, the sweeper finds a file that no task has.
  await insertStagedFile(ctx.db, { name, namespaceId: ctx.namespaceId, taskId });
  const { sha256, bytes, lines } = await ctx.files.store(name, call.source);
  const file = { name, bytes, lines };
  try {
    const request = call.requestOf(sha256);
    const made = await createTask(ctx, { requestId, requestIdIsClients, request, parse: () => call.parse(file) });
    if (made.replayed && !hasFile(made, name)) await forget(ctx, name);
    return made;
  } catch (error) {
    // What is not certain may be claimed, with this very file.
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
