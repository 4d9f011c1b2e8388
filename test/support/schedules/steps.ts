import * as fc from "fast-check";
import type { Fault } from "./bindings-control";

export type Body = "a" | "b";

/** What may be done at the same time as others: a call of a client, or something that comes from the platform. */
export type Act =
  /** `elsewhere`: at another object than the usual one of the id. */
  | { readonly do: "put"; readonly id: number; readonly body: Body; readonly elsewhere: boolean }
  | { readonly do: "post" }
  | { readonly do: "bulk"; readonly items: readonly { readonly id: number; readonly body: Body }[] }
  | { readonly do: "get" | "get-request" | "cancel" | "cancel-request" | "delete"; readonly id: number }
  /** `own`: with which of the client's ids for invokes, if any. */
  | { readonly do: "invoke"; readonly id: number; readonly own: number | null }
  | { readonly do: "sweep" }
  /** Bells reach the consumer: one, all, all in the other order, or all twice. */
  | { readonly do: "deliver"; readonly how: "one" | "all" | "backwards" | "twice" };

export type Step =
  | Act
  | { readonly do: "together"; readonly acts: readonly Act[] }
  | { readonly do: "fault"; readonly fault: Fault }
  /** Lets one of the stalled calls go on. */
  | { readonly do: "release"; readonly which: number }
  | { readonly do: "crash"; readonly id: number }
  | { readonly do: "lose-bell" }
  | { readonly do: "wait"; readonly ms: number };

/** Request ids of a schedule; beside them, POST mints its own. */
export const IDS = 2;
const DAY_MS = 86_400_000;
/** A lease, a bell, the deadline of a call, the longest that the sweeper waits, the end of retention. */
const WAITS_MS = [1_500, 11_000, 31_000, 700_000, 91 * DAY_MS];
const FAULT_KINDS = ["fails-before", "fails-after", "stalls-before", "stalls-after"] as const;

// Mostly the first one: few schedules are about how two ids get on.
const id = fc.constantFrom(0, 0, 0, 1);
const body = fc.constantFrom<Body[]>("a", "a", "a", "b");
const elsewhere = fc.constantFrom(false, false, false, true);
const item = fc.record({ id, body });

type Weighted = { readonly weight: number; readonly arbitrary: fc.Arbitrary<Act> };

function actOn(weight: number, what: "get" | "get-request" | "cancel" | "cancel-request" | "delete"): Weighted {
  return { weight, arbitrary: fc.record({ do: fc.constant(what), id }) };
}

const own = fc.constantFrom(null, 0, 1);
const how = fc.constantFrom("one" as const, "all" as const, "backwards" as const, "twice" as const);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 14, arbitrary: fc.record({ do: fc.constant("put" as const), id, body, elsewhere }) },
  { weight: 1, arbitrary: fc.constant<Act>({ do: "post" }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("bulk" as const), items: fc.array(item, { minLength: 1, maxLength: 3 }) }),
  },
  actOn(3, "get"),
  actOn(2, "get-request"),
  actOn(3, "cancel"),
  actOn(4, "cancel-request"),
  actOn(3, "delete"),
  { weight: 4, arbitrary: fc.record({ do: fc.constant("invoke" as const), id, own }) },
  { weight: 4, arbitrary: fc.constant<Act>({ do: "sweep" }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("deliver" as const), how }) },
);

const fault = fc.record({
  kind: fc.oneof(
    { weight: 40, arbitrary: fc.constantFrom(...FAULT_KINDS) },
    // One costs a time limit.
    { weight: 1, arbitrary: fc.constant("hangs" as const) },
  ),
  at: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom("object" as const, "write" as const) },
    { weight: 2, arbitrary: fc.constant("read" as const) },
    { weight: 1, arbitrary: fc.constant("queue" as const) },
  ),
  skip: fc.constantFrom(0, 0, 0, 1, 1, 2, 3),
  times: fc.constantFrom(1, 1, 1, 2, 3, 6),
});

const aFault = fc.record({ do: fc.constant("fault" as const), fault });
const together = fc.record({
  do: fc.constant("together" as const),
  acts: fc.array(act, { minLength: 2, maxLength: 3 }),
});

function stepOf(weights: { readonly together: number; readonly fault: number }): fc.Arbitrary<Step> {
  return fc.oneof(
    { weight: 40, arbitrary: act },
    { weight: weights.together, arbitrary: together },
    { weight: weights.fault, arbitrary: aFault },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("release" as const), which: fc.nat(2) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("crash" as const), id }) },
    { weight: 3, arbitrary: fc.constant<Step>({ do: "lose-bell" }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(...WAITS_MS) }) },
  );
}

const put: Step = { do: "put", id: 0, body: "a", elsewhere: false };
const rowless: Step = { do: "fault", fault: { kind: "fails-before", at: "write", skip: 0, times: 1 } };
/** Longer than one call goes on trying. */
const outage: Step = { do: "fault", fault: { kind: "fails-before", at: "write", skip: 0, times: 6 } };
const ending = fc.constantFrom("cancel" as const, "cancel-request" as const, "delete" as const);
/**
 * How it begins: nothing, a task, one that meets a fault, one without a row, one that has ended, one that was given up,
 * one that is ended while nothing can be written.
 */
const opening: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  { weight: 2, arbitrary: fc.constant([put]) },
  { weight: 3, arbitrary: aFault.map((first) => [first, put]) },
  { weight: 2, arbitrary: fc.constant<Step[]>([rowless, put]) },
  { weight: 2, arbitrary: fc.constant<Step[]>([put, { do: "deliver", how: "all" }]) },
  { weight: 2, arbitrary: fc.constant<Step[]>([put, { do: "cancel", id: 0 }]) },
  { weight: 1, arbitrary: fc.constant<Step[]>([{ do: "cancel-request", id: 0 }]) },
  { weight: 2, arbitrary: ending.map((what): Step[] => [put, outage, { do: what, id: 0 }]) },
);

/** What a schedule is mostly about. */
export type Flavour = "faults" | "races";

const STEPS: Readonly<Record<Flavour, fc.Arbitrary<Step>>> = {
  faults: stepOf({ together: 6, fault: 20 }),
  races: stepOf({ together: 30, fault: 12 }),
};

export function scheduleOf(flavour: Flavour): fc.Arbitrary<readonly Step[]> {
  return fc
    .tuple(opening, fc.array(STEPS[flavour], { maxLength: 9, size: "max" }))
    .map(([first, rest]) => [...first, ...rest]);
}

/** One step in one line. */
export function textOf(step: Step): string {
  if (step.do === "together") return `together(${step.acts.map(textOf).join(" | ")})`;
  if (step.do === "fault") return `fault ${Object.values(step.fault).join(" ")}`;
  if (step.do === "bulk") return `bulk ${step.items.map(({ id, body }) => `${id}${body}`).join(" ")}`;
  return Object.values(step).map(String).join(" ");
}
