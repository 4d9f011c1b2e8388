import { placesOfCreation } from "../../support/creation-cases";
import { describeCases } from "../../support/creation-suite";
import { at, pairsOf, singlesOf } from "../../support/creation-strikes";

const places = at(await placesOfCreation("both"), "call", "read", "write", "read-back", "ring");

describeCases("one fault, sent through two placements at once,", singlesOf(places), "both");

describeCases(
  "two faults, sent through two placements at once,",
  pairsOf(at(places, "call", "write"), places, "both"),
  "both",
);
