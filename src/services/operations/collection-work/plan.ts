import type { References } from "../../../data/requests/creation-read-store";
import type { CollectionCommand, ImportCommand } from "../../../domain/tasks/operations";
import { gone, notFound } from "../../errors/errors";
import type { CollectionInput, ImportInput } from "../../ports/task-input";

type Whole = "export" | "analyze" | "rebuild";

/** The collection that the work is about is read for its plan. */
export function collectionOf({ collectionId }: { readonly collectionId: string }) {
  return { agentIds: [], collectionIds: [collectionId] };
}

/** @throws ServiceError `collection-not-found`, `collection-deleted`. */
export function planWhole<O extends Whole>(
  namespaceId: string,
  { operation, collectionId, pointer }: CollectionInput<O>,
  references: References,
): CollectionCommand<O> {
  requireLive(references, namespaceId, collectionId, pointer);
  return { operation, collectionId };
}

/** @throws ServiceError as of {@link planWhole}. */
export function planImport(
  namespaceId: string,
  { collectionId, file, onLineError }: ImportInput,
  references: References,
): ImportCommand {
  requireLive(references, namespaceId, collectionId, null);
  return { operation: "import", collectionId, file, onLineError };
}

function requireLive(references: References, namespaceId: string, id: string, pointer: string | null): void {
  const collection = references.findCollection(namespaceId, id);
  if (collection === undefined) throw notFound("collection", pointer);
  if (collection.deletedAtMs !== null) throw gone("collection", pointer);
}
