import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Claim, fairShares } from "../../src/domain/model/fair-shares";

const claims = fc.uniqueArray(
  fc.record({ key: fc.string({ maxLength: 3 }), wanted: fc.nat(40), served: fc.nat(1_000) }),
  { selector: ({ key }) => key, maxLength: 12 },
);

describe("fair shares", () => {
  it("leave nothing over while somebody wants it, and give nobody more than it wants", () => {
    fc.assert(
      fc.property(fc.nat(100), claims, (total, wanting) => {
        const shares = fairShares(total, wanting);
        const wanted = wanting.reduce((sum, claim) => sum + claim.wanted, 0);
        expect([...shares.values()].reduce((sum, share) => sum + share, 0)).toBe(Math.min(total, wanted));
        for (const claim of wanting) expect(shares.get(claim.key)).toBeLessThanOrEqual(claim.wanted);
      }),
    );
  });

  it("leave who gets less than it wants at most one behind any other", () => {
    fc.assert(
      fc.property(fc.nat(100), claims, (total, wanting) => {
        const shares = fairShares(total, wanting);
        const short = wanting.filter(({ key, wanted }) => (shares.get(key) ?? 0) < wanted);
        const least = Math.min(...short.map(({ key }) => shares.get(key) ?? 0));
        expect(least).toBeGreaterThanOrEqual(Math.max(0, ...shares.values()) - 1);
      }),
    );
  });

  it("pass nobody over for more than a round, however few there are to share", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 9 }), (total, count) => {
        const served = new Map(Array.from({ length: count }, (_, key) => [String(key), 0]));
        const rounds = 4;
        for (let at = 0; at < rounds * Math.ceil(count / total); at++) {
          const wanting: Claim[] = [...served].map(([key, had]) => ({ key, wanted: 5, served: had }));
          for (const [key, share] of fairShares(total, wanting)) served.set(key, (served.get(key) ?? 0) + share);
        }
        expect(Math.min(...served.values())).toBeGreaterThanOrEqual(rounds);
      }),
    );
  });
});
