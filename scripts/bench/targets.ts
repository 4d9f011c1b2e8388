import type { Measured } from "./statistics.ts";

/** A ratio of two subjects, and what it has to reach; without that it is only told. */
interface Ratio {
  readonly of: string;
  readonly to: string;
  readonly atLeast?: number;
  /** The ratio must lie above the bound, not on it. */
  readonly above?: true;
}

const RATIOS: readonly Ratio[] = [
  { of: "request-new", to: "new-object", atLeast: 0.7 },
  { of: "request-new", to: "workflow", atLeast: 1.3 },
  { of: "request-replay", to: "object-and-read", atLeast: 0.8 },
  { of: "request-bulk", to: "request-new", atLeast: 10 },
  { of: "shared-new", to: "shared-insert", atLeast: 0.7 },
  { of: "shared-new-64", to: "shared-new", atLeast: 1, above: true },
  { of: "shared-replay", to: "object-and-read", atLeast: 0.8 },
  { of: "shared-bulk", to: "shared-new", atLeast: 10 },
  { of: "whole-creation", to: "new-object" },
  { of: "whole-creation", to: "workflow" },
  { of: "request-new", to: "whole-creation" },
];

export interface Target {
  readonly text: string;
  readonly value: number;
  /** Null when there is none to reach. */
  readonly bound: string | null;
  readonly ok: boolean;
}

/** The ratios whose both sides were measured. */
export function ratioTargets(measured: readonly Measured[]): readonly Target[] {
  const rates = new Map(measured.map((row) => [row.subject, row.per_second]));
  return RATIOS.flatMap(({ of, to, atLeast, above }): readonly Target[] => {
    const [rate, floor] = [rates.get(of), rates.get(to)];
    if (rate === undefined || floor === undefined) return [];
    const value = rate / floor;
    const text = `${of} / ${to}`;
    if (atLeast === undefined) return [{ text, value, bound: null, ok: true }];
    const ok = above ? value > atLeast : value >= atLeast;
    return [{ text, value, bound: `${above ? ">" : ">="} ${atLeast}`, ok }];
  });
}
