import { describe, expect, it } from "vitest";
import { placesOfCreation } from "../../support/creation-cases";
import { describeCases } from "../../support/creation-suite";
import { at, pairsOf, singlesOf } from "../../support/creation-strikes";

const places = await placesOfCreation();
/** The key comes before all that is of the creation. */
const [, ...onPath] = places;

describe("the places of a creation", () => {
  it("are its key, the call of the object, the read, the rows, the bell, and the look of who takes the bell", () => {
    expect(places.map(({ role }) => role)).toEqual(["key", "call", "read", "write", "read-back", "ring", "look"]);
  });
});

describeCases("one fault", singlesOf(places));

/** The other half, whose first fault comes at the write or later, is a file of its own, so that both run side by side. */
describeCases("two faults, the first before its write,", pairsOf(at(onPath, "call", "read"), onPath, "one"));
