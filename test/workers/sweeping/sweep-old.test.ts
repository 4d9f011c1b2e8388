import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { openServices } from "../../../src/runtime/composition";
import { Sweep } from "../../../src/services/sweeping/sweep";
import { call } from "../../support/api";
import { travelMs } from "../../support/clock";
import { arm, disarm, resetFaults } from "../../support/faults";
import { withFaults } from "../../support/faulty-bindings";
import { holdBack } from "../../support/held-back";
import { refusalOf } from "../../support/refusal";
import { silentTask } from "../../support/requests-object";
import { fill, reserved } from "../../support/reserve";
import { batchOf, copyTask, endOf, forgetTasks, putBatch, rows, scene } from "../../support/scene";
import { sweepOnce } from "../../support/sweeper";

const DAY_MS = 86_400_000;
/** The transaction that makes a tombstone. */
const REMOVAL = "status = task.status";

beforeEach(() => resetFaults());

/** A task that ended `atMs` after the epoch: far past its retention. */
async function endedTask(atMs: number): Promise<string> {
  const { id } = (await putBatch(crypto.randomUUID(), batchOf(await scene(1)))).body;
  await endOf(id);
  await rows("UPDATE tasks SET ended_at_ms = ? WHERE id = ?", atMs, id);
  return id;
}

async function removedOf(ids: readonly string[]): Promise<readonly string[]> {
  const removed = await rows("SELECT id FROM requests WHERE retired_at_ms IS NOT NULL");
  const left = await rows("SELECT id FROM tasks");
  const [gone, there] = [removed, left].map((found) => new Set(found.map(({ id }) => id)));
  return ids.filter((id) => gone?.has(id) && !there?.has(id));
}

/** A sweep, during which something happens after the sweeper has read and before it writes. */
async function sweepAround(id: string, meanwhile: () => Promise<unknown>): Promise<void> {
  const removal = holdBack(REMOVAL, id);
  const sweeping = sweepOnce();
  await removal.isHeld();
  await meanwhile();
  removal.free();
  await sweeping;
}

describe("a sweep of tasks past their retention", () => {
  it("makes tombstones of them, which answer 410 and go when they are past their time too", async () => {
    const requestId = crypto.randomUUID();
    const body = batchOf(await scene(1));
    const { id } = (await putBatch(requestId, body)).body;
    const { collection_id: target } = (await endOf(id)).result;
    travelMs(89 * DAY_MS);
    await sweepOnce();
    expect((await putBatch(requestId, body)).status).toBe(200);
    travelMs(2 * DAY_MS);
    await sweepOnce();
    expect(refusalOf(await putBatch(requestId, body))).toBe("410 request-id-retired");
    expect(await removedOf([id])).toEqual([id]);
    await call("DELETE", `/v1/collections/${target}?hard=true`);
    travelMs(399 * DAY_MS);
    await sweepOnce();
    expect(await removedOf([id])).toEqual([id]);
    travelMs(2 * DAY_MS);
    await sweepOnce();
    expect(await rows("SELECT 1 FROM requests WHERE id = ?", id)).toEqual([]);
    expect(await rows("SELECT 1 FROM task_events WHERE task_id = ?", id)).toEqual([]);
  });

  it("keeps one that is invoked after the sweeper has read it", async () => {
    const id = await silentTask(await scene(1));
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    await rows("UPDATE tasks SET ended_at_ms = 1 WHERE id = ?", id);
    await sweepAround(id, () => call("PATCH", `/v1/checkmate/tasks/${id}/invoke`));
    expect(await rows("SELECT run, status, ended_at_ms FROM tasks WHERE id = ?", id)).toEqual([
      { run: 2, status: "created", ended_at_ms: null },
    ]);
    expect(await rows("SELECT retired_at_ms FROM requests WHERE id = ?", id)).toEqual([{ retired_at_ms: null }]);
  });

  it("keeps one that has run again since, and has ended again", async () => {
    const id = await silentTask(await scene(1));
    const cancel = () => call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    await cancel();
    await rows("UPDATE tasks SET ended_at_ms = 1 WHERE id = ?", id);
    await sweepAround(id, async () => {
      await call("PATCH", `/v1/checkmate/tasks/${id}/invoke`);
      await cancel();
      // Were its age all that counts, it would be gone.
      await rows("UPDATE tasks SET ended_at_ms = 1 WHERE id = ?", id);
    });
    expect(await rows("SELECT run, status FROM tasks WHERE id = ?", id)).toEqual([{ run: 2, status: "canceled" }]);
  });

  it("passes over tasks that cannot be removed, however many they are, and comes back to them", async () => {
    const [stuck, other] = [await endedTask(2), await endedTask(3)];
    const copies = await copyTask(stuck, 99);
    const broken = arm("fails-before", REMOVAL, 1_000, { scope: [stuck] });
    const sweeper = new Sweep(openServices(withFaults(env)));
    await sweeper.take();
    expect(await removedOf([stuck, other])).toEqual([]);
    await sweeper.take();
    expect(await removedOf([stuck, other])).toEqual([other]);
    disarm(broken);
    await sweeper.take();
    expect(await removedOf([stuck])).toEqual([stuck]);
    await forgetTasks(copies);
  });

  it("says that there is more to do while a page is full", async () => {
    const id = await endedTask(4);
    const copies = await copyTask(id, 100);
    expect(await new Sweep(openServices(withFaults(env))).take()).toBe(true);
    await sweepOnce();
    expect(await removedOf([id, ...copies])).toHaveLength(101);
    await forgetTasks(copies);
  });
});

describe("a sweep of reservations", () => {
  it("ends one that nobody has filled in its 24 hours: the sweeper alone, and its tombstone answers 410", async () => {
    const held = await reserved();
    travelMs(DAY_MS);
    await sweepOnce();
    expect(await rows("SELECT 1 FROM tasks WHERE id = ?", held.id)).toEqual([]);
    const [kept] = await rows("SELECT * FROM requests WHERE id = ?", held.id);
    expect(kept).toMatchObject({ door: "reservation", status: "canceled", run: 1, held_until_ms: null, request: null });
    expect([typeof kept?.["retired_at_ms"], typeof kept?.["ended_at_ms"]]).toEqual(["number", "number"]);
    expect(refusalOf(await fill(held, batchOf(await scene(1))))).toBe("410 request-id-retired");
    expect(refusalOf(await call("GET", `/v1/requests/${held.requestId}`))).toBe("410 request-id-retired");
  });

  it("leaves one alone that is due and not over, and looks at it later", async () => {
    const { id } = await reserved();
    await rows("UPDATE tasks SET ring_at_ms = 1 WHERE id = ?", id);
    await sweepOnce();
    expect(await rows("SELECT status, rings, ring_at_ms > 1 AS later FROM tasks WHERE id = ?", id)).toEqual([
      { status: "unbound", rings: 1, later: 1 },
    ]);
  });

  it("keeps one that is filled after the sweeper has read it, whatever its age", async () => {
    const from = await scene(1);
    const held = await reserved();
    arm("drops", "queue: sendBatch", 1_000);
    await rows("UPDATE tasks SET ring_at_ms = 1 WHERE id = ?", held.id);
    await sweepAround(held.id, async () => {
      expect((await fill(held, batchOf(from))).status).toBe(201);
      await rows("UPDATE tasks SET created_at_ms = 1 WHERE id = ?", held.id);
    });
    expect(await rows("SELECT status FROM tasks WHERE id = ?", held.id)).toEqual([{ status: "created" }]);
    expect(await rows("SELECT retired_at_ms FROM requests WHERE id = ?", held.id)).toEqual([{ retired_at_ms: null }]);
  });

  it("keeps one that was canceled in time and then filled, after the sweeper has read it", async () => {
    const from = await scene(1);
    const held = await reserved();
    await rows("UPDATE tasks SET ring_at_ms = 1 WHERE id = ?", held.id);
    await sweepAround(held.id, async () => {
      await call("PATCH", `/v1/requests/${held.requestId}/cancel`);
      expect((await fill(held, batchOf(from))).body.status).toBe("canceled");
      await rows("UPDATE tasks SET created_at_ms = 1 WHERE id = ?", held.id);
    });
    expect(await rows("SELECT status FROM tasks WHERE id = ?", held.id)).toEqual([{ status: "canceled" }]);
  });

  it("tries one later that could not be ended, and ends the others", async () => {
    const [stuck, other] = [await reserved(), await reserved()];
    travelMs(DAY_MS);
    arm("fails-before", REMOVAL, 1, { scope: [stuck.id] });
    await sweepOnce();
    expect(await removedOf([stuck.id, other.id])).toEqual([other.id]);
    travelMs(30_000);
    await sweepOnce();
    expect(await removedOf([stuck.id])).toEqual([stuck.id]);
  });
});
