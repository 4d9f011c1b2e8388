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

/** The worst agent or pair against each bound. The time is a bound on a quiet machine, and only told. */
export function boundsOf({ agents, pairs }: Figures): readonly Bound[] {
  const least = (values: readonly number[]) => Math.min(...values);
  const most = (values: readonly number[]) => Math.max(...values);
  return [
    atLeast("names, numbers and dates kept", least(agents.map(keptOf)), FACTS_KEPT_MIN),
    atLeast("memories changed", least(agents.map(({ changed }) => changed)), CHANGED_MIN),
    ...(pairs.length === 0
      ? []
      : [atLeast("agents told apart", least(pairs.map((pair) => pair.told_apart)), TOLD_APART_MIN)]),
    none("faults of grammar", most(agents.map(({ faults }) => faults))),
    none("openers again within five", most(agents.map((agent) => agent.opener_repeats))),
    none("questions that are none any more", most(agents.map((agent) => agent.questions_changed))),
    atMost("milliseconds a memory, median", most(agents.map((agent) => agent.ms_median)), MS_MEDIAN_MAX),
  ];
}

/** Of a file without any fact none is lost. */
export function keptOf({ facts, facts_kept }: Figures["agents"][number]): number {
  return facts === 0 ? 1 : facts_kept / facts;
}

function atLeast(what: string, value: number, bound: number): Bound {
  return { what, value, bound: `≥ ${bound}`, ok: value >= bound };
}

function atMost(what: string, value: number, bound: number): Bound {
  return { what, value, bound: `≤ ${bound}`, ok: value <= bound };
}

function none(what: string, value: number): Bound {
  return { what, value, bound: "0", ok: value === 0 };
}
