import { describe, expect, it } from "vitest";
import { placesOfCreation } from "../../support/creation-cases";
import { describeCases } from "../../support/creation-suite";
import { at, pairsOf, singlesOf } from "../../support/creation-strikes";

/** The object gathers its two creations: one read, one transaction in D1, one call of the queue. */
const ofBulk = await placesOfCreation("bulk");
/** One trip: what is referred to is known. */
const ofKnown = at(await placesOfCreation("known"), "call", "write", "read-back", "ring", "look");

describe("the places of a bulk's creation", () => {
  it("are those of one task", () => {
    expect(ofBulk.map(({ role }) => role)).toEqual(["key", "call", "read", "write", "read-back", "ring", "look"]);
  });
});

describe("the places of a creation of which all is known", () => {
  it("are those of any other, without a read", () => {
    expect(ofKnown.map(({ role }) => role)).toEqual(["call", "write", "read-back", "ring", "look"]);
  });
});

describeCases("one fault, as a bulk of two,", singlesOf(ofBulk), "bulk");

describeCases(
  "two faults on what an object gathers, as a bulk of two,",
  pairsOf(at(ofBulk, "read", "write"), at(ofBulk, "read", "write", "read-back", "ring"), "bulk"),
  "bulk",
);

describeCases("one fault, in one trip,", singlesOf(ofKnown), "known");

describeCases(
  "two faults, in one trip,",
  pairsOf(at(ofKnown, "call", "write"), at(ofKnown, "call", "write", "read-back", "ring"), "known"),
  "known",
);
