import {
  type CollectionFilters,
  findCollection,
  findCollections,
  insertCollection,
  listCollections as listStored,
  type NewCollection,
  readSearchedCollections,
  updateCollection as updateStored,
} from "../../data/collections/collection-store";
import type { Collection } from "../../domain/collections/collection";
import type { Page, PageRequest } from "../../domain/page";
import type { CallContext } from "../context";
import type { Created } from "../basics/created";
import { type CreationRequest, makeOnce } from "../creation/made-once";
import { gone, notFound, ServiceError } from "../errors/errors";
import { type NounSearch, searchPage } from "../basics/name-search";
import { change, keepTrying, type VersionCondition } from "../optimistic-write";

export type CollectionDraft = Pick<Collection, "name" | "description" | "metadata">;

/**
 * Creates a collection; under a request id it is made once, and each repeat shows it as it is now.
 * @throws ServiceError of a repeat `request-id-reused`, `collection-deleted`, `request-id-retired`.
 */
export async function createCollection(
  ctx: CallContext,
  draft: CollectionDraft,
  request: CreationRequest | null,
): Promise<Created<Collection>> {
  const { db, namespaceId } = ctx;
  return keepTrying(ctx, busy, () =>
    makeOnce(ctx, "collection", request, {
      insert: async (id, claim) => {
        const collection: NewCollection = { ...draft, id, agentId: null, version: 1 };
        const { collection: made, request: row } = await insertCollection(db, namespaceId, collection, claim);
        return { made, request: row };
      },
      get: (id) => getCollection(ctx, id),
    }),
  );
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

/** The collections that fit, newest first. A page may hold fewer than asked for, and still have a next one. */
export function searchCollections(
  ctx: CallContext,
  search: NounSearch,
  filters: Pick<CollectionFilters, "agentId">,
  page: PageRequest,
): Promise<Page<Collection>> {
  return searchPage(search, page, {
    read: (looked, part) => readSearchedCollections(ctx.db, ctx.namespaceId, { ...filters, ...looked }, part),
    load: (ids) => findCollections(ctx.db, ctx.namespaceId, ids),
  });
}

/** @throws ServiceError `collection-not-found`, `collection-deleted`, `version-changed`. */
export function updateCollection(
  ctx: CallContext,
  id: string,
  patch: Partial<CollectionDraft>,
  condition: VersionCondition,
): Promise<Collection> {
  return changeCollection(ctx, {
    read: () => getCollection(ctx, id),
    condition,
    step: (collection) => ({ ...collection, ...patch }),
  });
}

/** Marks a collection as deleted: it keeps its memories and bindings, and can come back. @throws as the others. */
export function softDeleteCollection(ctx: CallContext, id: string): Promise<Collection> {
  return changeCollection(ctx, { read: () => getCollection(ctx, id), step: (live) => ({ ...live }), deleted: true });
}

/** Brings a deleted collection back; one that is not deleted stays as it is. @throws ServiceError `collection-not-found`. */
export function undeleteCollection(ctx: CallContext, id: string): Promise<Collection> {
  return changeCollection(ctx, {
    read: () => getCollection(ctx, id, true),
    step: (collection) => (collection.deletedAtMs === null ? collection : { ...collection }),
  });
}

interface CollectionChange {
  readonly read: () => Promise<Collection>;
  readonly condition?: VersionCondition;
  /** What is given back as it is writes nothing. */
  readonly step: (collection: Collection) => Collection;
  /** Marks the collection as deleted; else it is live afterwards. */
  readonly deleted?: boolean;
}

function changeCollection(
  ctx: CallContext,
  { read, condition = null, step, deleted = false }: CollectionChange,
): Promise<Collection> {
  return change(ctx, {
    noun: "collection",
    condition,
    read,
    step,
    write: (next, expectedVersion) => updateStored(ctx.db, ctx.namespaceId, next, { expectedVersion, deleted }),
    busy,
  });
}

function busy(): ServiceError {
  const detail = "Too many writers change this collection at once. Send it again.";
  return new ServiceError("unavailable", "collection-busy", detail);
}
