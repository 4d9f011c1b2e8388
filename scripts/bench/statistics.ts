import type { Sample } from "./round.ts";

/** Medians over the rounds of one subject. */
export interface Measured {
  readonly subject: string;
  readonly per_second: number;
  readonly slowest: number;
  readonly fastest: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** A second, in the order of the rounds. */
  readonly rounds: readonly number[];
}

export function summarize(subject: string, samples: readonly Sample[]): Measured {
  const rates = samples.map((sample) => sample.perSecond);
  return {
    subject,
    per_second: median(rates),
    slowest: Math.min(...rates),
    fastest: Math.max(...rates),
    p50_ms: median(samples.map((sample) => sample.p50Ms)),
    p99_ms: median(samples.map((sample) => sample.p99Ms)),
    rounds: rates,
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = Math.floor(sorted.length / 2);
  const lower = Math.ceil(sorted.length / 2) - 1;
  return ((sorted[lower] ?? Number.NaN) + (sorted[upper] ?? Number.NaN)) / 2;
}
