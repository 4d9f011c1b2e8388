import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { removeCollection } from "../../../src/data/collections/removal-store";
import { LEFTOVERS_PER_STEP } from "../../../src/data/tasks/removal-store";
import { openServices } from "../../../src/runtime/composition";
import { Sweep } from "../../../src/services/sweeping/sweep";
import { call, until } from "../../support/api";
import { travelMs } from "../../support/clock";
import { arm, resetFaults } from "../../support/faults";
import { withFaults } from "../../support/faulty-bindings";
import { db } from "../../support/leased-part";
import { newTenant } from "../../support/nouns";
import { refusalOf } from "../../support/refusal";
import { batchOf, copyTask, endOf, putBatch, rows, type Scene, scene } from "../../support/scene";
import { sweepOnce } from "../../support/sweeper";

const DAY_MS = 86_400_000;
const DELETE = 'delete from "requests"';

beforeEach(() => resetFaults());

const cancel = (requestId: string, key?: string) =>
  call("PATCH", `/v1/requests/${requestId}/cancel`, key === undefined ? {} : { key });

/** A removed task, and the collection that it made. */
async function removed(from: Scene, requestId: string = crypto.randomUUID()) {
  const { id } = (await putBatch(requestId, batchOf(from))).body;
  const target: string = (await endOf(id)).result.collection_id;
  await call("DELETE", `/v1/batches/${id}`);
  return { id: String(id), target };
}

/** Tombstones that became such so long ago. */
const age = (ids: readonly string[], retiredAtMs = 1) =>
  rows(
    "UPDATE requests SET retired_at_ms = ? WHERE id IN (SELECT value FROM json_each(?))",
    retiredAtMs,
    JSON.stringify(ids),
  );

async function leftOf(ids: readonly string[]): Promise<readonly string[]> {
  const found = await rows("SELECT id FROM requests WHERE id IN (SELECT value FROM json_each(?))", JSON.stringify(ids));
  return found.map(({ id }) => String(id));
}

describe("a sweep of tombstones", () => {
  it("keeps one while the collection that its task made exists, deleted softly too", async () => {
    const requestId = crypto.randomUUID();
    const from = await scene(1);
    const { id, target } = await removed(from, requestId);
    await age([id]);
    await sweepOnce();
    expect(refusalOf(await putBatch(requestId, batchOf(from)))).toBe("410 request-id-retired");
    await call("DELETE", `/v1/collections/${target}`);
    await sweepOnce();
    expect(await leftOf([id])).toEqual([id]);
    await call("DELETE", `/v1/collections/${target}?hard=true`);
    await sweepOnce();
    expect(await leftOf([id])).toEqual([]);
    expect((await putBatch(requestId, batchOf(from))).status).toBe(201);
  });

  it("keeps one while memories of that collection are being removed", async () => {
    const { id, target } = await removed(await scene(1));
    await age([id]);
    const [{ namespace_id: namespaceId } = {}] = await rows<{ namespace_id: string }>(
      "SELECT namespace_id FROM requests WHERE id = ?",
      id,
    );
    await removeCollection(db, namespaceId ?? "", target);
    const held = arm("fails-before", "DELETE FROM memories WHERE seq IN");
    await sweepOnce();
    expect([held.fired, await leftOf([id])]).toEqual([1, [id]]);
    await sweepOnce();
    await sweepOnce();
    expect(await leftOf([id])).toEqual([]);
  });

  it("goes through all of them: those that stay hold up no other, however many they are", async () => {
    const from = await scene(1);
    const [stays, goes] = [await removed(from), await removed(from)];
    const copies = await copyTask(stays.id, 99);
    await age([stays.id, ...copies]);
    await age([goes.id], 2);
    await call("DELETE", `/v1/collections/${goes.target}?hard=true`);
    const sweeper = new Sweep(openServices(withFaults(env)));
    await sweeper.take();
    expect(await leftOf([goes.id])).toEqual([goes.id]);
    await sweeper.take();
    expect(await leftOf([goes.id])).toEqual([]);
    await call("DELETE", `/v1/collections/${stays.target}?hard=true`);
    await sweeper.take();
    expect(await leftOf([stays.id, ...copies])).toEqual([]);
  });

  it("leaves one alone of which rows are left", async () => {
    const { id, target } = await removed(await scene(1));
    await call("DELETE", `/v1/collections/${target}?hard=true`);
    await rows("UPDATE requests SET leftovers = 1 WHERE id = ?", id);
    await age([id]);
    const stuck = arm("fails-before", 'DELETE FROM "task_items"');
    await sweepOnce();
    expect([stuck.fired, await leftOf([id])]).toEqual([1, [id]]);
    await sweepOnce();
    await sweepOnce();
    expect(await leftOf([id])).toEqual([]);
  });

  it("forgets the request ids of a task's invokes with it", async () => {
    arm("drops", "queue: sendBatch", 1_000);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(await scene(1)))).body;
    const requestId = crypto.randomUUID();
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    await call("PATCH", `/v1/checkmate/tasks/${id}/invoke`, { headers: { requestId } });
    await call("DELETE", `/v1/batches/${id}`);
    expect(refusalOf(await call("GET", `/v1/requests/${requestId}`))).toBe("410 request-id-retired");
    travelMs(401 * DAY_MS);
    await sweepOnce();
    expect(refusalOf(await call("GET", `/v1/requests/${requestId}`))).toBe("404 request-not-found");
  });
});

describe("a sweep of cancels that nothing followed", () => {
  it("forgets one as late as a tombstone, and its place is free", async () => {
    const requestId = crypto.randomUUID();
    expect((await cancel(requestId)).body).toMatchObject({ door: "cancel", status: "canceled", made: [] });
    travelMs(399 * DAY_MS);
    await sweepOnce();
    expect((await call("GET", `/v1/requests/${requestId}`)).body.status).toBe("canceled");
    travelMs(2 * DAY_MS);
    await sweepOnce();
    expect(refusalOf(await call("GET", `/v1/requests/${requestId}`))).toBe("404 request-not-found");
  });

  it("keeps one that content has come for since the sweeper has read it", async () => {
    const requestId = crypto.randomUUID();
    const from = await scene(1);
    await cancel(requestId);
    await rows("UPDATE requests SET held_until_ms = 1 WHERE request_id = ?", requestId);
    let isFilled = false;
    const purge = arm("reorders", `${DELETE} where ("requests"."id" IN (SELECT id`, 1, { heldUntil: () => isFilled });
    const sweeping = sweepOnce();
    await until(
      async () => purge.fired,
      (fired) => fired === 1,
    );
    expect((await putBatch(requestId, batchOf(from))).body.status).toBe("canceled");
    isFilled = true;
    await sweeping;
    expect((await putBatch(requestId, batchOf(from))).status).toBe(200);
  });

  it("goes on while a page is full", async () => {
    const { key, namespaceId } = await newTenant();
    for (let i = 0; i < 101; i++) await cancel(crypto.randomUUID(), key);
    await rows("UPDATE requests SET held_until_ms = 1 WHERE namespace_id = ?", namespaceId);
    const left = () => rows("SELECT 1 FROM requests WHERE namespace_id = ?", namespaceId);
    expect(await sweepOnce()).toBe(true);
    expect(await left()).toHaveLength(1);
    await sweepOnce();
    expect(await left()).toEqual([]);
  });
});

/** How many rows of a table hang on a task still. */
const hanging = async (table: string, id: string) =>
  (await rows(`SELECT 1 FROM ${table} WHERE task_id = ?`, id)).length;

/** A task that has ended, with so many items and events in all. */
async function largeTask(count: number): Promise<string> {
  const { id } = (await putBatch(crypto.randomUUID(), batchOf(await scene(1)))).body;
  await endOf(id);
  const numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2 - 1)";
  await rows(
    `INSERT INTO task_items (task_id, position, namespace_id, source_memory_id, verdict, model_calls, input_tokens,
       output_tokens) ${numbers} SELECT id, i, namespace_id, 'memory', 're_voiced', 0, 0, 0 FROM n JOIN tasks ON id = ?1`,
    id,
    count,
  );
  return id;
}

describe("a sweep of what is left of a removed task", () => {
  it("goes on page by page, until nothing of it is left", async () => {
    const id = await largeTask(3 * LEFTOVERS_PER_STEP);
    await call("DELETE", `/v1/batches/${id}`);
    expect(await hanging("task_items", id)).toBe(2 * LEFTOVERS_PER_STEP);
    expect(refusalOf(await call("GET", `/v1/checkmate/tasks/${id}/items`))).toBe("410 task-deleted");
    travelMs(60_000);
    expect(await sweepOnce()).toBe(true);
    expect(await hanging("task_items", id)).toBe(LEFTOVERS_PER_STEP);
    expect(await rows("SELECT leftovers FROM requests WHERE id = ?", id)).toEqual([{ leftovers: 1 }]);
    await sweepOnce();
    expect(await hanging("task_items", id)).toBe(0);
    expect(await rows("SELECT leftovers FROM requests WHERE id = ?", id)).toEqual([{ leftovers: 0 }]);
    expect(await sweepOnce()).toBe(false);
  });

  it("waits a minute: watchers of the task have read its last events by then", async () => {
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(await scene(1)))).body;
    await endOf(id);
    await rows("UPDATE tasks SET watched_until_ms = 9e15 WHERE id = ?", id);
    await call("DELETE", `/v1/batches/${id}`);
    await sweepOnce();
    expect(await hanging("task_events", id)).toBeGreaterThan(0);
    expect(await hanging("task_items", id)).toBe(0);
    travelMs(60_000);
    await sweepOnce();
    expect(await hanging("task_events", id)).toBe(0);
  });

  it("holds up no other where that of one task cannot be removed, and comes back to it", async () => {
    const [stuck, other] = [await largeTask(LEFTOVERS_PER_STEP + 2), await largeTask(LEFTOVERS_PER_STEP + 2)];
    for (const id of [stuck, other]) await call("DELETE", `/v1/batches/${id}`);
    travelMs(60_000);
    const broken = arm("fails-before", 'DELETE FROM "task_items"', 1, { scope: [stuck] });
    await sweepOnce();
    expect([broken.fired, await hanging("task_items", stuck), await hanging("task_items", other)]).toEqual([1, 2, 0]);
    await sweepOnce();
    expect(await hanging("task_items", stuck)).toBe(0);
  });

  it("removes nothing of another task", async () => {
    const [gone, kept] = [await largeTask(LEFTOVERS_PER_STEP + 2), await largeTask(LEFTOVERS_PER_STEP + 2)];
    await call("DELETE", `/v1/batches/${gone}`);
    travelMs(60_000);
    await sweepOnce();
    expect([await hanging("task_items", gone), await hanging("task_items", kept)]).toEqual([0, LEFTOVERS_PER_STEP + 2]);
  });
});
