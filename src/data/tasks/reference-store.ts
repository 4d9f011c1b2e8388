import { getTableColumns } from "drizzle-orm";
import type { Agent } from "../../domain/agents/agent";
import { ID_CHARACTERS_MAX } from "../../domain/ids";
import type { Task } from "../../domain/tasks/task";
import type { Database } from "../database/database";
import { FixedSelect, type UnionRow } from "../database/fixed-select";
import { agentCollections, agents, collections } from "../schema/core";
import { taskTerms, type TaskRow, toTask } from "./task-row";

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
  const agentIds = JSON.stringify(pairs(wanted, ({ agentIds }) => agentIds));
  const collectionIds = JSON.stringify(pairs(wanted, ({ collectionIds }) => collectionIds));
  const statement = db.$client.prepare(FOR_CREATION);
  const { results } = await statement
    .bind(JSON.stringify(tasksOf(wanted)), agentIds, collectionIds, agentIds)
    .all<UnionRow>();
  const bound = Map.groupBy(BOUND.rowsOfUnion("bound", results), ({ agentId }) => agentId);
  const agentsById = byId(AGENTS.rowsOfUnion("agents", results));
  const collectionsById = byId(COLLECTIONS.rowsOfUnion("collections", results));
  return {
    tasks: byId(TASKS.rowsOfUnion("tasks", results).map(toTask)),
    findAgent: (namespaceId, id) => inNamespace(agentsById.get(id), namespaceId),
    findCollection: (namespaceId, id) => inNamespace(collectionsById.get(id), namespaceId),
    boundCollectionIds: new Map([...bound].map(([id, rows]) => [id, rows.map((row) => row.collectionId).toSorted()])),
  };
}

/** The tasks that there are of these, by id. */
export async function findTasks(
  db: Database,
  wanted: readonly Pick<WantedIds, "namespaceId" | "taskId">[],
): Promise<ReadonlyMap<string, Task>> {
  const result = await TASKS.statement(db, JSON.stringify(tasksOf(wanted))).all();
  return byId(TASKS.rowsOf(result).map(toTask));
}

interface WantedId {
  readonly namespaceId: string;
  readonly id: string;
}

function tasksOf(wanted: readonly Pick<WantedIds, "namespaceId" | "taskId">[]): readonly WantedId[] {
  return unique(wanted.map(({ namespaceId, taskId }) => ({ namespaceId, id: taskId })));
}

/** As one value, so that the statement is the same for any number: D1 takes 100 values at most. */
function wantedIn(table: "tasks" | "agents" | "collections"): string {
  return `from "${table}" JOIN json_each(?) AS wanted
    ON "${table}"."id" = wanted.value ->> 'id' AND "${table}"."namespace_id" = wanted.value ->> 'namespaceId'`;
}

const TASKS = new FixedSelect<TaskRow>(taskTerms, wantedIn("tasks"));
const AGENTS = new FixedSelect<Agent & { readonly namespaceId: string }>(getTableColumns(agents), wantedIn("agents"));
const COLLECTIONS = new FixedSelect<CollectionReference & { readonly namespaceId: string }>(
  {
    id: collections.id,
    namespaceId: collections.namespaceId,
    memoryCount: collections.memoryCount,
    deletedAtMs: collections.deletedAtMs,
  },
  wantedIn("collections"),
);
const BOUND = new FixedSelect<{ readonly agentId: string; readonly collectionId: string }>(
  { agentId: agentCollections.agentId, collectionId: agentCollections.collectionId },
  `from "agent_collections" JOIN json_each(?) AS wanted
    ON "agent_collections"."agent_id" = wanted.value ->> 'id'
      AND "agent_collections"."namespace_id" = wanted.value ->> 'namespaceId'
    JOIN "collections" ON "collections"."id" = "agent_collections"."collection_id"
    WHERE "collections"."deleted_at_ms" IS NULL`,
);
const FOR_CREATION = FixedSelect.union({ tasks: TASKS, agents: AGENTS, collections: COLLECTIONS, bound: BOUND });

/** Ids that are longer than any of ours are left out: many gathered claims share one value of bounded size. */
function pairs(wanted: readonly WantedIds[], idsOf: (wanted: WantedIds) => readonly string[]): readonly WantedId[] {
  const known = (each: WantedIds) => idsOf(each).filter((id) => id.length <= ID_CHARACTERS_MAX);
  return unique(wanted.flatMap((each) => known(each).map((id) => ({ namespaceId: each.namespaceId, id }))));
}

/** Each once, or a row would be found as often as it is named. */
function unique(pairs: readonly WantedId[]): readonly WantedId[] {
  return [...new Map(pairs.map((pair) => [`${pair.namespaceId} ${pair.id}`, pair])).values()];
}

function inNamespace<T extends { readonly namespaceId: string }>(row: T | undefined, namespaceId: string) {
  return row?.namespaceId === namespaceId ? row : undefined;
}

function byId<T extends { readonly id: string }>(rows: readonly T[]): ReadonlyMap<string, T> {
  return new Map(rows.map((row) => [row.id, row]));
}
