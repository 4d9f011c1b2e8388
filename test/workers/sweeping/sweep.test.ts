import { beforeEach, describe, expect, it } from "vitest";
import { serviceClock } from "../../../src/runtime/clock";
import { travelMs } from "../../support/clock";
import { arm, resetFaults } from "../../support/faults";
import { LEASE_MS, leasedPart } from "../../support/leased-part";
import { bellOf, silentTask } from "../../support/requests-object";
import { batchOf, copyTask, endOf, forgetTasks, onceEach, putBatch, rows, scene } from "../../support/scene";
import { stillTask } from "../../support/still-things";
import { sweepOnce, travelPastBells } from "../../support/sweeper";

const RING = "queue: sendBatch";

beforeEach(() => resetFaults());

const ringAt = async (id: string) =>
  Number((await rows("SELECT ring_at_ms AS at FROM tasks WHERE id = ?", id))[0]?.["at"]);

describe("a sweep", () => {
  it("brings a task on that lost every bell, and its object", async () => {
    const { from, id } = await stillTask();
    travelPastBells();
    await sweepOnce();
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("brings a task on whose consumer died with its lease", async () => {
    const { from, id, command } = await leasedPart();
    resetFaults();
    travelMs(LEASE_MS);
    await sweepOnce();
    expect(await onceEach({ ...from, collectionId: command.collectionId }, await endOf(id))).toBe(true);
  });

  it("rings for no task whose bell may still be heard, nor for one that somebody works on", async () => {
    const [fresh, leased] = [await silentTask(await scene(1)), (await leasedPart()).id];
    const both = () => rows("SELECT id, ring_at_ms, rings FROM tasks WHERE id IN (?, ?) ORDER BY id", fresh, leased);
    const before = await both();
    await sweepOnce();
    expect(await both()).toEqual(before);
  });

  it("rings for a task that nobody takes up after 30 s more, each time after twice as long, up to 10 minutes", async () => {
    const id = await silentTask(await scene(1));
    const waits: number[] = [];
    for (let ring = 0; ring < 7; ring++) {
      travelMs((await ringAt(id)) - serviceClock.nowMs());
      const beforeMs = serviceClock.nowMs();
      await sweepOnce();
      waits.push(Math.floor(((await ringAt(id)) - beforeMs) / 1_000));
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 600, 600]);
  });

  it("begins with 30 s again once somebody has taken the task up", async () => {
    const id = await silentTask(await scene(1));
    travelPastBells();
    await sweepOnce();
    expect(await rows("SELECT rings FROM tasks WHERE id = ?", id)).toEqual([{ rings: 1 }]);
    await bellOf(id);
    expect(await rows("SELECT rings FROM tasks WHERE id = ?", id)).toEqual([{ rings: 0 }]);
  });

  it("leaves a task due that the queue did not take", async () => {
    const { from, id } = await stillTask();
    travelPastBells();
    const before = await ringAt(id);
    arm("fails-before", RING);
    await sweepOnce();
    expect(await ringAt(id)).toBe(before);
    await sweepOnce();
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("looks at no task that has ended", async () => {
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(await scene(1)))).body;
    await endOf(id);
    await rows("UPDATE tasks SET ring_at_ms = 1 WHERE id = ?", id);
    await sweepOnce();
    expect(await ringAt(id)).toBe(1);
  });

  it("says that there is more to do while a page is full, and else not", async () => {
    expect(await sweepOnce()).toBe(false);
    const id = await silentTask(await scene(1));
    await rows("UPDATE tasks SET ring_at_ms = 1 WHERE id = ?", id);
    const copies = await copyTask(id, 99);
    expect([await sweepOnce(), await sweepOnce()]).toEqual([true, false]);
    await forgetTasks(copies);
  });
});
