import { type MemoryScore, scoreMemory } from "../../domain/recall/memory-scoring";
import { chronological, selectMemories } from "../../domain/recall/memory-selection";
import type { MemorySettings } from "../../domain/recall/memory-settings";
import type { Memory, MemoryType } from "../../domain/memories/memory";
import type { Services } from "../context";
import { recallByWords, type RecallEffort, type ScopeAnswer, type WordHit } from "./recall-by-words";

/** Collections that are recalled from under the same settings. */
export interface RecallGroup {
  readonly collectionIds: readonly string[];
  readonly settings: MemorySettings;
}

export interface RecallForMemories {
  readonly namespaceId: string;
  readonly nowMs: number;
  /** What to recall for, with the text as the memory has it now. */
  readonly memories: readonly { readonly id: string; readonly text: string }[];
  readonly groups: readonly RecallGroup[];
}

export interface RecalledMemory extends MemoryScore {
  readonly memoryId: string;
  readonly text: string;
  readonly occurredAtMs: number | null;
  readonly createdAtMs: number;
  readonly type: MemoryType;
}

/**
 * A whole memory asks with many words, which find what a few of like meaning would add; and a part asks for 25 memories
 * at once.
 */
const EFFORT: RecallEffort = { widened: false, postings: 250, candidates: 40 };

/**
 * Recalls what belongs to each of some stored memories: per memory and per group what the settings keep, oldest first.
 * Two round trips to D1 for many memories; it writes nothing, so `accessed_at` stays.
 *
 * The memory itself is never among its answers, and a memory counts once in a group. A group that is not enabled or
 * keeps nothing answers [] and asks nothing. So does a memory of stop words only: without a relevance there is no
 * absolute score.
 */
export async function recallForMemories(
  services: Pick<Services, "db" | "embedder" | "log">,
  { namespaceId, nowMs, memories, groups }: RecallForMemories,
): Promise<RecalledMemory[][][]> {
  const scopes = [...limitsByCollection(groups)].map(([collectionId, limit]) => ({ collectionId, limit }));
  const queries = memories.map(({ id, text }) => ({ text, exceptId: id }));
  const { answers } = await recallByWords(services, { namespaceId, queries, scopes, filters: {}, effort: EFFORT });
  return answers.map((found) => {
    const byCollection = new Map(scopes.map(({ collectionId }, index) => [collectionId, found[index]]));
    return groups.map((group) => recalledOf(group, byCollection, nowMs));
  });
}

/** Each collection is searched once, for the group that asks most of it. */
function limitsByCollection(groups: readonly RecallGroup[]): ReadonlyMap<string, number> {
  const limits = new Map<string, number>();
  for (const { collectionIds, settings } of groups.filter(isAsking)) {
    for (const id of collectionIds) limits.set(id, Math.max(limits.get(id) ?? 0, settings.topKVectors));
  }
  return limits;
}

function isAsking({ settings }: RecallGroup): boolean {
  return settings.enabled && settings.maxMemories > 0;
}

function recalledOf(
  { collectionIds, settings }: RecallGroup,
  answers: ReadonlyMap<string, ScopeAnswer | undefined>,
  nowMs: number,
): RecalledMemory[] {
  if (!settings.enabled) return [];
  const distinct = [...new Set(collectionIds)];
  const hits = distinct.flatMap((id) => (answers.get(id)?.hits ?? []).slice(0, settings.topKVectors));
  return chronological(
    selectMemories(
      hits.map((hit) => recalledMemoryOf(hit, settings, nowMs)),
      settings,
    ),
  );
}

function recalledMemoryOf(hit: WordHit, settings: MemorySettings, nowMs: number): RecalledMemory {
  const { id: memoryId, text, occurredAtMs, createdAtMs, type } = hit.memory;
  return { memoryId, text, occurredAtMs, createdAtMs, type, ...scoreHit(hit, settings, nowMs) };
}

/** The components of a memory that was found, and their weighted mean. */
export function scoreHit({ memory, relevance }: WordHit, settings: MemorySettings, nowMs: number): MemoryScore {
  const { importance, accessedAtMs, createdAtMs }: Memory = memory;
  return scoreMemory({ relevance, importance, lastUsedAtMs: accessedAtMs ?? createdAtMs }, settings, nowMs);
}
