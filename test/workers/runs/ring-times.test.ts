import { beforeEach, describe, expect, it } from "vitest";
import { standingLeases } from "../../../src/data/parts/lease-store";
import { retryPart, yieldPart } from "../../../src/data/parts/part-store";
import { RESERVATION_MS } from "../../../src/domain/tasks/reservation";
import { serviceClock } from "../../../src/runtime/clock";
import { call } from "../../support/api";
import { travelMs } from "../../support/clock";
import { arm, resetFaults } from "../../support/faults";
import { db, LEASE_MS, leasedPart, RING_MS } from "../../support/leased-part";
import { silentTask } from "../../support/requests-object";
import { fill, reserved } from "../../support/reserve";
import { batchOf, rows, scene } from "../../support/scene";

beforeEach(() => resetFaults());

interface Due {
  readonly ring_at_ms: number;
  readonly rings: number;
}

async function dueOf(id: string): Promise<Due> {
  const [row] = await rows<Due>("SELECT ring_at_ms, rings FROM tasks WHERE id = ?", id);
  if (row === undefined) throw new Error(`There is no task ${id}.`);
  return row;
}

/** Whether the act makes the task due so long after it. */
async function isDueAfter(act: () => Promise<string>, ms: number): Promise<boolean> {
  const beforeMs = serviceClock.nowMs();
  const { ring_at_ms: dueMs } = await dueOf(await act());
  return dueMs >= beforeMs + ms && dueMs <= serviceClock.nowMs() + ms;
}

const endsOf = async (id: string) =>
  (await rows<{ ends: number }>("SELECT lease_expires_at_ms AS ends FROM task_parts WHERE task_id = ?", id)).map(
    ({ ends }) => ends,
  );

/** A task that the sweeper has rung for several times. */
async function rungFor(id: string): Promise<void> {
  await rows("UPDATE tasks SET rings = 4 WHERE id = ?", id);
}

describe("a task is due", () => {
  it("when the bell of its birth has had its time", async () => {
    const from = await scene(1);
    expect(await isDueAfter(() => silentTask(from), RING_MS)).toBe(true);
  });

  it("when its lease ends, from the claim on", async () => {
    const { id, claim } = await leasedPart();
    await rungFor(id);
    expect(await claim("token-2", LEASE_MS)).toMatchObject({ part: 0 });
    expect(await dueOf(id)).toEqual({ ring_at_ms: (await endsOf(id))[0], rings: 0 });
  });

  it("when the first of several leases ends", async () => {
    const { id, claim } = await leasedPart(60);
    const [first] = await endsOf(id);
    await claim("token-2", 20_000);
    expect((await dueOf(id)).ring_at_ms).toBe(first);
  });

  it("later with each heartbeat", async () => {
    const { id, lease } = await leasedPart();
    travelMs(20_000);
    await standingLeases(db, [lease], LEASE_MS);
    const [extended] = await endsOf(id);
    expect((await dueOf(id)).ring_at_ms).toBe(extended);
    expect(extended).toBeGreaterThan(serviceClock.nowMs() + LEASE_MS - 10_000);
  });

  it("at the end of a lapsed lease, though another is extended", async () => {
    const { id, lease, claim } = await leasedPart(60);
    await claim("token-2");
    const [, second] = await endsOf(id);
    travelMs(LEASE_MS);
    await standingLeases(db, [lease], LEASE_MS);
    expect((await dueOf(id)).ring_at_ms).toBe(second);
  });

  it("when a bell has had its time, once a part was given back", async () => {
    const { id, lease } = await leasedPart();
    const act = async () => {
      await yieldPart(db, lease, { restMs: 0, isUntouched: false, ringMs: RING_MS });
      return id;
    };
    expect(await isDueAfter(act, RING_MS)).toBe(true);
  });

  it("when a part that waits may be taken again", async () => {
    const { id, lease } = await leasedPart();
    await rungFor(id);
    const act = async () => {
      await retryPart(db, lease, { restMs: 90_000, error: "The model does not answer.", ringMs: RING_MS });
      return id;
    };
    expect(await isDueAfter(act, 90_000)).toBe(true);
    expect((await dueOf(id)).rings).toBe(0);
  });

  it("when the time of a reservation ends", async () => {
    const { id } = await reserved();
    const [row] = await rows<{ ms: number }>("SELECT ring_at_ms - created_at_ms AS ms FROM tasks WHERE id = ?", id);
    expect(row?.ms).toBe(RESERVATION_MS);
  });

  it("when the bell of its fill has had its time", async () => {
    const [held, from] = [await reserved(), await scene(1)];
    arm("drops", "queue: sendBatch", 1_000);
    const act = async () => {
      await fill(held, batchOf(from));
      return held.id;
    };
    expect(await isDueAfter(act, RING_MS)).toBe(true);
  });

  it("when the bell of an invoke has had its time", async () => {
    const id = await silentTask(await scene(1));
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    await rungFor(id);
    const act = async () => {
      await call("PATCH", `/v1/checkmate/tasks/${id}/invoke`);
      return id;
    };
    expect(await isDueAfter(act, RING_MS)).toBe(true);
    expect((await dueOf(id)).rings).toBe(0);
  });
});
