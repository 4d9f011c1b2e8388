import {
  type AgentFilters,
  type AgentTies,
  countAgentTies,
  findAgent,
  findAgentByName,
  findAgents,
  insertAgent,
  listAgents as listStored,
  type NewAgent,
  readSearchedAgents,
  removeAgent as removeStored,
  updateAgent as updateStored,
} from "../../data/agents/agent-store";
import type { Agent } from "../../domain/agents/agent";
import { hasNoWeight, type MemorySettings, resolveMemorySettings } from "../../domain/recall/memory-settings";
import type { Page, PageRequest } from "../../domain/page";
import { DEFAULT_VOICE, type Voice } from "../../domain/agents/voice";
import type { CallContext } from "../context";
import type { Created } from "../basics/created";
import { type CreationRequest, makeOnce } from "../creation/made-once";
import { gone, notFound, ServiceError } from "../errors/errors";
import { type NounSearch, searchPage } from "../basics/name-search";
import { change, keepTrying, type VersionCondition } from "../optimistic-write";

export type AgentDraft = Pick<
  Agent,
  "name" | "description" | "persona" | "voice" | "memorySettings" | "enabled" | "metadata"
>;

/** Only what changes. Fields of the voice and of the settings change one by one; null sets them all back. */
export type AgentPatch = Partial<Omit<AgentDraft, "voice" | "memorySettings">> & {
  readonly voice?: Partial<Voice> | null;
  readonly memorySettings?: Partial<MemorySettings> | null;
};

/**
 * Creates an agent; under a request id it is made once, and each repeat shows it as it is now.
 * @throws ServiceError `agent-name-taken`, which names the agent that has it; of a repeat `request-id-reused`,
 * `agent-deleted`, `request-id-retired`.
 */
export async function createAgent(
  ctx: CallContext,
  draft: AgentDraft,
  request: CreationRequest | null,
): Promise<Created<Agent>> {
  const { db, namespaceId } = ctx;
  return keepTrying(ctx, busy, async () => {
    const created = await makeOnce(ctx, "agent", request, {
      insert: async (id, claim) => {
        const agent: NewAgent = { ...draft, id, managed: false, version: 1 };
        const { agent: made, request: row } = await insertAgent(db, namespaceId, agent, claim);
        return { made, request: row };
      },
      get: (id) => getAgent(ctx, id),
    });
    return created ?? refuseTakenName(ctx, draft);
  });
}

/** @throws ServiceError `agent-not-found`, `agent-deleted`. */
export async function getAgent(ctx: CallContext, id: string, includeDeleted = false): Promise<Agent> {
  const agent = await findAgent(ctx.db, ctx.namespaceId, id);
  if (agent === undefined) throw notFound("agent");
  if (agent.deletedAtMs !== null && !includeDeleted) throw gone("agent");
  return agent;
}

export function listAgents(ctx: CallContext, includeDeleted: boolean, page: PageRequest): Promise<Page<Agent>> {
  return listStored(ctx.db, ctx.namespaceId, includeDeleted, page);
}

/** The agents that fit, newest first. A page may hold fewer than asked for, and still have a next one. */
export function searchAgents(
  ctx: CallContext,
  search: NounSearch,
  filters: Pick<AgentFilters, "enabled" | "managed">,
  page: PageRequest,
): Promise<Page<Agent>> {
  return searchPage(search, page, {
    read: (looked, part) => readSearchedAgents(ctx.db, ctx.namespaceId, { ...filters, ...looked }, part),
    load: (ids) => findAgents(ctx.db, ctx.namespaceId, ids),
  });
}

/**
 * @throws ServiceError `agent-not-found`, `agent-deleted`, `managed`, `version-changed`, `agent-name-taken`;
 * `validation-failed` when the settings as a whole would leave nothing any weight.
 */
export async function updateAgent(
  ctx: CallContext,
  id: string,
  patch: AgentPatch,
  condition: VersionCondition,
): Promise<Agent> {
  return changeAgent(ctx, {
    read: () => getAgent(ctx, id),
    condition,
    step: (agent) => applyPatch(agent, patch),
  });
}

function applyPatch(agent: Agent, patch: AgentPatch): Agent {
  const { voice = {}, memorySettings = {}, ...fields } = patch;
  const next: Agent = {
    ...agent,
    ...fields,
    voice: voice === null ? DEFAULT_VOICE : { ...agent.voice, ...voice },
    memorySettings: memorySettings === null ? {} : { ...agent.memorySettings, ...memorySettings },
  };
  if (!hasNoWeight(resolveMemorySettings(next.memorySettings))) return next;
  const detail = "With what the agent has already, no alpha would be above 0. Raise one of them.";
  throw new ServiceError("invalid", "validation-failed", `/memory_settings: ${detail}`, {
    faults: [{ pointer: "/memory_settings", detail }],
  });
}

export interface AgentRemoval {
  /** Remove it for good, instead of marking it as deleted. */
  readonly hard: boolean;
  /** Change nothing: only count. */
  readonly dryRun: boolean;
}

/**
 * Deletes an agent: softly, so that it can come back with its bindings; or for good, with its bindings, which leaves
 * its collections without an owner.
 * @returns what goes, or would go: bindings, and collections that lose their owner.
 * @throws ServiceError `agent-not-found`, `agent-deleted` (unless `hard`), `managed`.
 */
export async function removeAgent(ctx: CallContext, id: string, { hard, dryRun }: AgentRemoval): Promise<AgentTies> {
  const agent = await getAgent(ctx, id, hard);
  refuseManaged(agent);
  const ties = hard ? await countAgentTies(ctx.db, ctx.namespaceId, id) : { bindings: 0, collections: 0 };
  if (dryRun) return ties;
  if (hard) await removeStored(ctx.db, ctx.namespaceId, id);
  else await changeAgent(ctx, { read: () => getAgent(ctx, id), step: (live) => ({ ...live }), deleted: true });
  return ties;
}

/** Brings a deleted agent back; one that is not deleted stays as it is. @throws ServiceError `agent-name-taken` … */
export async function undeleteAgent(ctx: CallContext, id: string): Promise<Agent> {
  return changeAgent(ctx, {
    read: () => getAgent(ctx, id, true),
    step: (agent) => (agent.deletedAtMs === null ? agent : { ...agent }),
  });
}

interface AgentChange {
  readonly read: () => Promise<Agent>;
  readonly condition?: VersionCondition;
  /** What is given back as it is writes nothing. */
  readonly step: (agent: Agent) => Agent;
  /** Marks the agent as deleted; else it is live afterwards. */
  readonly deleted?: boolean;
}

/** @throws ServiceError `managed`, `version-changed`, `agent-name-taken`, and what `read` throws. */
function changeAgent(ctx: CallContext, { read, condition = null, step, deleted = false }: AgentChange): Promise<Agent> {
  return change(ctx, {
    noun: "agent",
    condition,
    read: async () => {
      const agent = await read();
      refuseManaged(agent);
      return agent;
    },
    step,
    write: (next, expectedVersion) => updateStored(ctx.db, ctx.namespaceId, next, { expectedVersion, deleted }),
    explain: async (next) => (deleted ? undefined : refuseTakenName(ctx, next)),
    busy,
  });
}

function busy(): ServiceError {
  return new ServiceError("unavailable", "agent-busy", "Too many writers change this agent at once. Send it again.");
}

/** @returns undefined when nobody has the name: it was another race that was lost. */
async function refuseTakenName(
  ctx: CallContext,
  agent: { readonly id?: string; readonly name: string },
): Promise<undefined> {
  const holder = await findAgentByName(ctx.db, ctx.namespaceId, agent.name);
  if (holder === undefined || holder.id === agent.id) return undefined;
  throw new ServiceError("conflict", "agent-name-taken", "Another agent of this namespace has this name.", {
    faults: [{ pointer: "/name", detail: "Choose a name that no agent of the namespace has." }],
    extensions: { agent_id: holder.id },
  });
}

function refuseManaged(agent: Agent): void {
  if (!agent.managed) return;
  throw new ServiceError("forbidden", "managed", "The system owns this agent: it cannot be changed.");
}
