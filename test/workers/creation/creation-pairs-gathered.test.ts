import { beforeAll, describe, expect, it } from "vitest";
import { exactlyOnce, type Outcome, placesOfCreation, strikeAll } from "../../support/creation-cases";
import { type Case, named, pairsOf, single, strikesAt } from "../../support/creation-strikes";

const LIMIT_MS = 600_000;

/** The object gathers its two claims: one read of the checks, one transaction in D1, one call of the queue. */
const places = await placesOfCreation("bulk");
const gathered = places.slice(1, -1);
const singles = strikesAt(places).map(single);
const pairs = pairsOf(gathered, gathered);

let outcomeOf: (of: Case) => Outcome;

beforeAll(async () => {
  outcomeOf = await strikeAll([...singles, ...pairs], "bulk");
}, LIMIT_MS);

describe("the places of a bulk's creation", () => {
  it("are those of one task: its key, the claim, the checks, the rows, the bells, and the look of who takes one", () => {
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

describe("creation of two tasks in one object, with one fault, runs each exactly once", () => {
  it.each(named(singles))("%s", (_, each) => expect(outcomeOf(each)).toEqual(exactlyOnce(each.met, "bulk")));
});

describe("creation of two tasks in one object, with two faults on what it gathers, runs each exactly once", () => {
  it.each(named(pairs))("%s", (_, each) => expect(outcomeOf(each)).toEqual(exactlyOnce(each.met, "bulk")));
});
