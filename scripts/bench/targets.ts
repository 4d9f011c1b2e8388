import type { Measured } from "./statistics.ts";

/** A ratio of two subjects, and what it has to reach. */
interface Ratio {
  readonly of: string;
  readonly to: string;
  readonly atLeast: number;
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
];

export interface Target {
  readonly text: string;
  readonly value: number;
  readonly bound: string;
  readonly ok: boolean;
}

/** The targets whose both sides were measured. */
export function ratioTargets(measured: readonly Measured[]): readonly Target[] {
  const rates = new Map(measured.map((row) => [row.subject, row.per_second]));
  return RATIOS.flatMap(({ of, to, atLeast, above }) => {
    const [rate, floor] = [rates.get(of), rates.get(to)];
    if (rate === undefined || floor === undefined) return [];
    const value = rate / floor;
    const ok = above ? value > atLeast : value >= atLeast;
    return [{ text: `${of} / ${to}`, value, bound: `${above ? ">" : ">="} ${atLeast}`, ok }];
  });
}
