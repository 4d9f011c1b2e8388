import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CREATIONS_WAITING_MAX } from "../../src/runtime/config/limits";
import { Gatherer, TooManyWaiting } from "../../src/runtime/objects/requests/gatherer";

/** A gatherer that takes a turn for each group, and the sizes of its groups. */
function gathering() {
  const sizes: number[] = [];
  const gatherer = new Gatherer<number, number>(String, async (items) => {
    sizes.push(items.length);
    await new Promise((resolve) => void setTimeout(resolve, 5));
    return items.map((value) => ({ ok: true, value }));
  });
  return { gatherer, sizes };
}

describe("a gatherer", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("serves who comes alone at once", async () => {
    const groups: (readonly number[])[] = [];
    const gatherer = new Gatherer<number, number>(String, async (items) => {
      groups.push(items);
      return items.map((value) => ({ ok: true, value }));
    });
    // No timer fires in this test: nothing is waited for.
    await gatherer.add(1);
    await gatherer.add(2);
    expect(groups).toEqual([[1], [2]]);
  });

  it("keeps those together who come again when they were served, though each takes a moment", async () => {
    const { gatherer, sizes } = gathering();
    const client = async (number: number) => {
      for (let round = 0; round < 5; round++) {
        await gatherer.add(number);
        await new Promise((resolve) => void setTimeout(resolve, 1 + (number % 2)));
      }
    };
    const clients = Promise.all([0, 1, 2, 3].map((number) => client(number)));
    await vi.runAllTimersAsync();
    await clients;
    expect(sizes).toEqual([4, 4, 4, 4, 4]);
  });

  it("waits no longer once all have come again", async () => {
    const groups: (readonly number[])[] = [];
    const gatherer = new Gatherer<number, number>(String, async (items) => {
      groups.push(items);
      return items.map((value) => ({ ok: true, value }));
    });
    // No timer fires in this test either, and the gatherer waits already when they come.
    await Promise.all([1, 2].map((number) => gatherer.add(number)));
    while (vi.getTimerCount() === 0) await Promise.resolve();
    await Promise.all([1, 2].map((number) => gatherer.add(number)));
    expect(groups).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  it("does not wait for those who stay away", async () => {
    const { gatherer, sizes } = gathering();
    const first = [1, 2, 3].map((number) => gatherer.add(number));
    await vi.runAllTimersAsync();
    await Promise.all(first);
    const alone = gatherer.add(4);
    await vi.runAllTimersAsync();
    await alone;
    expect(sizes).toEqual([3, 1]);
  });

  it("takes a hundred different things into one group, and all that are about the same", async () => {
    const { gatherer, sizes } = gathering();
    const calls = Array.from({ length: 150 * 7 }, (_, index) => gatherer.add(index % 150));
    await vi.runAllTimersAsync();
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 150 * 7 }, (_, index) => index % 150));
    expect(sizes).toEqual([100 * 7, 50 * 7]);
  });

  it("refuses at once who finds too many waiting, and serves those", async () => {
    const { gatherer, sizes } = gathering();
    const waiting = Array.from({ length: CREATIONS_WAITING_MAX }, () => gatherer.add(1));
    await expect(gatherer.add(1)).rejects.toThrow(TooManyWaiting);
    await vi.runAllTimersAsync();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([1]));
    expect(sizes).toEqual([CREATIONS_WAITING_MAX]);
    const later = gatherer.add(2);
    await vi.runAllTimersAsync();
    expect(await later).toBe(2);
  });
});
