import { placesOfCreation } from "../../support/creation-cases";
import { describeCases } from "../../support/creation-suite";
import { at, pairsOf } from "../../support/creation-strikes";

const [, ...onPath] = await placesOfCreation();

describeCases("two faults, the first at its write or later,", pairsOf(at(onPath, "write", "ring"), onPath, "one"));
