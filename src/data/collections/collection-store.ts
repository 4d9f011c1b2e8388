import { and, count, eq, getTableColumns, inArray, isNull, sql } from "drizzle-orm";
import type { Collection } from "../../domain/collections/collection";
import type { StandingRequest } from "../../domain/requests/request";
import { parseOwnJson } from "../../domain/basics/own-json";
import type { Page, PageRequest } from "../../domain/page";
import { claimRequest, type DirectClaim, isClaimedBy, selectRequest } from "../requests/request-store";
import type { Database } from "../database/database";
import { type NounFilters, searchedColumns, whereOf } from "../database/name-search";
import { nowMs } from "../database/now";
import { after, newestFirst, toPage } from "../database/page";
import { rowWhere } from "../database/row-where";
import { agentCollections, collections, memories } from "../schema/core";

const { namespaceId: _namespaceId, revision: _revision, ...columns } = getTableColumns(collections);
const vectors = sql<string>`(
  SELECT json_group_array(json_object('embedderId', embedder_id, 'dimensions', dimensions, 'storedIn', stored_in,
    'memories', memories))
  FROM collection_vectors WHERE collection_id = ${collections.id})`.mapWith({
  mapFromDriverValue: (json: string) => parseOwnJson<Collection["vectors"]>(json),
});

/** The columns that make a {@link Collection}. */
export const collectionColumns = { ...columns, vectors };

/** A live collection before it has its times, which are the database's, and anything in it. */
export type NewCollection = Omit<Collection, "memoryCount" | "vectors" | "createdAtMs" | "updatedAtMs" | "deletedAtMs">;

/** What stands after the call that was to make a collection. */
export interface InsertedCollection {
  /** As this call made it; undefined when the request id was used. */
  readonly collection: Collection | undefined;
  /** The row of the request id, where there is one. */
  readonly request: StandingRequest | undefined;
}

/** Makes a collection. With a request id as an agent is made. */
export async function insertCollection(
  db: Database,
  namespaceId: string,
  collection: NewCollection,
  claim: DirectClaim | null,
): Promise<InsertedCollection> {
  const mayMake = claim === null ? sql`TRUE` : isClaimedBy(claim);
  const insert = db
    .insert(collections)
    .select(rowWhere(db, collections, { ...collection, namespaceId, memoryCount: 0, revision: 1 }, mayMake))
    .onConflictDoNothing()
    .returning(collectionColumns);
  if (claim === null) return { collection: (await insert)[0], request: undefined };
  const [, [made], [request]] = await db.batch([
    claimRequest(db, claim),
    insert,
    selectRequest(db, namespaceId, claim.id),
  ]);
  return { collection: made, request };
}

/** Finds deleted collections too: `deletedAtMs` tells. */
export async function findCollection(db: Database, namespaceId: string, id: string): Promise<Collection | undefined> {
  const [row] = await db
    .select(collectionColumns)
    .from(collections)
    .where(and(eq(collections.namespaceId, namespaceId), eq(collections.id, id)));
  return row;
}

export async function listCollections(
  db: Database,
  namespaceId: string,
  includeDeleted: boolean,
  request: PageRequest,
): Promise<Page<Collection>> {
  const rows = await db
    .select(collectionColumns)
    .from(collections)
    .where(
      and(
        eq(collections.namespaceId, namespaceId),
        includeDeleted ? undefined : isNull(collections.deletedAtMs),
        after(request.after, collections.createdAtMs, collections.id),
      ),
    )
    .orderBy(...newestFirst(collections.createdAtMs, collections.id))
    .limit(request.limit + 1);
  return toPage(rows, request);
}

/** Which collections a search looks at, besides what it looks for. */
export interface CollectionFilters extends NounFilters {
  /** The owner; null for collections that have none. */
  readonly agentId?: string | null;
}

/** What a search looks at of collections, newest first. Walks the list of the namespace. */
export function readSearchedCollections(
  db: Database,
  namespaceId: string,
  filters: CollectionFilters,
  request: PageRequest,
) {
  const { agentId } = filters;
  const owner = agentId === null ? isNull(collections.agentId) : eq(collections.agentId, agentId ?? "");
  return db
    .select(searchedColumns(collections, filters))
    .from(collections)
    .where(
      and(
        whereOf(collections, namespaceId, filters),
        agentId === undefined ? undefined : owner,
        after(request.after, collections.createdAtMs, collections.id),
      ),
    )
    .orderBy(...newestFirst(collections.createdAtMs, collections.id))
    .limit(request.limit);
}

export function findCollections(db: Database, namespaceId: string, ids: readonly string[]): Promise<Collection[]> {
  return db
    .select(collectionColumns)
    .from(collections)
    .where(
      and(
        eq(collections.namespaceId, namespaceId),
        inArray(collections.id, sql`(SELECT value FROM json_each(${JSON.stringify(ids)}))`),
      ),
    );
}

/**
 * Writes what a client says of a collection, if it still has `expectedVersion`.
 * @param deleted whether it is marked as deleted afterwards, or live.
 * @returns the collection as it is then, or undefined when nothing was written.
 */
export async function updateCollection(
  db: Database,
  namespaceId: string,
  collection: Collection,
  { expectedVersion, deleted }: { readonly expectedVersion: number; readonly deleted: boolean },
): Promise<Collection | undefined> {
  // Not its count and its owner: they change without a new version, and may have changed since it was read.
  const { name, description, metadata, version } = collection;
  const times = { updatedAtMs: nowMs(db), deletedAtMs: deleted ? nowMs(db) : null };
  const [row] = await db
    .update(collections)
    .set({ name, description, metadata, version, ...times })
    .where(
      and(
        eq(collections.namespaceId, namespaceId),
        eq(collections.id, collection.id),
        eq(collections.version, expectedVersion),
      ),
    )
    .returning(collectionColumns);
  return row;
}

/** What hangs on a collection. */
export interface CollectionTies {
  /** Its memories, those that were deleted softly among them. */
  readonly memories: number;
  /** Bindings to agents. */
  readonly bindings: number;
}

/** Its memories are counted by their index, without being read. */
export async function countCollectionTies(db: Database, namespaceId: string, id: string): Promise<CollectionTies> {
  const [memoryRows, bindingRows] = await db.batch([
    db.select({ count: count() }).from(memories).where(eq(memories.collectionId, id)),
    db
      .select({ count: count() })
      .from(agentCollections)
      .where(and(eq(agentCollections.namespaceId, namespaceId), eq(agentCollections.collectionId, id))),
  ]);
  return { memories: memoryRows[0]?.count ?? 0, bindings: bindingRows[0]?.count ?? 0 };
}
