import { getTableColumns } from "drizzle-orm";
import type { Agent } from "../../domain/agents/agent";
import { ID_CHARACTERS_MAX } from "../../domain/ids";
import type { StandingRequest } from "../../domain/requests/request";
import type { Task } from "../../domain/tasks/task";
import type { Database } from "../database/database";
import { FixedSelect, type UnionRow } from "../database/fixed-select";
import { NOW_WITH_OFFSET, nowOffset } from "../database/now";
import { agents, collections } from "../schema/core";
import { taskTerms, type TaskRow, toTask } from "../parts/task-row";
import { requestTerms } from "./request-row";

/** Changes with everything that a creation has to notice; memories that come and go do not count. */
interface Revised {
  readonly revision: number;
}

export interface AgentReference extends Agent, Revised {
  readonly namespaceId: string;
  /** Collections that are bound to it and not deleted, as a JSON array in no order. */
  readonly boundIds: string;
}

export interface CollectionReference extends Revised {
  readonly id: string;
  readonly namespaceId: string;
  readonly memoryCount: number;
  readonly deletedAtMs: number | null;
}

/** What creations refer to, deleted things too. What belongs to another namespace is not found. */
export interface References {
  findAgent(namespaceId: string, id: string): AgentReference | undefined;
  findCollection(namespaceId: string, id: string): CollectionReference | undefined;
}

/** The rows of request ids as they stand, at one time. */
export interface Standing {
  readonly requests: ReadonlyMap<string, StandingRequest>;
  readonly tasks: ReadonlyMap<string, Task>;
  /** By the database's clock. */
  readonly readAtMs: number;
}

interface WantedId {
  readonly namespaceId: string;
  readonly id: string;
}

export interface WantedIds {
  /** Requests, and the tasks of the same ids. */
  readonly requests: readonly WantedId[];
  readonly agents: readonly WantedId[];
  readonly collections: readonly WantedId[];
  /** The namespaces whose held ids are to be counted. */
  readonly heldIn: readonly string[];
}

/** What stood when a creation was looked at, and all that it refers to. */
export interface ReadForCreation extends Standing {
  readonly references: References & {
    readonly agents: readonly AgentReference[];
    readonly collections: readonly CollectionReference[];
  };
  /** Ids that a namespace holds without work behind them. */
  heldBy(namespaceId: string): number;
}

/** One statement, so one snapshot: what stands and what is referred to are of one time. */
export async function readForCreation(db: Database, wanted: WantedIds): Promise<ReadForCreation> {
  const requestIds = JSON.stringify(known(wanted.requests));
  const offset = nowOffset(db);
  const { results } = await db.$client
    .prepare(FOR_CREATION)
    .bind(
      requestIds,
      requestIds,
      JSON.stringify(known(wanted.agents)),
      JSON.stringify(known(wanted.collections)),
      offset,
      offset,
      JSON.stringify([...new Set(["", ...wanted.heldIn])]),
    )
    .all<UnionRow>();
  const found = {
    agents: AGENTS.rowsOfUnion("agents", results),
    collections: COLLECTIONS.rowsOfUnion("collections", results),
  };
  const [agentsById, collectionsById] = [byId(found.agents), byId(found.collections)];
  const held = new Map(CLOCK_AND_HELD.rowsOfUnion("clock", results).map((row) => [row.namespaceId, Number(row.count)]));
  return {
    ...standingOf(results),
    references: {
      ...found,
      findAgent: (namespaceId, id) => inNamespace(agentsById.get(id), namespaceId),
      findCollection: (namespaceId, id) => inNamespace(collectionsById.get(id), namespaceId),
    },
    heldBy: (namespaceId) => held.get(namespaceId) ?? 0,
  };
}

/** The statement behind {@link readStanding}, for a batch. */
export function selectStanding(db: Database, wanted: readonly WantedId[]): D1PreparedStatement {
  const ids = JSON.stringify(known(wanted));
  return db.$client.prepare(STANDING).bind(ids, ids, nowOffset(db));
}

/** @param results of {@link selectStanding}. */
export function toStanding(result: D1Result | undefined): Standing {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the rows that the statement selects
  return standingOf((result?.results ?? []) as UnionRow[]);
}

/** The rows of request ids, with their tasks. */
export async function readStanding(db: Database, wanted: readonly WantedId[]): Promise<Standing> {
  return toStanding(await selectStanding(db, wanted).all());
}

function standingOf(results: readonly UnionRow[]): Standing {
  const [clock] = CLOCK.rowsOfUnion("clock", results);
  if (clock === undefined) throw new Error("The database told no time.");
  return {
    requests: byId(REQUESTS.rowsOfUnion("requests", results)),
    tasks: byId(TASKS.rowsOfUnion("tasks", results).map(toTask)),
    readAtMs: Number(clock.readAtMs),
  };
}

/** As one value, so that the statement is the same for any number: D1 takes 100 values at most. */
function wantedIn(table: "requests" | "tasks" | "agents" | "collections"): string {
  return `from "${table}" JOIN json_each(?) AS wanted
    ON "${table}"."id" = wanted.value ->> 'id' AND "${table}"."namespace_id" = wanted.value ->> 'namespaceId'`;
}

const REQUESTS = new FixedSelect<StandingRequest>(requestTerms, wantedIn("requests"));
const TASKS = new FixedSelect<TaskRow>(taskTerms, wantedIn("tasks"));
const CLOCK = new FixedSelect<{ readonly readAtMs: string }>({ readAtMs: NOW_WITH_OFFSET }, "");
const BOUND_IDS = `(SELECT json_group_array(bound.collection_id) FROM agent_collections AS bound
  JOIN collections AS live ON live.id = bound.collection_id AND live.deleted_at_ms IS NULL
  WHERE bound.agent_id = agents.id AND bound.namespace_id = agents.namespace_id)`;
const AGENTS = new FixedSelect<AgentReference>({ ...getTableColumns(agents), boundIds: BOUND_IDS }, wantedIn("agents"));
const COLLECTIONS = new FixedSelect<CollectionReference>(
  {
    id: collections.id,
    namespaceId: collections.namespaceId,
    memoryCount: collections.memoryCount,
    deletedAtMs: collections.deletedAtMs,
    revision: collections.revision,
  },
  wantedIn("collections"),
);
/** One row for "", which tells the time too, and one for each namespace that is asked for. */
const CLOCK_AND_HELD = new FixedSelect<{
  readonly readAtMs: string;
  readonly namespaceId: string;
  readonly count: string;
}>(
  {
    readAtMs: NOW_WITH_OFFSET,
    namespaceId: "wanted.value",
    count: `(SELECT count(*) FROM requests WHERE requests.namespace_id = wanted.value
      AND held_until_ms > ${NOW_WITH_OFFSET})`,
  },
  "from json_each(?) AS wanted",
);
const STANDING = FixedSelect.union({ requests: REQUESTS, tasks: TASKS, clock: CLOCK });
/** Five selects: D1 takes no more in one statement. */
const FOR_CREATION = FixedSelect.union({
  requests: REQUESTS,
  tasks: TASKS,
  agents: AGENTS,
  collections: COLLECTIONS,
  clock: CLOCK_AND_HELD,
});

/** Each once, or a row would be found as often as it is named. Longer ids than any of ours are left out. */
function known(wanted: readonly WantedId[]): readonly WantedId[] {
  const short = wanted.filter(({ id }) => id.length <= ID_CHARACTERS_MAX);
  return [...new Map(short.map(({ namespaceId, id }) => [`${namespaceId} ${id}`, { namespaceId, id }])).values()];
}

function inNamespace<T extends { readonly namespaceId: string }>(row: T | undefined, namespaceId: string) {
  return row?.namespaceId === namespaceId ? row : undefined;
}

function byId<T extends { readonly id: string }>(rows: readonly T[]): ReadonlyMap<string, T> {
  return new Map(rows.map((row) => [row.id, row]));
}
