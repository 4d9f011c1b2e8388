import { and, eq, isNull, sql } from "drizzle-orm";
import type { Agent } from "../domain/agent";
import type { Task } from "../domain/task";
import type { Database } from "./database";
import { agentCollections, agents, collections, tasks } from "./schema";
import { taskColumns, toTask } from "./task-row";

export interface CollectionReference {
  readonly id: string;
  readonly memoryCount: number;
  readonly deletedAtMs: number | null;
}

/** What creations refer to, deleted things too, by id. */
export interface References {
  readonly agents: ReadonlyMap<string, Agent>;
  readonly collections: ReadonlyMap<string, CollectionReference>;
  /** Collections that are bound to an agent and not deleted, in the order of their ids. */
  readonly boundCollectionIds: ReadonlyMap<string, readonly string[]>;
}

export interface CreationIds {
  readonly taskIds: readonly string[];
  readonly agentIds: readonly string[];
  readonly collectionIds: readonly string[];
}

/** The rows of tasks that are there already, and all that new ones refer to. One round trip, however many they are. */
export async function findForCreation(
  db: Database,
  namespaceId: string,
  ids: CreationIds,
): Promise<References & { readonly tasks: ReadonlyMap<string, Task> }> {
  const [taskRows, agentRows, collectionRows, bound] = await db.batch([
    db
      .select(taskColumns)
      .from(tasks)
      .where(and(eq(tasks.namespaceId, namespaceId), isOneOf(tasks.id, ids.taskIds))),
    db
      .select()
      .from(agents)
      .where(and(eq(agents.namespaceId, namespaceId), isOneOf(agents.id, ids.agentIds))),
    db
      .select({ id: collections.id, memoryCount: collections.memoryCount, deletedAtMs: collections.deletedAtMs })
      .from(collections)
      .where(and(eq(collections.namespaceId, namespaceId), isOneOf(collections.id, ids.collectionIds))),
    db
      .select({ agentId: agentCollections.agentId, collectionId: agentCollections.collectionId })
      .from(agentCollections)
      .innerJoin(collections, eq(collections.id, agentCollections.collectionId))
      .where(
        and(
          eq(agentCollections.namespaceId, namespaceId),
          isOneOf(agentCollections.agentId, ids.agentIds),
          isNull(collections.deletedAtMs),
        ),
      )
      .orderBy(agentCollections.agentId, agentCollections.collectionId),
  ]);
  const boundOf = Map.groupBy(bound, ({ agentId }) => agentId);
  return {
    tasks: byId(taskRows.map(toTask)),
    agents: byId(agentRows),
    collections: byId(collectionRows),
    boundCollectionIds: new Map([...boundOf].map(([id, rows]) => [id, rows.map((row) => row.collectionId)])),
  };
}

/** As one value, so that the statement is the same for any number: D1 takes 100 values at most. */
function isOneOf(
  column: typeof tasks.id | typeof agents.id | typeof collections.id | typeof agentCollections.agentId,
  ids: readonly string[],
) {
  return sql`${column} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`;
}

function byId<T extends { readonly id: string }>(rows: readonly T[]): ReadonlyMap<string, T> {
  return new Map(rows.map((row) => [row.id, row]));
}
