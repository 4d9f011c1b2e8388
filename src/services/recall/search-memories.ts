import { listAllBoundCollections } from "../../data/agents/binding-store";
import { noteAccess, ROWS_PER_BATCH_MAX } from "../../data/recall/row-store";
import type { Collection } from "../../domain/collections/collection";
import { errorText } from "../../domain/basics/error-text";
import type { Memory } from "../../domain/memories/memory";
import type { MemoryScore } from "../../domain/recall/memory-scoring";
import { bestFirst } from "../../domain/recall/memory-scoring";
import { selectMemories } from "../../domain/recall/memory-selection";
import { hasNoWeight, type MemorySettings, resolveMemorySettings } from "../../domain/recall/memory-settings";
import { contextOf, type RecallContext } from "../../domain/recall/prompt-context";
import type { RecallFilters } from "../../domain/recall/recall-filters";
import type { TermMatch } from "../../domain/recall/word-relevance";
import { getAgent } from "../agents/agents";
import { getCollection } from "../collections/collections";
import { compareVectors } from "./compare-vectors";
import type { CallContext } from "../context";
import { ServiceError } from "../errors/errors";
import { scoreHit } from "./recall-for-memories";
import { recallByWords, type WordHit } from "./recall-by-words";

export interface MemorySearch {
  readonly query: string;
  readonly settings: Partial<MemorySettings>;
  readonly filters: RecallFilters;
  /** Whether the recall counts as a use of what it keeps. */
  readonly updateAccess: boolean;
  readonly contextTokenBudget: number;
}

/** A memory as it was before this recall, its score, and why it matched. */
export interface FoundMemory extends MemoryScore {
  readonly memoryId: string;
  readonly text: string;
  readonly memory: Memory;
  readonly matches: readonly TermMatch[];
  /** Of the query's vector and the memory's, −1 to 1; null where there is none. */
  readonly cosine: number | null;
}

export interface SearchedCollection {
  readonly collection: Collection;
  /** Memories that hold a word of the query, or one near it, and pass the filters. */
  readonly candidates: number;
  /** How many of them are among `all`. */
  readonly found: number;
}

export interface MemorySearchResult {
  /** The candidates of all collections, the best first. */
  readonly all: readonly FoundMemory[];
  /** Those that the settings keep, the best first. */
  readonly filtered: readonly FoundMemory[];
  readonly collections: readonly SearchedCollection[];
  readonly context: RecallContext;
  /** Why words of like meaning, or vectors, were not looked at; null when all is well. */
  readonly degradedReason: string | null;
}

/** Memories that are looked up for one word of a search, the newest that hold it. */
export const SEARCH_POSTINGS_MAX = 1_000;
/** Memories of one collection that are read and scored; a higher top_k_vectors counts instead, where there is room. */
const SEARCH_CANDIDATES = 100;

/**
 * Recalls from one collection.
 * @throws ServiceError `collection-not-found`, `collection-deleted`.
 */
export async function searchCollection(
  ctx: CallContext,
  collectionId: string,
  search: MemorySearch,
): Promise<MemorySearchResult> {
  const collection = await getCollection(ctx, collectionId);
  return searchIn(ctx, [collection], search, resolveMemorySettings(search.settings));
}

/**
 * Recalls from all live collections that are bound to an agent; what the search does not set, the agent's settings do.
 * @throws ServiceError `agent-not-found`, `agent-deleted`; `validation-failed` when no component would have any weight.
 */
export async function searchAgentMemories(
  ctx: CallContext,
  agentId: string,
  search: MemorySearch,
): Promise<MemorySearchResult> {
  const [agent, collections] = await Promise.all([
    getAgent(ctx, agentId),
    listAllBoundCollections(ctx.db, ctx.namespaceId, agentId),
  ]);
  const settings = resolveMemorySettings(search.settings, agent.memorySettings);
  if (hasNoWeight(settings)) throw withoutWeight();
  return searchIn(ctx, collections, search, settings);
}

async function searchIn(
  ctx: CallContext,
  collections: readonly Collection[],
  search: MemorySearch,
  settings: MemorySettings,
): Promise<MemorySearchResult> {
  const nowMs = ctx.clock.nowMs();
  const asked = settings.enabled ? collections : [];
  const vectors = await compareVectors(ctx, asked, search);
  const room = roomIn(asked.length);
  const { answers, degradedReason } = await recallByWords(ctx, {
    namespaceId: ctx.namespaceId,
    queries: [{ text: search.query, exceptId: null, cosines: vectors.cosines }],
    scopes: asked.map(({ id }) => ({ collectionId: id, limit: Math.min(settings.topKVectors, room) })),
    filters: search.filters,
    effort: { widened: true, postings: SEARCH_POSTINGS_MAX, candidates: Math.min(SEARCH_CANDIDATES, room) },
  });
  const found = answers[0] ?? [];
  const hits = found.flatMap((answer) => answer.hits);
  const all = hits.map((hit) => foundMemory(hit, settings, nowMs)).toSorted(bestFirst("score"));
  const filtered = selectMemories(all, settings);
  if (search.updateAccess) await useNoted(ctx, filtered);
  return {
    all,
    filtered,
    collections: collections.map((collection, index) => {
      const { candidates = 0, hits: own = [] } = found[index] ?? {};
      return { collection, candidates, found: own.length };
    }),
    context: contextOf(
      filtered.map(({ memory, memoryId, text }) => ({
        memoryId,
        text,
        occurredAtMs: memory.occurredAtMs,
        createdAtMs: memory.createdAtMs,
      })),
      search.contextTokenBudget,
    ),
    degradedReason: [degradedReason, vectors.degradedReason].filter((reason) => reason !== null).join(" ") || null,
  };
}

/** How many memories of each collection one answer of the database has room for. */
function roomIn(collections: number): number {
  return Math.floor(ROWS_PER_BATCH_MAX / Math.max(1, collections));
}

function foundMemory(hit: WordHit, settings: MemorySettings, nowMs: number): FoundMemory {
  const { memory, matches, cosine } = hit;
  return { memoryId: memory.id, text: memory.text, memory, matches, cosine, ...scoreHit(hit, settings, nowMs) };
}

/** The memories are found, whether or not it can be noted that they were. */
async function useNoted(ctx: CallContext, memories: readonly FoundMemory[]): Promise<void> {
  if (memories.length === 0) return;
  const ids = memories.map(({ memoryId }) => memoryId);
  try {
    await noteAccess(ctx.db, ctx.namespaceId, ids);
  } catch (error) {
    ctx.log("warn", "access-not-noted", { memories: ids.length, error: errorText(error) });
  }
}

function withoutWeight(): ServiceError {
  const detail =
    "With the agent's own settings, no alpha would be above 0. Give relevance_alpha, importance_alpha or recency_alpha.";
  return new ServiceError("invalid", "validation-failed", `/memory_settings: ${detail}`, {
    faults: [{ pointer: "/memory_settings", detail }],
  });
}
