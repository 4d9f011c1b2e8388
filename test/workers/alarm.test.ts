import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { until } from "../support/api";
import { arm, firedFaults, resetFaults } from "../support/faults";
import { objectOf } from "../support/placement";
import { batchOf, endOf, onceEach, putBatch, scene } from "../support/scene";

const LOOK = "AS working";

beforeEach(() => resetFaults());

function alarmOf(taskId: string): Promise<number | null> {
  return runInDurableObject(objectOf(taskId), (_, state) => state.storage.getAlarm());
}

function store(taskId: string, change: string): Promise<void> {
  return runInDurableObject(objectOf(taskId), (_, state) => void state.storage.sql.exec(`UPDATE claims SET ${change}`));
}

/** A created task that nobody works on, as long as its bells are lost. */
async function silentTask() {
  arm("drops", "queue: sendBatch", 1_000);
  const from = await scene(1);
  const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
  return { from, id: id as string };
}

describe("the alarm of a requests object", () => {
  it("is armed again before the work that it does", async () => {
    const { from, id } = await silentTask();
    await store(id, "due_at_ms = 1");
    resetFaults();
    arm("hangs", LOOK);
    const working = runDurableObjectAlarm(objectOf(id));
    await until(
      async () => firedFaults(),
      (fired) => fired.length === 1,
    );
    expect(await alarmOf(id)).not.toBeNull();
    await working;
    await store(id, "due_at_ms = 1");
    await runDurableObjectAlarm(objectOf(id));
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("comes again when its work fails", async () => {
    const { from, id } = await silentTask();
    await store(id, "due_at_ms = 1");
    resetFaults();
    arm("fails-before", LOOK);
    await runDurableObjectAlarm(objectOf(id));
    expect(firedFaults()).toHaveLength(1);
    expect(await alarmOf(id)).not.toBeNull();
    await store(id, "due_at_ms = 1");
    await runDurableObjectAlarm(objectOf(id));
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("is armed again when the object wakes, though row and bell are done", async () => {
    const { from, id } = await silentTask();
    await store(id, "row_done = 1, bell_done = 1");
    await runInDurableObject(objectOf(id), (_, state) => state.storage.deleteAlarm());
    await evictDurableObject(objectOf(id));
    resetFaults();
    await objectOf(id).ping();
    expect(await alarmOf(id)).not.toBeNull();
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });
});
