import { beforeAll, describe, expect, it, vi } from "vitest";
import { strikeAll } from "./creation-cases";

import { exactlyOnce, type Outcome } from "./creation-outcome";
import type { Sending } from "./creation-places";
import type { Case } from "./creation-strikes";

const LIMIT_MS = 600_000;

/**
 * Runs cases side by side, and has a test for each: all its faults struck, and the creation kept its promises.
 * @param faults what the creation meets.
 */
export function describeCases(faults: string, cases: readonly Case[], sending: Sending = "one"): void {
  describe(`a creation that meets ${faults} runs each of its tasks exactly once`, () => {
    let outcomeOf: (of: Case) => Outcome;

    beforeAll(async () => {
      // What goes wrong here is meant to.
      for (const level of ["info", "warn", "error"] as const)
        vi.spyOn(console, level).mockImplementation(() => undefined);
      outcomeOf = await strikeAll(cases, sending);
      vi.restoreAllMocks();
    }, LIMIT_MS);

    it.each(cases.map((each) => [each.name, each] as const))("%s", (_, each) =>
      expect(outcomeOf(each)).toEqual(exactlyOnce(each.met, sending)),
    );
  });
}
