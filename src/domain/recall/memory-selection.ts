import { bestFirst, type MemoryScore, type ScoredMemory } from "./memory-scoring";
import type { MaxMemoryStrategy, MemorySettings } from "./memory-settings";
import { queryWords, wordOverlap } from "./words";

/** A memory that may be kept; each id at most once among the candidates. */
export interface Candidate extends ScoredMemory {
  readonly text: string;
}

/**
 * What `diverse` gives for a memory's own score; the rest is for being unlike those already chosen. Half, because a
 * near-copy of the best may score far above all else: at 0.7 it would often still come second.
 */
export const DIVERSE_SCORE_WEIGHT = 0.5;

const COMPONENT_OF = {
  highest_score: "score",
  most_relevant: "relevance",
  most_important: "importance",
  most_recent: "recency",
  diverse: null,
} satisfies Record<MaxMemoryStrategy, keyof MemoryScore | null>;

/**
 * What a group of settings keeps of the scored candidates: min_score first, then max_memories by the strategy. Best
 * first, and the same for any order of the candidates.
 */
export function selectMemories<T extends Candidate>(
  candidates: readonly T[],
  settings: Pick<MemorySettings, "minScore" | "maxMemories" | "maxMemoryStrategy">,
): T[] {
  const component = COMPONENT_OF[settings.maxMemoryStrategy];
  const enough = candidates.filter((candidate) => candidate.score >= settings.minScore);
  const ordered = enough.toSorted(bestFirst(component ?? "score"));
  return component === null ? mostDiverse(ordered, settings.maxMemories) : ordered.slice(0, settings.maxMemories);
}

/** Oldest first, as a prompt tells them: by when it happened, else when it was added. */
export function chronological<
  T extends { readonly memoryId: string; readonly occurredAtMs: number | null; readonly createdAtMs: number },
>(memories: readonly T[]): T[] {
  return memories.toSorted(
    (a, b) =>
      (a.occurredAtMs ?? a.createdAtMs) - (b.occurredAtMs ?? b.createdAtMs) ||
      a.createdAtMs - b.createdAtMs ||
      (a.memoryId < b.memoryId ? -1 : 1),
  );
}

/**
 * Maximal marginal relevance: again and again the candidate with the best balance of score and unlikeness to all that
 * were chosen. Source: Carbonell and Goldstein, SIGIR 1998. Takes max · candidates comparisons of two word sets, which
 * are bounded by QUERY_WORDS_MAX.
 */
function mostDiverse<T extends Candidate>(bestFirstCandidates: readonly T[], max: number): T[] {
  let open = bestFirstCandidates.map((candidate) => ({
    candidate,
    words: new Set(queryWords(candidate.text)),
    likeness: 0,
  }));
  const chosen: T[] = [];
  while (chosen.length < max) {
    // Only a strictly greater balance wins, so that ties go to the better candidate.
    const next = open.reduce<(typeof open)[number] | undefined>(
      (best, item) => (best === undefined || balance(item) > balance(best) ? item : best),
      undefined,
    );
    if (next === undefined) break;
    chosen.push(next.candidate);
    open = open.filter((item) => item !== next);
    for (const item of open) item.likeness = Math.max(item.likeness, wordOverlap(item.words, next.words));
  }
  return chosen;
}

function balance(item: { readonly candidate: Candidate; readonly likeness: number }): number {
  return DIVERSE_SCORE_WEIGHT * item.candidate.score - (1 - DIVERSE_SCORE_WEIGHT) * item.likeness;
}
