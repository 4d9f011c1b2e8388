import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Waiters } from "../../src/runtime/objects/requests/waiters";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Whether a wait is over by now. */
async function isOver(wait: Promise<void>): Promise<boolean> {
  let over = false;
  void wait.then(() => (over = true));
  await vi.advanceTimersByTimeAsync(0);
  return over;
}

describe("a waiter", () => {
  it("is woken by what happens to its task, and by nothing else", async () => {
    const waiters = new Waiters();
    const next = waiters.register("a").next(1_000);
    waiters.wake("b");
    expect(await isOver(next)).toBe(false);
    waiters.wake("a");
    expect(await isOver(next)).toBe(true);
  });

  it("misses no wake that came after it registered, though it did not wait yet", async () => {
    const waiters = new Waiters();
    const waiter = waiters.register("a");
    waiters.wake("a");
    expect(await isOver(waiter.next(1_000))).toBe(true);
  });

  it("waits for another wake after each", async () => {
    const waiters = new Waiters();
    const waiter = waiters.register("a");
    waiters.wake("a");
    waiters.wake("a");
    await waiter.next(1_000);
    const second = waiter.next(1_000);
    expect(await isOver(second)).toBe(false);
    waiters.wake("a");
    expect(await isOver(second)).toBe(true);
  });

  it("waits no longer than its time", async () => {
    const next = new Waiters().register("a").next(1_000);
    await vi.advanceTimersByTimeAsync(999);
    expect(await isOver(next)).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await isOver(next)).toBe(true);
  });

  it("is woken with all others of its task, and not after it has left", async () => {
    const waiters = new Waiters();
    const [one, two] = [waiters.register("a"), waiters.register("a")];
    const [first, second] = [one.next(1_000), two.next(1_000)];
    two.leave();
    waiters.wake("a");
    expect([await isOver(first), await isOver(second)]).toEqual([true, false]);
  });
});
