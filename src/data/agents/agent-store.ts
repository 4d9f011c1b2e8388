import { and, count, eq, getTableColumns, inArray, isNull, ne, notExists, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import type { Agent } from "../../domain/agents/agent";
import type { StandingRequest } from "../../domain/requests/request";
import type { Page, PageRequest } from "../../domain/page";
import { claimRequest, type DirectClaim, isClaimedBy, selectRequest } from "../requests/request-store";
import { retireMade } from "../requests/retire-store";
import type { Database } from "../database/database";
import type { NounFilters } from "../database/name-search";
import { searchedColumns, whereOf } from "../database/name-search";
import { nowMs } from "../database/now";
import { after, newestFirst, toPage } from "../database/page";
import { rowWhere } from "../database/row-where";
import { agentCollections, agents, collections } from "../schema/core";

const { namespaceId: _namespaceId, revision: _revision, ...agentColumns } = getTableColumns(agents);

/** A live agent before it has its times: those are the database's. */
export type NewAgent = Omit<Agent, "createdAtMs" | "updatedAtMs" | "deletedAtMs">;

/** What stands after the call that was to make an agent. */
export interface InsertedAgent {
  /** As this call made it; undefined when a live agent of the namespace has the name, or the request id was used. */
  readonly agent: Agent | undefined;
  /** The row of the request id, where there is one. */
  readonly request: StandingRequest | undefined;
}

/**
 * Makes an agent. With a request id its row is written first, where the name is free, and the agent only where that carries
 * this very call: one transaction.
 */
export async function insertAgent(
  db: Database,
  namespaceId: string,
  agent: NewAgent,
  claim: DirectClaim | null,
): Promise<InsertedAgent> {
  const mayMake = claim === null ? sql`TRUE` : isClaimedBy(claim);
  const insert = db
    .insert(agents)
    .select(rowWhere(db, agents, { ...agent, namespaceId, revision: 1 }, mayMake))
    // An update of nothing: drizzle's onConflictDoNothing cannot name a partial index.
    .onConflictDoUpdate({
      target: [agents.namespaceId, agents.name],
      targetWhere: sql`deleted_at_ms IS NULL`,
      set: { name: sql`excluded.name` },
      setWhere: sql`false`,
    })
    .returning(agentColumns);
  if (claim === null) return { agent: (await insert)[0], request: undefined };
  const [, [made], [request]] = await db.batch([
    claimRequest(db, claim, nameIsFree(db, namespaceId, agent)),
    insert,
    selectRequest(db, namespaceId, claim.id),
  ]);
  return { agent: made, request };
}

/** Finds deleted agents too: `deletedAtMs` tells. */
export async function findAgent(db: Database, namespaceId: string, id: string): Promise<Agent | undefined> {
  const [row] = await db
    .select(agentColumns)
    .from(agents)
    .where(and(eq(agents.namespaceId, namespaceId), eq(agents.id, id)));
  return row;
}

/** The live agent that has the name. */
export async function findAgentByName(db: Database, namespaceId: string, name: string): Promise<Agent | undefined> {
  const [row] = await db
    .select(agentColumns)
    .from(agents)
    .where(and(eq(agents.namespaceId, namespaceId), eq(agents.name, name), isNull(agents.deletedAtMs)));
  return row;
}

/** Which of these agents exist, deleted ones among them, and when each was deleted. */
export async function findAgentDeletions(
  db: Database,
  namespaceId: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, number | null>> {
  const rows = await db
    .select({ id: agents.id, deletedAtMs: agents.deletedAtMs })
    .from(agents)
    .where(
      and(
        eq(agents.namespaceId, namespaceId),
        inArray(agents.id, sql`(SELECT value FROM json_each(${JSON.stringify(ids)}))`),
      ),
    );
  return new Map(rows.map((row) => [row.id, row.deletedAtMs]));
}

export async function listAgents(
  db: Database,
  namespaceId: string,
  includeDeleted: boolean,
  request: PageRequest,
): Promise<Page<Agent>> {
  const rows = await db
    .select(agentColumns)
    .from(agents)
    .where(
      and(
        eq(agents.namespaceId, namespaceId),
        includeDeleted ? undefined : isNull(agents.deletedAtMs),
        after(request.after, agents.createdAtMs, agents.id),
      ),
    )
    .orderBy(...newestFirst(agents.createdAtMs, agents.id))
    .limit(request.limit + 1);
  return toPage(rows, request);
}

/** Which agents a search looks at, besides what it looks for. */
export interface AgentFilters extends NounFilters {
  readonly enabled?: boolean;
  readonly managed?: boolean;
}

/** What a search looks at of agents, newest first. Walks the list of the namespace. */
export function readSearchedAgents(db: Database, namespaceId: string, filters: AgentFilters, request: PageRequest) {
  const { enabled, managed } = filters;
  return db
    .select(searchedColumns(agents, filters))
    .from(agents)
    .where(
      and(
        whereOf(agents, namespaceId, filters),
        enabled === undefined ? undefined : eq(agents.enabled, enabled),
        managed === undefined ? undefined : eq(agents.managed, managed),
        after(request.after, agents.createdAtMs, agents.id),
      ),
    )
    .orderBy(...newestFirst(agents.createdAtMs, agents.id))
    .limit(request.limit);
}

export function findAgents(db: Database, namespaceId: string, ids: readonly string[]): Promise<Agent[]> {
  return db
    .select(agentColumns)
    .from(agents)
    .where(
      and(
        eq(agents.namespaceId, namespaceId),
        inArray(agents.id, sql`(SELECT value FROM json_each(${JSON.stringify(ids)}))`),
      ),
    );
}

/**
 * Replaces an agent if it still has `expectedVersion`, and if no other live agent has the name it would live under.
 * @param deleted whether it is marked as deleted afterwards, or live.
 * @returns the agent as it is then, or undefined when nothing was written.
 */
export async function updateAgent(
  db: Database,
  namespaceId: string,
  agent: Agent,
  { expectedVersion, deleted }: { readonly expectedVersion: number; readonly deleted: boolean },
): Promise<Agent | undefined> {
  const [row] = await db
    .update(agents)
    .set({ ...agent, updatedAtMs: nowMs(db), deletedAtMs: deleted ? nowMs(db) : null })
    .where(
      and(
        eq(agents.namespaceId, namespaceId),
        eq(agents.id, agent.id),
        eq(agents.version, expectedVersion),
        deleted ? undefined : nameIsFree(db, namespaceId, agent),
      ),
    )
    .returning(agentColumns);
  return row;
}

function nameIsFree(db: Database, namespaceId: string, agent: Pick<Agent, "id" | "name">): SQL {
  const other = alias(agents, "other");
  const holders = db
    .select({ id: other.id })
    .from(other)
    .where(
      and(
        eq(other.namespaceId, namespaceId),
        eq(other.name, agent.name),
        isNull(other.deletedAtMs),
        ne(other.id, agent.id),
      ),
    );
  return notExists(holders);
}

/** What hangs on an agent. */
export interface AgentTies {
  /** Bindings to collections. */
  readonly bindings: number;
  /** Collections that the agent owns. */
  readonly collections: number;
}

export async function countAgentTies(db: Database, namespaceId: string, id: string): Promise<AgentTies> {
  const [bindings, owned] = await db.batch([
    db.select({ count: count() }).from(agentCollections).where(boundTo(namespaceId, id)),
    db.select({ count: count() }).from(collections).where(ownedBy(namespaceId, id)),
  ]);
  return { bindings: bindings[0]?.count ?? 0, collections: owned[0]?.count ?? 0 };
}

/** Removes an agent for good, with its bindings. Its collections stay, without an owner. */
export async function removeAgent(db: Database, namespaceId: string, id: string): Promise<void> {
  await db.batch([
    db.delete(agentCollections).where(boundTo(namespaceId, id)),
    db.update(collections).set({ agentId: null }).where(ownedBy(namespaceId, id)),
    retireMade(db, namespaceId, id),
    db.delete(agents).where(and(eq(agents.namespaceId, namespaceId), eq(agents.id, id))),
  ]);
}

function boundTo(namespaceId: string, agentId: string): SQL | undefined {
  return and(eq(agentCollections.namespaceId, namespaceId), eq(agentCollections.agentId, agentId));
}

function ownedBy(namespaceId: string, agentId: string): SQL | undefined {
  return and(eq(collections.namespaceId, namespaceId), eq(collections.agentId, agentId));
}
