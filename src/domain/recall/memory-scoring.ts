import { IMPORTANCE_MAX, IMPORTANCE_MIN } from "../memories/memory";
import type { MemorySettings } from "./memory-settings";

/** Recency falls by this factor an hour. Source: Park et al., Generative Agents, arXiv 2304.03442, section 4.1. */
export const RECENCY_FACTOR_PER_HOUR = 0.995;
const HOUR_MS = 3_600_000;

/** What a memory brings to its score. */
export interface ScoreInput {
  /** 0–1, absolute: it must not depend on what else was found. */
  readonly relevance: number;
  /** 1–10. */
  readonly importance: number;
  /** Last access, else creation. */
  readonly lastUsedAtMs: number;
}

/** The weighted mean and its components, each 0–1. */
export interface MemoryScore {
  readonly score: number;
  readonly relevance: number;
  readonly importance: number;
  readonly recency: number;
}

export type ScoreWeights = Pick<MemorySettings, "relevanceAlpha" | "importanceAlpha" | "recencyAlpha">;

/**
 * Scores a memory: Σ alpha · component / Σ alpha. No component is stretched over the other candidates, so `min_score`
 * means the same on every call. Without any weight, which a border refuses, the score is 0.
 */
export function scoreMemory(input: ScoreInput, weights: ScoreWeights, nowMs: number): MemoryScore {
  const relevance = clamped(input.relevance);
  const importance = clamped((input.importance - IMPORTANCE_MIN) / (IMPORTANCE_MAX - IMPORTANCE_MIN));
  // A time ahead of this machine's clock counts as now.
  const hours = Math.max(0, nowMs - input.lastUsedAtMs) / HOUR_MS;
  const recency = RECENCY_FACTOR_PER_HOUR ** hours;
  const { relevanceAlpha, importanceAlpha, recencyAlpha } = weights;
  const sum = relevanceAlpha * relevance + importanceAlpha * importance + recencyAlpha * recency;
  const weight = relevanceAlpha + importanceAlpha + recencyAlpha;
  return { score: weight === 0 ? 0 : clamped(sum / weight), relevance, importance, recency };
}

/**
 * Makes an absolute relevance, 0–1, of a raw search score: its share of what a perfect answer to the same query scores in
 * the same index. A perfect answer is the text that was asked with; better than perfect counts as perfect.
 */
export function relevanceOf(rawScore: number, perfectScore: number): number {
  return perfectScore > 0 ? clamped(rawScore / perfectScore) : 0;
}

/**
 * What a cosine of 1 fills of that which the words leave open. Ours, and not measured: there was no sentence encoder to
 * measure it with. Word relevance was, so it leads.
 */
export const VECTOR_SHARE = 0.5;

/**
 * Relevance by words, raised by the cosine of query and memory: 0–1, absolute, and never less for a memory that is nearer.
 * @param cosine −1 to 1; undefined where there is none: then the words alone count. So does one below 0.
 */
export function relevanceWith(cosine: number | undefined, byWords: number): number {
  return byWords + (1 - byWords) * VECTOR_SHARE * clamped(cosine ?? 0);
}

export interface ScoredMemory extends MemoryScore {
  readonly memoryId: string;
}

/** A total order, best first: by one component, then score, importance, recency, and last by id. */
export function bestFirst(by: keyof MemoryScore): (a: ScoredMemory, b: ScoredMemory) => number {
  return (a, b) =>
    b[by] - a[by] ||
    b.score - a.score ||
    b.importance - a.importance ||
    b.recency - a.recency ||
    (a.memoryId < b.memoryId ? -1 : Number(a.memoryId > b.memoryId));
}

function clamped(value: number): number {
  return Math.min(1, Math.max(0, value));
}
