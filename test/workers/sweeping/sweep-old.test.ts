import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { openServices } from "../../../src/runtime/composition";
import { Sweep } from "../../../src/services/sweeping/sweep";
import { call, until } from "../../support/api";
import { travelMs } from "../../support/clock";
import { filesOf, ndjson, newEmpty, putFile } from "../../support/collection-files";
import { arm, disarm, resetFaults } from "../../support/faults";
import { withFaults } from "../../support/faulty-bindings";
import { refusalOf } from "../../support/refusal";
import { bellOf, silentTask } from "../../support/requests-object";
import { loseObject, reserved } from "../../support/reserve";
import { batchOf, copyTask, endOf, putBatch, rows, scene } from "../../support/scene";
import { sweepOnce } from "../../support/sweeper";

const DAY_MS = 86_400_000;

beforeEach(() => resetFaults());

/** A task that ended `atMs` after the epoch: far past its retention. */
async function endedTask(atMs: number): Promise<string> {
  const { id } = (await putBatch(crypto.randomUUID(), batchOf(await scene(1)))).body;
  await endOf(id);
  await rows("UPDATE tasks SET ended_at_ms = ? WHERE id = ?", atMs, id);
  return id;
}

async function removedOf(ids: readonly string[]): Promise<readonly string[]> {
  const removed = new Set((await rows("SELECT id FROM tasks WHERE deleted_at_ms IS NOT NULL")).map(({ id }) => id));
  return ids.filter((id) => removed.has(id));
}

describe("a sweep of what is old", () => {
  it("removes tasks past their retention, and forgets tombstones past their time", async () => {
    const requestId = crypto.randomUUID();
    const body = batchOf(await scene(1));
    const { id } = (await putBatch(requestId, body)).body;
    await endOf(id);
    travelMs(89 * DAY_MS);
    await sweepOnce();
    expect((await putBatch(requestId, body)).status).toBe(200);
    travelMs(2 * DAY_MS);
    await sweepOnce();
    expect(refusalOf(await putBatch(requestId, body))).toBe("410 request-id-retired");
    travelMs(399 * DAY_MS);
    await sweepOnce();
    expect(await rows("SELECT 1 FROM tasks WHERE id = ?", id)).toHaveLength(1);
    travelMs(2 * DAY_MS);
    await sweepOnce();
    expect(await rows("SELECT 1 FROM tasks WHERE id = ?", id)).toEqual([]);
    expect(await rows("SELECT 1 FROM task_events WHERE task_id = ?", id)).toEqual([]);
  });

  it.each([
    ["", async () => undefined],
    [", though its object has lost its record", loseObject],
  ])("keeps a task past its retention that runs again%s", async (_, lose) => {
    const id = await silentTask(await scene(1));
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    await rows("UPDATE tasks SET ended_at_ms = 1 WHERE id = ?", id);
    await lose(id);
    let invoked = false;
    const removal = arm("reorders", "object: removeEnded", 1, { heldUntil: () => invoked });
    const sweeping = sweepOnce();
    await until(
      async () => removal.fired,
      (fired) => fired === 1,
    );
    await call("PATCH", `/v1/checkmate/tasks/${id}/invoke`);
    invoked = true;
    await sweeping;
    expect(await rows("SELECT ended_at_ms, deleted_at_ms FROM tasks WHERE id = ?", id)).toEqual([
      { ended_at_ms: null, deleted_at_ms: null },
    ]);
  });

  it("removes a task again that a restore of the database has brought back", async () => {
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(await scene(1)))).body;
    await endOf(id);
    await call("DELETE", `/v1/batches/${id}`);
    await rows("UPDATE tasks SET deleted_at_ms = NULL, ended_at_ms = 1 WHERE id = ?", id);
    await sweepOnce();
    expect(await rows("SELECT 1 FROM tasks WHERE id = ? AND deleted_at_ms IS NOT NULL", id)).toHaveLength(1);
  });

  it("leaves a reservation alone that is due and not over, though its object has lost its record", async () => {
    const { id } = await reserved();
    await loseObject(id);
    await rows("UPDATE tasks SET ring_at_ms = 1 WHERE id = ?", id);
    await sweepOnce();
    expect(await rows("SELECT 1 FROM tasks WHERE id = ? AND status = 'unbound'", id)).toHaveLength(1);
  });

  it("passes over tasks that cannot be removed, however many they are, and comes back to them", async () => {
    const [stuck, other] = [await endedTask(2), await endedTask(3)];
    const copies = await copyTask(stuck, 99);
    const broken = arm("fails-before", "object: removeEnded", 1_000, { scope: [stuck] });
    const sweeper = new Sweep(openServices(withFaults(env)));
    await sweeper.take();
    expect(await removedOf([stuck, other])).toEqual([]);
    await sweeper.take();
    expect(await removedOf([stuck, other])).toEqual([other]);
    disarm(broken);
    await sweeper.take();
    expect(await removedOf([stuck])).toEqual([stuck]);
    await rows("DELETE FROM tasks WHERE id IN (SELECT value FROM json_each(?))", JSON.stringify(copies));
  });
});

describe("the file of an import", () => {
  it("that no task has claimed within a day is removed: its call was cut off", async () => {
    const collectionId = await newEmpty();
    arm("fails-before", "object: claim", 10);
    expect((await putFile(collectionId, ndjson({ text: "one" }))).status).toBe(503);
    const [staged] = await rows<{ task_id: string }>(
      "SELECT task_id FROM staged_files ORDER BY staged_at_ms DESC LIMIT 1",
    );
    const taskId = staged?.task_id ?? "";
    expect(await filesOf(taskId)).toHaveLength(1);
    travelMs(DAY_MS - 60_000);
    await sweepOnce();
    expect(await filesOf(taskId)).toHaveLength(1);
    travelMs(60_000);
    await sweepOnce();
    expect(await filesOf(taskId)).toEqual([]);
  });

  it("stays with the task that has it", async () => {
    const collectionId = await newEmpty();
    arm("drops", "queue: sendBatch", 1_000);
    const { task_id: id } = (await putFile(collectionId, ndjson({ text: "one" }))).body;
    travelMs(2 * DAY_MS);
    await sweepOnce();
    expect(await filesOf(id)).toHaveLength(1);
    expect(await rows("SELECT 1 FROM staged_files WHERE task_id = ?", id)).toEqual([]);
    resetFaults();
    await bellOf(id);
    expect((await endOf(id)).result).toMatchObject({ created: 1 });
  });
});
