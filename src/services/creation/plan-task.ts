import type { References } from "../../data/requests/creation-read-store";
import type { CreationEntry } from "../../data/requests/creation-write-store";
import { notFound } from "../errors/errors";
import { valueOf } from "../errors/outcome";
import { type ReferredIds, workOf } from "../operations/table";
import type { CalledBulk, CreationCall } from "../ports/task-requests";
import type { TaskInput } from "../ports/task-input";

/** The ids of what it refers to. */
export function idsOf({ work }: TaskInput): ReferredIds {
  return work === null ? { agentIds: [], collectionIds: [] } : workOf(work.operation).referencesOf(work);
}

/** Checks what is referred to, and freezes what the task will do. @throws ServiceError the refusal. */
export async function planCommand(
  task: { readonly id: string; readonly namespaceId: string },
  { work }: TaskInput,
  references: References,
) {
  return work === null ? null : workOf(work.operation).resolve(task, work, references);
}

/**
 * What an accepted call writes. Its guard names all that was looked at, by its revision.
 * @param reservedRequestId of a fill: the request id of the reservation.
 * @throws ServiceError the refusal: of its form, or of what it refers to.
 */
export async function planEntry(
  call: CreationCall & { readonly bulk: CalledBulk | null },
  references: References,
  reservedRequestId: string | undefined,
): Promise<CreationEntry> {
  const { door, callId, deadlineMs, fingerprint, material, taskId: id, namespaceId, keyId, type, bulk } = call;
  const input = valueOf(call.wanted);
  const requestId = call.requestId ?? reservedRequestId;
  if (requestId === undefined) throw notFound("task");
  const command = await planCommand({ id, namespaceId }, input, references);
  const { agentIds, collectionIds } = idsOf(input);
  return {
    claim: {
      door,
      callId,
      deadlineMs,
      fingerprint,
      material,
      subject: input.subject ?? null,
      agents: agentIds.flatMap((agentId) => revisionOf(references.findAgent(namespaceId, agentId))),
      collections: collectionIds.flatMap((each) => revisionOf(references.findCollection(namespaceId, each))),
      stagedFile: command?.operation === "import" ? command.file.name : null,
      bulkId: bulk?.id ?? null,
      bulkFingerprint: bulk?.fingerprint ?? null,
    },
    task: {
      ...input.labels,
      id,
      namespaceId,
      requestId,
      keyId,
      type,
      operation: command?.operation ?? null,
      command,
      webhook: input.webhook ?? null,
    },
  };
}

function revisionOf(found: { readonly id: string; readonly revision: number } | undefined) {
  return found === undefined ? [] : [{ id: found.id, revision: found.revision }];
}
