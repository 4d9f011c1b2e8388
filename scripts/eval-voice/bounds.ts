import type { Figures } from "./measure.ts";

/** A figure beside what it has to reach. */
export interface Bound {
  readonly what: string;
  readonly value: number;
  readonly bound: string;
  readonly ok: boolean;
}

const FACTS_KEPT_MIN = 0.99;
const CHANGED_MIN = 0.9;
const TOLD_APART_MIN = 0.9;
const MS_MEDIAN_MAX = 15;

/** The worst agent or pair against each bound. */
export function boundsOf({ agents, pairs }: Figures): readonly Bound[] {
  return [
    atLeast("names, numbers and dates kept", least(agents.map(keptOf)), FACTS_KEPT_MIN),
    atLeast("memories changed", least(agents.map(({ changed }) => changed)), CHANGED_MIN),
    ...(pairs.length === 0
      ? []
      : [atLeast("agents told apart", least(pairs.map((pair) => pair.told_apart)), TOLD_APART_MIN)]),
    none("faults of grammar", most(agents.map(({ faults }) => faults))),
    none("openers again within five", most(agents.map((agent) => agent.opener_repeats))),
    none("questions that are none any more", most(agents.map((agent) => agent.questions_changed))),
    // A busy machine says nothing of the voice: the time is told, and fails nothing.
    {
      what: "milliseconds a memory, median",
      value: most(agents.map((agent) => agent.ms_median)),
      bound: `(≤ ${MS_MEDIAN_MAX} on a quiet machine)`,
      ok: true,
    },
  ];
}

/** Of a file without any fact none is lost. */
export function keptOf({ facts, facts_kept }: Figures["agents"][number]): number {
  return facts === 0 ? 1 : facts_kept / facts;
}

function atLeast(what: string, value: number, bound: number): Bound {
  return { what, value, bound: `≥ ${bound}`, ok: value >= bound };
}

function least(values: readonly number[]): number {
  return Math.min(...values);
}

function most(values: readonly number[]): number {
  return Math.max(...values);
}

function none(what: string, value: number): Bound {
  return { what, value, bound: "0", ok: value === 0 };
}
