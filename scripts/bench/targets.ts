import type { Measured } from "./statistics.ts";

/**
 * The last commit of the first edition, whose objects kept the claim. Its rates are what some ratios are held to; beside
 * another commit they are only told.
 */
const FIRST_EDITION = "e24bb7e9cae4b4304b04f0b3c938df9550ce84f8";

/** A ratio of two subjects, and what it has to reach; without that it is only told. */
interface Ratio {
  readonly of: string;
  /** Without it: the same subject of the other commit. */
  readonly to?: string;
  readonly atLeast?: number;
  /** The ratio must lie above the bound, not on it. */
  readonly above?: true;
  readonly goal?: number;
}

const RATIOS: readonly Ratio[] = [
  { of: "request-new", to: "workflow", atLeast: 1, goal: 1.25 },
  { of: "request-new", to: "row-claim-two", atLeast: 0.7 },
  { of: "request-replay", to: "object-and-read", atLeast: 1 },
  { of: "shared-replay", to: "object-and-read", atLeast: 1 },
  { of: "shared-new-64", to: "shared-new", atLeast: 1, above: true },
  { of: "shared-new", atLeast: 1.15, goal: 1.5 },
  { of: "request-bulk", atLeast: 1.15, goal: 1.4 },
  { of: "shared-bulk", atLeast: 1.15, goal: 1.4 },
  { of: "request-new" },
  { of: "request-new", to: "row-claim" },
  { of: "request-new", to: "new-object" },
  { of: "request-new", to: "whole-creation" },
  { of: "shared-new", to: "shared-insert" },
  { of: "request-bulk", to: "request-new" },
  { of: "shared-bulk", to: "shared-new" },
  { of: "row-claim", to: "direct" },
  { of: "row-claim-two", to: "workflow" },
  { of: "whole-creation", to: "workflow" },
];

export interface Target {
  readonly text: string;
  readonly value: number;
  /** The same of single rounds: how far it may be trusted. */
  readonly lowest?: number;
  readonly highest?: number;
  /** Null when there is none to reach. */
  readonly bound: string | null;
  readonly ok: boolean;
  /** What is wished for besides; the exit code does not depend on it. */
  readonly goal?: { readonly bound: string; readonly reached: boolean };
}

/** The commit that is measured beside this one. */
export interface Against {
  readonly commit: string;
  readonly name: string;
}

/** What a subject of the other commit is called. */
export function nameAgainst(subject: string, { name }: Against): string {
  return `${subject}@${name}`;
}

/** The ratios whose both sides were measured. */
export function ratioTargets(measured: readonly Measured[], against: Against | null): readonly Target[] {
  const bySubject = new Map(measured.map((row) => [row.subject, row]));
  return RATIOS.flatMap((ratio): readonly Target[] => {
    const to = ratio.to ?? (against === null ? "" : nameAgainst(ratio.of, against));
    const [row, floor] = [bySubject.get(ratio.of), bySubject.get(to)];
    if (row === undefined || floor === undefined) return [];
    const isHeld = ratio.to !== undefined || against?.commit === FIRST_EDITION;
    return [ratioTarget(ratio, row, floor, isHeld)];
  });
}

function ratioTarget({ atLeast, above, goal }: Ratio, row: Measured, floor: Measured, isHeld: boolean): Target {
  const value = row.per_second / floor.per_second;
  const byRound = row.rounds.map((rate, round) => rate / (floor.rounds[round] ?? Number.NaN));
  const text = `${row.subject} / ${floor.subject}`;
  const told = { text, value, lowest: Math.min(...byRound), highest: Math.max(...byRound) };
  if (atLeast === undefined || !isHeld) return { ...told, bound: null, ok: true };
  const ok = above ? value > atLeast : value >= atLeast;
  const bound = `${above ? ">" : ">="} ${atLeast}`;
  return {
    ...told,
    bound,
    ok,
    ...(goal === undefined ? {} : { goal: { bound: `>= ${goal}`, reached: value >= goal } }),
  };
}
