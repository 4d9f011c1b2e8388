import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CallCounts } from "../../src/runtime/objects/requests/call-counts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function counting() {
  const written: unknown[] = [];
  const counts = new CallCounts(async (seen) => void written.push(seen));
  return { counts, written };
}

describe("the counts of calls", () => {
  it("are written in one statement for all ids, a second after the last call", async () => {
    const { counts, written } = counting();
    counts.add("a", "replays");
    await vi.advanceTimersByTimeAsync(900);
    counts.add("a", "replays");
    counts.add("b", "mismatches");
    await vi.advanceTimersByTimeAsync(999);
    expect(written).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(written).toEqual([
      [
        { id: "a", replays: 2, mismatches: 0 },
        { id: "b", replays: 0, mismatches: 1 },
      ],
    ]);
  });

  it("are written five seconds after the first call at the latest, however many follow", async () => {
    const { counts, written } = counting();
    for (let ms = 0; ms < 5_000; ms += 500) {
      counts.add("a", "replays");
      await vi.advanceTimersByTimeAsync(500);
    }
    expect(written).toEqual([[{ id: "a", replays: 10, mismatches: 0 }]]);
  });

  it("begin anew once they were written", async () => {
    const { counts, written } = counting();
    counts.add("a", "replays");
    await vi.advanceTimersByTimeAsync(1_000);
    counts.add("a", "mismatches");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(written).toEqual([[{ id: "a", replays: 1, mismatches: 0 }], [{ id: "a", replays: 0, mismatches: 1 }]]);
  });
});
