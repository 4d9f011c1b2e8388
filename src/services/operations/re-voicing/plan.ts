import type { AgentReference, CollectionReference, References } from "../../../data/requests/creation-read-store";
import { type Agent, AGENT_COLLECTIONS_MAX } from "../../../domain/agents/agent";
import { parseOwnJson } from "../../../domain/basics/own-json";
import { targetCollectionIdOf } from "../../../domain/ids";
import { type MemorySettings, hasNoWeight, resolveMemorySettings } from "../../../domain/recall/memory-settings";
import type { FrozenAgent, ReVoiceCommand } from "../../../domain/tasks/operations";
import type { ReVoiceInput } from "../../ports/task-input";
import { faultAt, gone, notFound, ServiceError } from "../../errors/errors";

const TARGET_POINTER = "/target/collection_id";

/**
 * Checks what a re-voicing refers to and freezes it: agent, voice, settings and bindings are those of this moment.
 * @throws ServiceError not-found, gone, `agent-disabled`, `target-is-source`, `collection-empty`, `validation-failed`.
 */
export async function planReVoicing(
  taskId: string,
  namespaceId: string,
  input: ReVoiceInput,
  references: References,
): Promise<ReVoiceCommand> {
  const targetId = targetIdOf(input);
  const { agent, source } = requireReferences(references, { namespaceId, targetId, input });
  if (targetId === source.id) throw targetIsSource();
  if (source.memoryCount === 0) throw collectionEmpty(input.pointers.source);
  const newName = "name" in input.target ? input.target.name : null;
  const target = { collectionId: targetId ?? (await targetCollectionIdOf(taskId)), newName };
  return {
    operation: "re-voice",
    agent: freeze(agent),
    collectionId: source.id,
    target,
    boundCollectionIds: boundTo(agent).filter((id) => id !== target.collectionId),
    sourceMemorySettings: weighed("source_memory_settings", resolveMemorySettings(input.sourceMemorySettings)),
    agentMemorySettings: weighed(
      "agent_memory_settings",
      resolveMemorySettings(input.agentMemorySettings, agent.memorySettings),
    ),
    instructions: input.instructions,
    onItemError: input.onItemError,
    budget: input.budget,
  };
}

/** The ids of what a re-voicing refers to: they are read for {@link planReVoicing}. */
export function referencesOf(input: ReVoiceInput): { readonly agentIds: string[]; readonly collectionIds: string[] } {
  const targetId = targetIdOf(input);
  return {
    agentIds: [input.agentId],
    collectionIds: targetId === null ? [input.collectionId] : [input.collectionId, targetId],
  };
}

function targetIdOf({ target }: ReVoiceInput): string | null {
  return "collectionId" in target ? target.collectionId : null;
}

/** In the order of their ids. */
function boundTo({ boundIds }: AgentReference): readonly string[] {
  return parseOwnJson<string[]>(boundIds).toSorted().slice(0, AGENT_COLLECTIONS_MAX);
}

function requireReferences(
  references: References,
  wanted: { readonly namespaceId: string; readonly targetId: string | null; readonly input: ReVoiceInput },
) {
  const { namespaceId, targetId, input } = wanted;
  const { pointers } = input;
  const agent = references.findAgent(namespaceId, input.agentId);
  if (agent === undefined) throw notFound("agent", pointers.agent);
  if (agent.deletedAtMs !== null) throw gone("agent", pointers.agent);
  if (!agent.enabled) {
    const detail = "This agent is disabled. Enable it with PATCH /v1/agents/{agent_id}.";
    throw new ServiceError("forbidden", "agent-disabled", detail, faultAt(pointers.agent, detail));
  }
  const source = requireCollection(references.findCollection(namespaceId, input.collectionId), pointers.source);
  if (targetId !== null) requireCollection(references.findCollection(namespaceId, targetId), TARGET_POINTER);
  return { agent, source };
}

function requireCollection(collection: CollectionReference | undefined, pointer: string | null): CollectionReference {
  if (collection === undefined) throw notFound("collection", pointer);
  if (collection.deletedAtMs !== null) throw gone("collection", pointer);
  return collection;
}

/** The agent's own settings and the given ones may each have weight, and none together. */
function weighed(field: string, settings: MemorySettings): MemorySettings {
  if (!hasNoWeight(settings)) return settings;
  const detail = "At least one of relevance_alpha, importance_alpha and recency_alpha must be above 0.";
  throw new ServiceError("invalid", "validation-failed", `/${field}: ${detail}`, faultAt(`/${field}`, detail));
}

function freeze({ id, name, description, persona, voice }: Agent): FrozenAgent {
  return { id, name, description, persona, voice };
}

function targetIsSource(): ServiceError {
  const detail = "The target must be another collection than the source. Name a new one, or give another id.";
  return new ServiceError("invalid", "target-is-source", detail, faultAt(TARGET_POINTER, detail));
}

function collectionEmpty(pointer: string | null): ServiceError {
  const detail = "This collection has no memories. Add some before you re-voice it.";
  return new ServiceError("invalid", "collection-empty", detail, faultAt(pointer, detail));
}
