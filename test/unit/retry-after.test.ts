import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RETRY_AFTER_SECONDS_MAX, retryAfterSeconds } from "../../src/providers/openai-compatible/retry-after";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");

describe("a Retry-After", () => {
  it.each([
    ["120", 120],
    [" 7 ", 7],
    ["0", 0],
    ["0.2", 1],
    ["3600", 3_600],
    ["3601", 3_600],
    ["999999999", 3_600],
    ["Sun, 01 Mar 2026 12:00:30 GMT", 30],
    ["Sunday, 01-Mar-26 12:01:00 GMT", 60],
    ["Sun, 01 Mar 2026 11:00:00 GMT", 0],
    ["Mon, 01 Mar 2027 12:00:00 GMT", 3_600],
  ])("of %j is %i seconds", (header, seconds) => {
    expect(retryAfterSeconds(header, NOW_MS)).toBe(seconds);
  });

  it.each([null, "", "soon", "-1", "1e9", "Infinity", "Sunday", "30 s", "2026-03-01T12:00:30Z"])(
    "of %j says nothing",
    (header) => {
      expect(retryAfterSeconds(header, NOW_MS)).toBeUndefined();
    },
  );

  it("is never more than the limit, nor less than nothing, whatever a server sends", () => {
    const header = fc.oneof(
      fc.string(),
      fc.integer().map(String),
      fc.date({ noInvalidDate: true }).map((d) => d.toUTCString()),
    );
    fc.assert(
      fc.property(header, (text) => {
        const seconds = retryAfterSeconds(text, NOW_MS) ?? 0;
        expect(Number.isInteger(seconds)).toBe(true);
        expect(seconds).toBeGreaterThanOrEqual(0);
        expect(seconds).toBeLessThanOrEqual(RETRY_AFTER_SECONDS_MAX);
      }),
    );
  });
});
