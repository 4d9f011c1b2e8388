import { findCollection, insertCollection, listCollections as listStored } from "../data/collection-store";
import type { Collection } from "../domain/collection";
import { newId } from "../domain/ids";
import type { Page, PageRequest } from "../domain/page";
import type { CallContext } from "./context";
import { gone, notFound } from "./errors";

export type CollectionDraft = Pick<Collection, "name" | "description" | "metadata">;

export async function createCollection(ctx: CallContext, draft: CollectionDraft): Promise<Collection> {
  const nowMs = ctx.clock.nowMs();
  const collection: Collection = {
    ...draft,
    id: newId("collection"),
    agentId: null,
    memoryCount: 0,
    vectors: [],
    version: 1,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    deletedAtMs: null,
  };
  await insertCollection(ctx.db, ctx.namespaceId, collection);
  return collection;
}

/** @throws ServiceError `collection-not-found`, `collection-deleted`. */
export async function getCollection(ctx: CallContext, id: string, includeDeleted = false): Promise<Collection> {
  const collection = await findCollection(ctx.db, ctx.namespaceId, id);
  if (collection === undefined) throw notFound("collection");
  if (collection.deletedAtMs !== null && !includeDeleted) throw gone("collection");
  return collection;
}

export function listCollections(
  ctx: CallContext,
  includeDeleted: boolean,
  page: PageRequest,
): Promise<Page<Collection>> {
  return listStored(ctx.db, ctx.namespaceId, includeDeleted, page);
}
