import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { until } from "../../support/api";
import { arm, resetFaults } from "../../support/faults";
import { objectOf } from "../../support/placement";
import { alarmOf, silentTask } from "../../support/requests-object";
import { endOf, onceEach, scene } from "../../support/scene";

const LOOK = "AS working";

beforeEach(() => resetFaults());

function store(taskId: string, change: string): Promise<void> {
  return runInDurableObject(objectOf(taskId), (_, state) => void state.storage.sql.exec(`UPDATE claims SET ${change}`));
}

/** Lets the alarm fire now, with all claims due. */
async function fire(taskId: string): Promise<void> {
  await store(taskId, "due_at_ms = 1");
  expect(await runDurableObjectAlarm(objectOf(taskId))).toBe(true);
}

// The object lives on in these tests: one that is reset arms its alarm anew as it wakes, whatever its handler did.
describe("the alarm of an object that lives on", () => {
  it("is armed again while its work is still under way", async () => {
    const from = await scene(1);
    const id = await silentTask(from);
    resetFaults();
    const look = arm("hangs", LOOK, 1, { scope: [id] });
    const fired = fire(id);
    await until(
      async () => look.fired,
      (count) => count === 1,
    );
    expect(await alarmOf(id)).not.toBeNull();
    await fired;
    await fire(id);
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("is armed again although its work failed", async () => {
    const from = await scene(1);
    const id = await silentTask(from);
    resetFaults();
    const look = arm("fails-before", LOOK, 1, { scope: [id] });
    await fire(id);
    expect(look.fired).toBe(1);
    expect(await alarmOf(id)).not.toBeNull();
    await fire(id);
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });
});

describe("an alarm that was lost", () => {
  it("is armed again when the object wakes, though row and bell are done", async () => {
    const id = await silentTask(await scene(1));
    await store(id, "row_done = 1, bell_done = 1");
    await runInDurableObject(objectOf(id), (_, state) => state.storage.deleteAlarm());
    await evictDurableObject(objectOf(id));
    await objectOf(id).ping();
    expect(await alarmOf(id)).not.toBeNull();
  });
});
