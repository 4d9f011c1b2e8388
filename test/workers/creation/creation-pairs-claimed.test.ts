import { beforeAll, describe, expect, it } from "vitest";
import {
  type Case,
  exactlyOnce,
  named,
  type Outcome,
  pairsOf,
  placesOfCreation,
  strikeAll,
} from "../../support/creation-cases";

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
