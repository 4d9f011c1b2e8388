import { beforeAll, describe, expect, it } from "vitest";
import { exactlyOnce, type Outcome, placesOfCreation, strikeAll } from "../../support/creation-cases";
import { type Case, named, pairsOf, single, strikesAt } from "../../support/creation-strikes";

const LIMIT_MS = 600_000;

const places = await placesOfCreation();
const singles = strikesAt(places).map(single);
/** The other half, whose first fault comes after the claim, is a file of its own, so that both run side by side. */
const pairs = pairsOf(places.slice(0, 3), places);

let outcomeOf: (of: Case) => Outcome;

beforeAll(async () => {
  outcomeOf = await strikeAll([...singles, ...pairs]);
}, LIMIT_MS);

describe("the places of a creation", () => {
  it("are its key, the claim, the checks, the row, the bell, and the look of who takes the bell", () => {
    expect(places.map(({ label }) => label)).toEqual([
      expect.stringMatching(/^db: .*api_keys/s),
      "object: claim",
      expect.stringMatching(/^db: .*agents.*collections/s),
      expect.stringMatching(/^db: INSERT INTO tasks/),
      "queue: sendBatch",
      expect.stringMatching(/^db: .*tasks/s),
    ]);
  });
});

describe("creation, with one fault, runs the task exactly once", () => {
  it.each(named(singles))("%s", (_, each) => expect(outcomeOf(each)).toEqual(exactlyOnce(each.met)));
});

describe("creation, with two faults of which the first comes up to the claim, runs the task exactly once", () => {
  it.each(named(pairs))("%s", (_, each) => expect(outcomeOf(each)).toEqual(exactlyOnce(each.met)));
});
