import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RateBucket } from "../../src/domain/model/rate-bucket";

describe("an amount a minute", () => {
  it("is never passed in any span of a minute, whenever and however much is asked for", () => {
    const steps = fc.array(fc.record({ passMs: fc.nat(20_000), wanted: fc.nat(100) }), { maxLength: 80 });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 200 }), steps, (perMinute, asked) => {
        const bucket = new RateBucket(perMinute, 0);
        const taken: { readonly atMs: number; readonly amount: number }[] = [];
        let nowMs = 0;
        for (const { passMs, wanted } of asked) {
          nowMs += passMs;
          const amount = Math.min(wanted, Math.floor(bucket.available(nowMs)));
          bucket.take(amount);
          taken.push({ atMs: nowMs, amount });
        }
        for (const { atMs } of taken) {
          const span = taken.filter((one) => one.atMs >= atMs && one.atMs < atMs + 60_000);
          expect(span.reduce((sum, { amount }) => sum + amount, 0)).toBeLessThanOrEqual(perMinute);
        }
      }),
    );
  });

  it("is there again after the time that is named", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 500 }), fc.integer({ min: 1, max: 50 }), (perMinute, wanted) => {
        const bucket = new RateBucket(perMinute, 0);
        bucket.take(bucket.available(0));
        const waitMs = bucket.msUntil(wanted, 0);
        expect(waitMs).toBeGreaterThan(0);
        expect(bucket.msUntil(wanted, waitMs)).toBe(0);
      }),
    );
  });

  it("is made up for when one call used more than there was", () => {
    const bucket = new RateBucket(1_200, 0);
    bucket.take(300);
    expect(bucket.available(0)).toBe(0);
    expect(bucket.msUntil(1, 0)).toBeGreaterThan(10_000);
  });
});
