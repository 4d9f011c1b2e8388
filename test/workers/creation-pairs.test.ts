import { beforeAll, describe, expect, it } from "vitest";
import {
  type Case,
  exactlyOnce,
  nameOf,
  type Outcome,
  placesOfCreation,
  strikeAll,
  whyNotMet,
} from "../support/creation-cases";

const LIMIT_MS = 600_000;

const places = await placesOfCreation();
const strikes = places.flatMap((place) => place.kinds.map((kind) => ({ place, kind })));
const singles: Case[] = strikes.map((strike) => ({ name: nameOf([strike]), strikes: [strike], met: 1 }));
const pairs: Case[] = strikes.flatMap((first) =>
  strikes.map((second) => {
    const reason = whyNotMet(first, second, places);
    const name = nameOf([first, second]) + (reason === undefined ? "" : `, which it does not come to: ${reason}`);
    return { name, strikes: [first, second], met: reason === undefined ? 2 : 1 };
  }),
);

let outcomes: ReadonlyMap<string, Outcome | Error>;

beforeAll(async () => {
  outcomes = await strikeAll([...singles, ...pairs]);
}, LIMIT_MS);

/** What came of a case, with as many of its faults as can be met. */
function outcomeOf({ name, met }: Case): Outcome {
  const outcome = outcomes.get(name);
  if (outcome === undefined || outcome instanceof Error) throw outcome ?? new Error(`Not run: ${name}`);
  return { ...outcome, fired: outcome.fired.slice(0, met) };
}

describe("the places of a creation", () => {
  it("are its key, its references, the look-up, the claim, the row, the bell, and the look of who takes the bell", () => {
    expect(places.map(({ name }) => name)).toEqual([
      "1 db: select api_keys",
      "2 db: select agents",
      "3 db: select tasks",
      "4 object: claim",
      "5 db: insert tasks",
      "6 queue: sendBatch",
      "7 db: select tasks",
    ]);
  });
});

describe("creation, with one fault, runs the task exactly once", () => {
  it.each(named(singles))("%s", (_, single) => expect(outcomeOf(single)).toEqual(exactlyOnce(single.met)));
});

describe("creation, with two faults one after the other, runs the task exactly once", () => {
  it.each(named(pairs))("%s", (_, pair) => expect(outcomeOf(pair)).toEqual(exactlyOnce(pair.met)));
});

function named(cases: readonly Case[]): (readonly [string, Case])[] {
  return cases.map((each) => [each.name, each]);
}
