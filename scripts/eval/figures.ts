import { median } from "../bench/statistics.ts";

/** What one embedder reaches. Recalls and the mean reciprocal rank in percent, times from request to answer. */
export interface Figures {
  readonly embedder: string;
  readonly recall_at_5: number;
  readonly recall_at_10: number;
  readonly mrr: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
}

/** What one question brought up: the ids found, best first, and those that hold its answer. */
export interface Ranking {
  readonly found: readonly string[];
  readonly evidence: readonly string[];
}

/** @param rounds the times of all questions, a list for each round; the figures are medians over the rounds. */
export function figuresOf(
  embedder: string,
  rankings: readonly Ranking[],
  rounds: readonly (readonly number[])[],
): Figures {
  return {
    embedder,
    recall_at_5: percent(rankings.map((ranking) => recallAt(5, ranking))),
    recall_at_10: percent(rankings.map((ranking) => recallAt(10, ranking))),
    mrr: percent(rankings.map(reciprocalRank)),
    p50_ms: median(rounds.map((times) => percentile(times, 0.5))),
    p95_ms: median(rounds.map((times) => percentile(times, 0.95))),
  };
}

/** The share of what holds the answer that is among the first. */
export function recallAt(first: number, { found, evidence }: Ranking): number {
  const near = new Set(found.slice(0, first));
  return evidence.filter((id) => near.has(id)).length / evidence.length;
}

/** 1 over the place of the first that holds the answer; 0 when none is found. */
export function reciprocalRank({ found, evidence }: Ranking): number {
  const wanted = new Set(evidence);
  const place = found.findIndex((id) => wanted.has(id));
  return place === -1 ? 0 : 1 / (place + 1);
}

function percent(shares: readonly number[]): number {
  return (100 * shares.reduce((sum, share) => sum + share, 0)) / Math.max(1, shares.length);
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
