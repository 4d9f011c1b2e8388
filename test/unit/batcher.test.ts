import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CREATIONS_WAITING_MAX } from "../../src/runtime/config/limits";
import { Batcher, TooManyWaiting } from "../../src/runtime/objects/requests/batcher";

/** A batcher that takes a turn for each batch, and the sizes of its batches. */
function sized() {
  const sizes: number[] = [];
  const batcher = new Batcher<number, number>(String, async (items) => {
    sizes.push(items.length);
    await new Promise((resolve) => void setTimeout(resolve, 5));
    return items;
  });
  return { batcher, sizes };
}

interface Item {
  readonly key: string;
  readonly name: string;
}

/** A batcher whose work ends when the test says so, and its batches by the names of their items. */
function held() {
  const batches: (readonly string[])[] = [];
  const ends: PromiseWithResolvers<void>[] = [];
  const batcher = new Batcher<Item, string>(
    ({ key }) => key,
    async (items) => {
      batches.push(items.map(({ name }) => name));
      const end = Promise.withResolvers<void>();
      ends.push(end);
      await end.promise;
      return items.map(({ name }) => name);
    },
  );
  const add = (name: string, key = name) => batcher.add({ key, name });
  return { add, batches, end: (batch: number) => ends[batch]?.resolve() };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a batcher", () => {
  it("serves who comes alone at once", async () => {
    const batches: (readonly number[])[] = [];
    const batcher = new Batcher<number, number>(String, async (items) => {
      batches.push(items);
      return items;
    });
    // No timer fires in this test: nothing is waited for.
    await batcher.add(1);
    await batcher.add(2);
    expect(batches).toEqual([[1], [2]]);
  });

  it("keeps those together who come again when they were served, though each takes a moment", async () => {
    const { batcher, sizes } = sized();
    const client = async (number: number) => {
      for (let round = 0; round < 5; round++) {
        await batcher.add(number);
        await new Promise((resolve) => void setTimeout(resolve, 1 + (number % 2)));
      }
    };
    const clients = Promise.all([0, 1, 2, 3].map((number) => client(number)));
    await vi.runAllTimersAsync();
    await clients;
    expect(sizes).toEqual([4, 4, 4, 4, 4]);
  });

  it("waits no longer once all have come again", async () => {
    const batches: (readonly number[])[] = [];
    const batcher = new Batcher<number, number>(String, async (items) => {
      batches.push(items);
      return items;
    });
    // No timer fires in this test either, and the batcher waits already when they come.
    await Promise.all([1, 2].map((number) => batcher.add(number)));
    while (vi.getTimerCount() === 0) await Promise.resolve();
    await Promise.all([1, 2].map((number) => batcher.add(number)));
    expect(batches).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  it("does not wait for those who stay away", async () => {
    const { batcher, sizes } = sized();
    const first = [1, 2, 3].map((number) => batcher.add(number));
    await vi.runAllTimersAsync();
    await Promise.all(first);
    const alone = batcher.add(4);
    await vi.runAllTimersAsync();
    await alone;
    expect(sizes).toEqual([3, 1]);
  });

  it("takes a hundred different things into one batch, and all that are about the same", async () => {
    const { batcher, sizes } = sized();
    const calls = Array.from({ length: 150 * 7 }, (_, index) => batcher.add(index % 150));
    await vi.runAllTimersAsync();
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 150 * 7 }, (_, index) => index % 150));
    expect(sizes).toEqual([100 * 7, 50 * 7]);
  });

  it("refuses at once who finds too many waiting, and serves those", async () => {
    const { batcher, sizes } = sized();
    const waiting = Array.from({ length: CREATIONS_WAITING_MAX }, () => batcher.add(1));
    await expect(batcher.add(1)).rejects.toThrow(TooManyWaiting);
    await vi.runAllTimersAsync();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([1]));
    expect(sizes).toEqual([CREATIONS_WAITING_MAX]);
    const later = batcher.add(2);
    await vi.runAllTimersAsync();
    expect(await later).toBe(2);
  });

  it("fails all of a batch whose work throws, and serves the next", async () => {
    let isBroken = true;
    const batcher = new Batcher<number, number>(String, async (items) => {
      if (isBroken) throw new Error("The work is broken.");
      return items;
    });
    const failed = Promise.allSettled([batcher.add(1), batcher.add(2)]);
    await vi.runAllTimersAsync();
    expect((await failed).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    isBroken = false;
    expect(await batcher.add(1)).toBe(1);
  });
});

describe("a batcher, while a batch is at work", () => {
  it("begins no batch of a key that is at work: who comes for it joins the next", async () => {
    const { add, batches, end } = held();
    const first = add("first", "a");
    await vi.advanceTimersByTimeAsync(0);
    const followers = Promise.all([add("second", "a"), add("third", "a")]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(batches).toEqual([["first"]]);
    end(0);
    expect(await first).toBe("first");
    await vi.advanceTimersByTimeAsync(0);
    expect(batches).toEqual([["first"], ["second", "third"]]);
    end(1);
    expect(await followers).toEqual(["second", "third"]);
  });

  it("lets the others of a batch that hangs go on: what hangs, hangs for itself", async () => {
    const { add, batches, end } = held();
    void add("hangs", "a");
    await vi.advanceTimersByTimeAsync(0);
    const [same, other] = [add("waits", "a"), add("other", "b")];
    await vi.advanceTimersByTimeAsync(60_000);
    expect(batches).toEqual([["hangs"], ["other"]]);
    end(1);
    expect(await other).toBe("other");
    end(0);
    await vi.advanceTimersByTimeAsync(0);
    end(2);
    expect(await same).toBe("waits");
  });
});
