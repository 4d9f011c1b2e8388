import { beforeAll, describe, expect, it } from "vitest";
import { exactlyOnce, type Outcome, placesOfCreation, strikeAll } from "../../support/creation-cases";
import { type Case, named, pairsOf } from "../../support/creation-strikes";

const LIMIT_MS = 600_000;

const places = await placesOfCreation();
const pairs = pairsOf(places.slice(3), places);

let outcomeOf: (of: Case) => Outcome;

beforeAll(async () => {
  outcomeOf = await strikeAll(pairs);
}, LIMIT_MS);

describe("creation, with two faults of which the first comes after the claim, runs the task exactly once", () => {
  it.each(named(pairs))("%s", (_, each) => expect(outcomeOf(each)).toEqual(exactlyOnce(each.met)));
});
