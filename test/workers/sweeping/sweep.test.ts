import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { serviceClock } from "../../../src/runtime/clock";
import { openServices } from "../../../src/runtime/composition";
import { Sweep } from "../../../src/services/sweeping/sweep";
import { call, until } from "../../support/api";
import { travelMs } from "../../support/clock";
import { filesOf, ndjson, newEmpty, putFile } from "../../support/collection-files";
import { denseWorker } from "../../support/dense";
import { arm, disarm, resetFaults } from "../../support/faults";
import { withFaults } from "../../support/faulty-bindings";
import { LEASE_MS, leasedPart } from "../../support/leased-part";
import { refusalOf } from "../../support/refusal";
import { bellOf, silentTask } from "../../support/requests-object";
import { loseObject } from "../../support/reserve";
import { batchOf, endOf, onceEach, putBatch, rows, scene } from "../../support/scene";
import { scriptedEmbedder } from "../../support/scripted-embedder";
import { type StillThings, stillTask, stillThings } from "../../support/still-things";
import { sweepOnce, travelPastBells } from "../../support/sweeper";

const DAY_MS = 86_400_000;
const RING = "queue: sendBatch";

beforeEach(() => resetFaults());

const ringAt = async (id: string) =>
  Number((await rows("SELECT ring_at_ms AS at FROM tasks WHERE id = ?", id))[0]?.["at"]);

/** The steps whose things are not looked after. */
async function undone(things: StillThings): Promise<readonly string[]> {
  const done = await Promise.all(
    Object.entries(things).map(async ([step, { isDone }]) => ((await isDone()) ? [] : [step])),
  );
  return done.flat();
}

/** Rows like that of a task, under ids that begin with its own. @returns the ids. */
async function copyTask(id: string, count: number): Promise<readonly string[]> {
  const ids = Array.from({ length: count }, (_, copy) => `${id}-${copy}`);
  await rows(
    `INSERT INTO tasks (id, namespace_id, request_id, key_id, type, operation, status, tags, metadata, fingerprint, command,
       run, attempts, created_at_ms, updated_at_ms, ended_at_ms, ring_at_ms)
     SELECT copy.value, namespace_id, request_id, key_id, tasks.type, operation, status, tags, metadata, fingerprint, command,
       run, attempts, created_at_ms, updated_at_ms, ended_at_ms, ring_at_ms
     FROM tasks JOIN json_each(?2) AS copy WHERE tasks.id = ?1`,
    id,
    JSON.stringify(ids),
  );
  return ids;
}

/** A task that ended so long after the epoch: far past its retention. */
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

/** What was rung for takes its time. */
async function allDone(things: StillThings): Promise<boolean> {
  const left = await until(
    () => undone(things),
    (steps) => steps.length === 0,
  );
  return left.length === 0;
}

describe("a sweep", () => {
  it("brings a task on that lost every bell, and its object with the alarm", async () => {
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

  it("says that there is more to do while a page is full, and else not", async () => {
    expect(await sweepOnce()).toBe(false);
    const id = await silentTask(await scene(1));
    await rows("UPDATE tasks SET ring_at_ms = 1 WHERE id = ?", id);
    const copies = await copyTask(id, 99);
    expect([await sweepOnce(), await sweepOnce()]).toEqual([true, false]);
    await rows("DELETE FROM tasks WHERE id IN (SELECT value FROM json_each(?))", JSON.stringify(copies));
  });
});

describe("a step of a sweep", () => {
  it.each([
    ["due-tasks", `"tasks"."status" <> 'unbound'`],
    ["deliveries", "SELECT id FROM webhook_deliveries\n    WHERE state"],
    ["old-deliveries", "DELETE FROM webhook_deliveries"],
    ["reservations", `"tasks"."status" = 'unbound'`],
    ["retention", 'order by "tasks"."ended_at_ms"'],
    ["tombstones", 'order by "tasks"."deleted_at_ms"'],
    ["staged-files", 'from "staged_files"'],
    ["removals", 'from "collection_removals"'],
  ])("that fails stops no other, and is made up for by the next sweep: %s", async (step, at) => {
    const things = await stillThings();
    travelPastBells();
    const fault = arm("fails-before", at);
    await sweepOnce();
    const { [step]: _failed, ...others } = things;
    expect(await allDone(others)).toBe(true);
    expect([fault.fired, await undone(things)]).toEqual([1, [step]]);
    await sweepOnce();
    expect(await allDone(things)).toBe(true);
  });

  it("that fails stops no other: vectors", async () => {
    const things = await stillThings();
    travelPastBells();
    const { dense: known, ...services } = denseWorker(scriptedEmbedder()).services();
    const sweepIndex = vi.fn(() => Promise.reject(new Error("The index does not answer.")));
    const dense = known && { ...known, index: { ...known.index, sweep: sweepIndex } };
    await new Sweep({ ...services, dense }).take();
    expect(await allDone(things)).toBe(true);
    expect(sweepIndex).toHaveBeenCalledOnce();
  });

  it("that hangs stops no other, and the sweep ends", async () => {
    const things = await stillThings();
    travelPastBells();
    const fault = arm("hangs", 'from "collection_removals"');
    await sweepOnce();
    expect(fault.fired).toBe(1);
    await until(
      () => undone(things),
      (left) => left.length === 1,
    );
    expect(await undone(things)).toEqual(["removals"]);
  });

  it("has its thing in these tests", async () => {
    const { steps } = new Sweep(openServices(env));
    expect([...Object.keys(await stillThings()), "vectors"].toSorted()).toEqual(steps.toSorted());
  });
});

describe("two sweeps at once", () => {
  it("look after everything once", async () => {
    const things = await stillThings();
    const { from, id } = await stillTask();
    travelPastBells();
    await Promise.all([sweepOnce(), sweepOnce()]);
    expect(await onceEach(from, await endOf(id))).toBe(true);
    expect(await allDone(things)).toBe(true);
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
    arm("drops", RING, 1_000);
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
