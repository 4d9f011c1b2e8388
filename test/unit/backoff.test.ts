import { describe, expect, it } from "vitest";
import { nextTryMs } from "../../src/runtime/objects/requests/backoff";

const LEASE_SECONDS = 60;
const triesOf = (tries: number) => Array.from({ length: 200 }, () => nextTryMs(tries, LEASE_SECONDS));

describe("inside the object, rule 5: re-rings back off", () => {
  it.each([
    ["half a lease after something moved", 0, 30_000],
    ["twice as long after a look in vain", 1, 60_000],
    ["twice as long again", 2, 120_000],
    ["ten minutes at most", 5, 600_000],
    ["ten minutes for ever", 10_000, 600_000],
  ])("%s, give or take a fifth", (_, tries, base) => {
    const waits = triesOf(tries);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(base * 0.8);
    expect(Math.max(...waits)).toBeLessThanOrEqual(base * 1.2);
  });

  it("are spread: objects that failed together do not come back together", () => {
    expect(new Set(triesOf(0).map(Math.round)).size).toBeGreaterThan(100);
  });
});
