import { whyNotMetBy } from "./creation-met";
import type { Place, Role, Sending, Strike } from "./creation-places";

export interface Case {
  readonly name: string;
  readonly strikes: readonly Strike[];
  /** How many of the strikes can be met. */
  readonly met: number;
}

type Blow = Omit<Strike, "place">;

const READ: readonly Blow[] = [{ kind: "fails-before" }, { kind: "reorders" }];
const HANGS: Blow = { kind: "hangs" };
const CALLED: readonly Blow[] = [...READ, { kind: "fails-after" }, { kind: "doubles" }];
const CRASHES: readonly Blow[] = [{ kind: "crashes-before" }, { kind: "crashes-after" }];
const LANDS: readonly Blow[] = [
  { kind: "lands-late", lands: "overtaken" },
  { kind: "lands-late", lands: "acknowledged" },
];
const CRASHES_LANDING: readonly Blow[] = [
  { kind: "crashes-landing", lands: "overtaken" },
  { kind: "crashes-landing", lands: "acknowledged" },
];

/** A read that happened and a read that did not are one to whoever gets an error; so are two and one. */
const BLOWS: Readonly<Record<Role, readonly Blow[]>> = {
  key: [...READ, HANGS],
  call: [...CALLED, HANGS, ...LANDS],
  read: [...READ, HANGS, ...CRASHES],
  write: [...CALLED, HANGS, ...LANDS, ...CRASHES, ...CRASHES_LANDING],
  "read-back": [{ kind: "fails-before" }, HANGS, { kind: "crashes-before" }],
  ring: [...CALLED, HANGS, { kind: "drops" }, { kind: "lands-late", lands: "acknowledged" }, ...CRASHES],
  // The local queue runs one batch at a time: a consumer that hangs would hold up all other cases.
  look: READ,
};

/** Every fault at every place. */
export function strikesAt(places: readonly Place[]): readonly Strike[] {
  return places.flatMap((place) => BLOWS[place.role].map((blow) => ({ place, ...blow })));
}

/** Each fault by itself, but at a place that is come to only after another fault. */
export function singlesOf(places: readonly Place[]): readonly Case[] {
  return strikesAt(places.filter(({ role }) => role !== "read-back")).map((strike) => ({
    name: nameOf([strike]),
    strikes: [strike],
    met: 1,
  }));
}

/** Each of the first, followed by each of all. */
export function pairsOf(firsts: readonly Place[], places: readonly Place[], sending: Sending): readonly Case[] {
  const whyNotMet = whyNotMetBy(sending);
  return strikesAt(firsts.filter(({ role }) => role !== "read-back")).flatMap((first) =>
    strikesAt(places).map((second) => {
      const reason = whyNotMet(first, second);
      const name = nameOf([first, second]) + (reason === undefined ? "" : `, which it does not come to: ${reason}`);
      return { name, strikes: [first, second], met: reason === undefined ? 2 : 1 };
    }),
  );
}

export function at(places: readonly Place[], ...roles: readonly Role[]): readonly Place[] {
  return places.filter(({ role }) => roles.includes(role));
}

function nameOf(strikes: readonly Strike[]): string {
  return strikes
    .map(({ place, kind, lands }) => `${kind} at the ${place.role}${lands === undefined ? "" : `, until ${lands}`}`)
    .join(", then ");
}
