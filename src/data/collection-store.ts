import { and, eq, getTableColumns, isNull, sql } from "drizzle-orm";
import type { Collection } from "../domain/collection";
import { parseOwnJson } from "../domain/own-json";
import type { Page, PageRequest } from "../domain/page";
import type { Database } from "./database";
import { after, newestFirst, toPage } from "./page";
import { collections } from "./schema";

const { namespaceId: _namespaceId, ...columns } = getTableColumns(collections);
const vectors = sql<string>`(
  SELECT json_group_array(json_object('embedderId', embedder_id, 'dimensions', dimensions, 'storedIn', stored_in,
    'memories', memories))
  FROM collection_vectors WHERE collection_id = ${collections.id})`.mapWith({
  mapFromDriverValue: (json: string) => parseOwnJson<Collection["vectors"]>(json),
});

/** The columns that make a {@link Collection}. */
export const collectionColumns = { ...columns, vectors };

export async function insertCollection(db: Database, namespaceId: string, collection: Collection): Promise<void> {
  await db.insert(collections).values({ ...collection, namespaceId });
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
