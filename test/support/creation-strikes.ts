import type { FaultKind } from "./faults";

/*
 * The places of a creation where a fault can strike, and which of two strikes can both be met.
 */

export const RING = "queue: sendBatch";
const INSERT = "INSERT INTO tasks";
const KEY = "api_keys";

/** One call on the way of a creation. */
export interface Place {
  readonly label: string;
  readonly name: string;
  readonly kinds: readonly FaultKind[];
}

export interface Strike {
  readonly place: Place;
  readonly kind: FaultKind;
}

export interface Case {
  readonly name: string;
  readonly strikes: readonly Strike[];
  /** How many of the strikes can be met. */
  readonly met: number;
}

/** Every fault at every place. */
export function strikesAt(places: readonly Place[]): readonly Strike[] {
  return places.flatMap((place) => place.kinds.map((kind) => ({ place, kind })));
}

export function single(strike: Strike): Case {
  return { name: nameOf([strike]), strikes: [strike], met: 1 };
}

/** Each of the first, followed by each of all. */
export function pairsOf(firsts: readonly Place[], places: readonly Place[]): readonly Case[] {
  return strikesAt(firsts).flatMap((first) =>
    strikesAt(places).map((second) => {
      const reason = whyNotMet(first, second, places);
      const name = nameOf([first, second]) + (reason === undefined ? "" : `, which it does not come to: ${reason}`);
      return { name, strikes: [first, second], met: reason === undefined ? 2 : 1 };
    }),
  );
}

export function named(cases: readonly Case[]): (readonly [string, Case])[] {
  return cases.map((each) => [each.name, each]);
}

/** The places of a path of calls, each of its labels once. */
export function placesOf(path: readonly string[]): readonly Place[] {
  return path.map((label, at) => ({
    label,
    name: `${at + 1} ${shortOf(label)}`,
    kinds: kindsAt(label, at === path.length - 1),
  }));
}

function shortOf(label: string): string {
  const table = /^db: (\w+).*?(?:from|into) "?(\w+)/is.exec(label);
  return table === null ? label : `db: ${table[1]} ${table[2]}`;
}

function kindsAt(label: string, byConsumer: boolean): readonly FaultKind[] {
  const kinds: FaultKind[] = ["fails-before", "fails-after", "doubles", "reorders"];
  // The local queue runs one batch at a time: a consumer that hangs would hold up all other cases.
  if (byConsumer) return kinds;
  kinds.push("hangs");
  if (label.includes(INSERT)) return [...kinds, "crashes-unwritten", "crashes-before", "crashes-after"];
  if (label === RING) return [...kinds, "drops", "crashes-before", "crashes-after"];
  return kinds;
}

function nameOf(strikes: readonly Strike[]): string {
  return strikes.map(({ place, kind }) => `${kind} at ${place.name}`).join(", then ");
}

/** Kinds after which the caller goes on as if nothing had been. */
const HARMLESS: ReadonlySet<FaultKind> = new Set(["doubles", "reorders"]);

/** Why the second of two faults cannot be met once the first has been, or undefined. */
function whyNotMet(first: Strike, second: Strike, places: readonly Place[]): string | undefined {
  const later = places.indexOf(first.place) - places.indexOf(second.place);
  const harmless = HARMLESS.has(first.kind);
  const crash = first.kind.startsWith("crashes");
  const checks = places.findIndex(({ label }) => label.includes(INSERT)) - 1;
  const wasChecked = later > 0 || (later === 0 && harmless);
  if (second.place.label.includes(KEY) && wasChecked)
    return "the key is known by then, and what is known is not read again";
  if (places.indexOf(second.place) === checks && wasChecked)
    return "the claim is known by then, and what is known is not checked again";
  if (isInsert(second) && !crash && wasChecked) return "the row is marked as written, and is not written again";
  const heard = later > 0 || (later === 0 && (harmless || first.kind === "fails-after"));
  // The last place is the consumer's look at the task.
  if (second.place.label === RING && places.indexOf(first.place) === places.length - 1)
    return "the bell was heard, and a task of one part needs no other";
  if (isObjects(second) && heard)
    return "the bell was heard, and who rings from then on is the consumer, not the object";
  return undefined;
}

/** A ring that crashes is met in the object alone. */
export function isObjects({ place, kind }: Strike): boolean {
  return place.label === RING && kind.startsWith("crashes");
}

export function isInsert({ place }: Strike): boolean {
  return place.label.includes(INSERT);
}
