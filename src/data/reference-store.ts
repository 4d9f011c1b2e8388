import { and, eq, inArray, isNull } from "drizzle-orm";
import { type Agent, AGENT_COLLECTIONS_MAX } from "../domain/agent";
import type { Database } from "./database";
import { agentCollections, agents, collections } from "./schema";

export interface References {
  readonly agent: Agent | undefined;
  readonly source: CollectionReference | undefined;
  readonly target: CollectionReference | undefined;
  /** Bound to the agent and not deleted. */
  readonly boundCollectionIds: readonly string[];
}

export interface CollectionReference {
  readonly id: string;
  readonly memoryCount: number;
  readonly deletedAtMs: number | null;
}

/** All that a re-voicing refers to, deleted things too. One round trip. */
export async function findReferences(
  db: Database,
  namespaceId: string,
  ids: { readonly agentId: string; readonly sourceId: string; readonly targetId: string | null },
): Promise<References> {
  const [agentRows, collectionRows, bound] = await db.batch([
    db
      .select()
      .from(agents)
      .where(and(eq(agents.namespaceId, namespaceId), eq(agents.id, ids.agentId))),
    db
      .select({ id: collections.id, memoryCount: collections.memoryCount, deletedAtMs: collections.deletedAtMs })
      .from(collections)
      .where(
        and(
          eq(collections.namespaceId, namespaceId),
          inArray(collections.id, [ids.sourceId, ids.targetId ?? ids.sourceId]),
        ),
      ),
    db
      .select({ id: agentCollections.collectionId })
      .from(agentCollections)
      .innerJoin(collections, eq(collections.id, agentCollections.collectionId))
      .where(
        and(
          eq(agentCollections.namespaceId, namespaceId),
          eq(agentCollections.agentId, ids.agentId),
          isNull(collections.deletedAtMs),
        ),
      )
      .orderBy(agentCollections.collectionId)
      .limit(AGENT_COLLECTIONS_MAX),
  ]);
  return {
    agent: agentRows[0],
    source: collectionRows.find((row) => row.id === ids.sourceId),
    target: collectionRows.find((row) => row.id === ids.targetId),
    boundCollectionIds: bound.map((row) => row.id),
  };
}
