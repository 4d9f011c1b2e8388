import { and, eq, isNull, sql } from "drizzle-orm";
import { AGENT_COLLECTIONS_MAX } from "../../domain/agents/agent";
import type { Collection } from "../../domain/collections/collection";
import type { Page, PageRequest } from "../../domain/page";
import { collectionColumns } from "../collections/collection-store";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { after, newestFirst, toPage } from "../database/page";
import { agentCollections, collections } from "../schema/core";

/**
 * Binds a live collection to a live agent that has room for it.
 * @returns false when nothing was written: it is bound already, or one of the two is not there, or there is no room.
 */
export async function insertBinding(
  db: Database,
  namespaceId: string,
  agentId: string,
  collectionId: string,
): Promise<boolean> {
  const rows = await db.all<{ id: string }>(sql`
    INSERT INTO agent_collections (agent_id, collection_id, namespace_id, created_at_ms)
    SELECT agents.id, collections.id, agents.namespace_id, ${nowMs(db)}
    FROM agents JOIN collections ON collections.namespace_id = agents.namespace_id
    WHERE agents.id = ${agentId} AND agents.namespace_id = ${namespaceId} AND agents.deleted_at_ms IS NULL
      AND collections.id = ${collectionId} AND collections.deleted_at_ms IS NULL
      AND (SELECT count(*) FROM agent_collections WHERE agent_id = ${agentId}) < ${AGENT_COLLECTIONS_MAX}
    ON CONFLICT (agent_id, collection_id) DO NOTHING
    RETURNING collection_id AS id`);
  return rows.length === 1;
}

export async function isBound(
  db: Database,
  namespaceId: string,
  agentId: string,
  collectionId: string,
): Promise<boolean> {
  const rows = await db
    .select({ id: agentCollections.agentId })
    .from(agentCollections)
    .where(binding(namespaceId, agentId, collectionId));
  return rows.length === 1;
}

export async function removeBinding(
  db: Database,
  namespaceId: string,
  agentId: string,
  collectionId: string,
): Promise<void> {
  await db.delete(agentCollections).where(binding(namespaceId, agentId, collectionId));
}

/** The live collections that an agent is bound to. */
export async function listBoundCollections(
  db: Database,
  namespaceId: string,
  agentId: string,
  request: PageRequest,
): Promise<Page<Collection>> {
  const rows = await db
    .select(collectionColumns)
    .from(agentCollections)
    .innerJoin(collections, eq(collections.id, agentCollections.collectionId))
    .where(
      and(
        eq(agentCollections.namespaceId, namespaceId),
        eq(agentCollections.agentId, agentId),
        isNull(collections.deletedAtMs),
        after(request.after, collections.createdAtMs, collections.id),
      ),
    )
    .orderBy(...newestFirst(collections.createdAtMs, collections.id))
    .limit(request.limit + 1);
  return toPage(rows, request);
}

/** The same, all at once: there are at most AGENT_COLLECTIONS_MAX. In the order of their ids. */
export async function listAllBoundCollections(
  db: Database,
  namespaceId: string,
  agentId: string,
): Promise<readonly Collection[]> {
  return db
    .select(collectionColumns)
    .from(agentCollections)
    .innerJoin(collections, eq(collections.id, agentCollections.collectionId))
    .where(
      and(
        eq(agentCollections.namespaceId, namespaceId),
        eq(agentCollections.agentId, agentId),
        isNull(collections.deletedAtMs),
      ),
    )
    .orderBy(agentCollections.collectionId)
    .limit(AGENT_COLLECTIONS_MAX);
}

function binding(namespaceId: string, agentId: string, collectionId: string) {
  return and(
    eq(agentCollections.namespaceId, namespaceId),
    eq(agentCollections.agentId, agentId),
    eq(agentCollections.collectionId, collectionId),
  );
}
