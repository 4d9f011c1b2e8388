import { searchWords, type WordHit, type WordQuery } from "../data/memory-word-store";
import type { MemoryType } from "../domain/memory";
import { relevanceOf, scoreMemory, type MemoryScore } from "../domain/memory-scoring";
import { chronological, selectMemories } from "../domain/memory-selection";
import type { MemorySettings } from "../domain/memory-settings";
import { queryWords } from "../domain/words";
import type { Services } from "./context";

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
 * Recalls what belongs to each of some stored memories: per memory and per group what the settings keep, oldest first.
 * One round trip to D1 for many memories; it writes nothing, so `accessed_at` stays.
 *
 * The memory itself is never among its answers, and a memory counts once in a group. A group that is not enabled or
 * keeps nothing answers [] and asks nothing. So does a memory of stop words only, or one that is gone from the index:
 * without a relevance there is no absolute score.
 *
 * Relevance is the BM25 of what was found over the BM25 of the memory itself for the same words, in the same index and
 * the same transaction: its share of a perfect answer. It does not depend on what else was found. The weights of the words
 * are those of the whole index, where every collection counts.
 */
export async function recallForMemories(
  services: Pick<Services, "db">,
  input: RecallForMemories,
): Promise<RecalledMemory[][][]> {
  const limits = limitsByCollection(input.groups);
  const plans = input.memories.map((memory) => queriesFor(memory, limits, input.namespaceId));
  const answers = await searchWords(services.db, plans.flat());
  let next = 0;
  return plans.map((queries) => {
    const [own, ...found] = answers.slice(next, next + queries.length);
    next += queries.length;
    const perfectScore = own?.[0]?.rawScore ?? 0;
    const hits = new Map([...limits.keys()].map((collectionId, index) => [collectionId, found[index] ?? []]));
    return input.groups.map((group) => recalledOf(group, hits, perfectScore, input.nowMs));
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

/** First the memory's own score, then each collection; nothing when there is nothing to ask with or to ask. */
function queriesFor(
  memory: RecallForMemories["memories"][number],
  limits: ReadonlyMap<string, number>,
  namespaceId: string,
): WordQuery[] {
  const words = queryWords(memory.text);
  if (words.length === 0 || limits.size === 0) return [];
  const exceptIds = [memory.id];
  return [
    { namespaceId, words, among: { memoryId: memory.id }, limit: 1 },
    ...[...limits].map(([collectionId, limit]) => ({
      namespaceId,
      words,
      among: { collectionId, exceptIds },
      limit,
    })),
  ];
}

function recalledOf(
  { collectionIds, settings }: RecallGroup,
  hits: ReadonlyMap<string, readonly WordHit[]>,
  perfectScore: number,
  nowMs: number,
): RecalledMemory[] {
  if (!settings.enabled || perfectScore === 0) return [];
  const found = collectionIds.flatMap((id) => (hits.get(id) ?? []).slice(0, settings.topKVectors));
  const distinct = new Map(found.map((hit) => [hit.memoryId, hit]));
  const candidates = [...distinct.values()].map((hit) => candidateOf(hit, perfectScore, settings, nowMs));
  return chronological(selectMemories(candidates, settings));
}

function candidateOf(hit: WordHit, perfectScore: number, settings: MemorySettings, nowMs: number): RecalledMemory {
  const { memoryId, text, occurredAtMs, createdAtMs, type } = hit;
  const input = {
    relevance: relevanceOf(hit.rawScore, perfectScore),
    importance: hit.importance,
    lastUsedAtMs: hit.accessedAtMs ?? createdAtMs,
  };
  return { memoryId, text, occurredAtMs, createdAtMs, type, ...scoreMemory(input, settings, nowMs) };
}
