import { eq, getTableColumns, isNull, sql } from "drizzle-orm";
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

/** What creations refer to, deleted things too. What belongs to another namespace is not found. */
export interface References {
  findAgent(namespaceId: string, id: string): Agent | undefined;
  findCollection(namespaceId: string, id: string): CollectionReference | undefined;
  /** Collections that are bound to an agent and not deleted, in the order of their ids. */
  readonly boundCollectionIds: ReadonlyMap<string, readonly string[]>;
}

export interface WantedIds {
  readonly namespaceId: string;
  readonly taskId: string;
  readonly agentIds: readonly string[];
  readonly collectionIds: readonly string[];
}

/** The rows of tasks that are there already, and all that new ones refer to. One round trip, however many they are. */
export async function findForCreation(
  db: Database,
  wanted: readonly WantedIds[],
): Promise<References & { readonly tasks: ReadonlyMap<string, Task> }> {
  const agentIds = pairs(wanted, ({ agentIds }) => agentIds);
  const collectionIds = pairs(wanted, ({ collectionIds }) => collectionIds);
  const [taskRows, agentRows, collectionRows, boundRows] = await db.batch([
    selectTasks(db, wanted),
    db.select(getTableColumns(agents)).from(agents).innerJoin(wantedIn(agentIds), isWanted(agents)),
    db
      .select({ ...collectionColumns, namespaceId: collections.namespaceId })
      .from(collections)
      .innerJoin(wantedIn(collectionIds), isWanted(collections)),
    db
      .select({ agentId: agentCollections.agentId, collectionId: agentCollections.collectionId })
      .from(agentCollections)
      .innerJoin(
        wantedIn(agentIds),
        sql`${agentCollections.agentId} = wanted.value ->> 'id'
        AND ${agentCollections.namespaceId} = wanted.value ->> 'namespaceId'`,
      )
      .innerJoin(collections, eq(collections.id, agentCollections.collectionId))
      .where(isNull(collections.deletedAtMs))
      .orderBy(agentCollections.agentId, agentCollections.collectionId),
  ]);
  const bound = Map.groupBy(boundRows, ({ agentId }) => agentId);
  const [agentsById, collectionsById] = [byId(agentRows), byId(collectionRows)];
  return {
    tasks: byId(taskRows.map(toTask)),
    findAgent: (namespaceId, id) => inNamespace(agentsById.get(id), namespaceId),
    findCollection: (namespaceId, id) => inNamespace(collectionsById.get(id), namespaceId),
    boundCollectionIds: new Map([...bound].map(([id, rows]) => [id, rows.map((row) => row.collectionId)])),
  };
}

/** The tasks that there are of these, by id. */
export async function findTasks(
  db: Database,
  wanted: readonly Pick<WantedIds, "namespaceId" | "taskId">[],
): Promise<ReadonlyMap<string, Task>> {
  return byId((await selectTasks(db, wanted)).map(toTask));
}

const collectionColumns = {
  id: collections.id,
  memoryCount: collections.memoryCount,
  deletedAtMs: collections.deletedAtMs,
};

function selectTasks(db: Database, wanted: readonly Pick<WantedIds, "namespaceId" | "taskId">[]) {
  const ids = wanted.map(({ namespaceId, taskId }) => ({ namespaceId, id: taskId }));
  return db.select(taskColumns).from(tasks).innerJoin(wantedIn(ids), isWanted(tasks));
}

interface WantedId {
  readonly namespaceId: string;
  readonly id: string;
}

/** As one value, so that the statement is the same for any number: D1 takes 100 values at most. */
function wantedIn(ids: readonly WantedId[]) {
  return sql`json_each(${JSON.stringify(ids)}) AS wanted`;
}

function isWanted(table: typeof tasks | typeof agents | typeof collections) {
  return sql`${table.id} = wanted.value ->> 'id' AND ${table.namespaceId} = wanted.value ->> 'namespaceId'`;
}

/** Each once, or a row would be found as often as it is named. */
function pairs(wanted: readonly WantedIds[], idsOf: (wanted: WantedIds) => readonly string[]): readonly WantedId[] {
  const all = wanted.flatMap((each) => idsOf(each).map((id) => ({ namespaceId: each.namespaceId, id })));
  return [...new Map(all.map((pair) => [`${pair.namespaceId} ${pair.id}`, pair])).values()];
}

function inNamespace<T extends { readonly namespaceId: string }>(row: T | undefined, namespaceId: string) {
  return row?.namespaceId === namespaceId ? row : undefined;
}

function byId<T extends { readonly id: string }>(rows: readonly T[]): ReadonlyMap<string, T> {
  return new Map(rows.map((row) => [row.id, row]));
}
