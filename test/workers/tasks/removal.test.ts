import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { call, until } from "../../support/api";
import { newTenant } from "../../support/nouns";
import { travelDays } from "../../support/clock";
import { arm, firedFaults, resetFaults } from "../../support/faults";
import { objectOf, PLACEMENT } from "../../support/placement";
import { batchOf, endOf, onceEach, putBatch, reVoiced, rows, type Scene, scene, taskOf } from "../../support/scene";

beforeEach(() => resetFaults());

const storedText = "an unmistakable secret";

async function ended(from: Scene, requestId: string, more: object = {}): Promise<string> {
  const { id } = (await putBatch(requestId, batchOf(from, more))).body;
  await endOf(id);
  return id;
}

describe("batch-delete", () => {
  it("answers 204, and reads and replays answer 410 from then on, whatever the body", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const id = await ended(from, requestId);
    expect((await call("DELETE", `/v1/batches/${id}`)).status).toBe(204);
    for (const path of [`/v1/batches/${id}`, `/v1/batches/${id}/state`, `/v1/checkmate/tasks/${id}`]) {
      const read = await call("GET", path);
      expect([read.status, read.body.code]).toEqual([410, "task-deleted"]);
    }
    for (const body of [batchOf(from), batchOf(from, { name: "other" })]) {
      const replay = await putBatch(requestId, body);
      expect(replay.body).toMatchObject({
        status: 410,
        code: "request-id-retired",
        task_id: id,
        task_status: "complete",
      });
    }
    expect((await putBatch(requestId, batchOf(from))).body.ended_at).toBeTruthy();
    expect((await call("GET", `/v1/requests/${requestId}`)).status).toBe(410);
    expect((await call("GET", `/v1/batches?request_id=${requestId}`)).body.items).toEqual([]);
    expect((await call("DELETE", `/v1/batches/${id}`)).status).toBe(410);
  });

  it("keeps no text of the client, in D1 or in the object, and leaves what the task wrote", async () => {
    const from = await scene(2);
    const id = await ended(from, crypto.randomUUID(), { memo: storedText, name: storedText, metadata: { storedText } });
    const made = await reVoiced(id);
    await call("DELETE", `/v1/batches/${id}`);
    const claims = await runInDurableObject(objectOf(id), (_, state) =>
      state.storage.sql.exec("SELECT * FROM claims").toArray(),
    );
    const kept = JSON.stringify([claims, await rows("SELECT * FROM tasks WHERE id = ?", id)]);
    expect(kept).toContain(id);
    expect(kept).not.toContain(storedText);
    expect(await rows("SELECT 1 FROM task_items WHERE task_id = ?", id)).toEqual([]);
    expect(await rows("SELECT 1 FROM task_parts WHERE task_id = ?", id)).toEqual([]);
    expect(await reVoiced(id)).toEqual(made);
  });

  it("cancels a task in mid-run, and nothing is written for it any more", async () => {
    const from = await scene(600);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    await until(
      () => taskOf(id),
      (task) => task.progress.done > 0,
    );
    expect((await call("DELETE", `/v1/batches/${id}`)).status).toBe(204);
    const made = (await reVoiced(id)).length;
    await ended(await scene(30), crypto.randomUUID());
    expect(await reVoiced(id)).toHaveLength(made);
    expect(await rows("SELECT status FROM tasks WHERE id = ?", id)).toEqual([{ status: "canceled" }]);
  });

  it("only counts with dry_run", async () => {
    const from = await scene(2);
    const id = await ended(from, crypto.randomUUID());
    const counted = await call("DELETE", `/v1/batches/${id}?dry_run=true`);
    expect([counted.status, counted.body]).toEqual([200, { batches: 1, items: 2 }]);
    expect((await call("GET", `/v1/batches/${id}`)).status).toBe(200);
  });

  it("answers 503 while D1 cannot be proven to have it, and carries it out all the same", async () => {
    const id = await ended(await scene(1), crypto.randomUUID());
    arm("fails-before", "INSERT INTO tasks (id", 1);
    const refused = await call("DELETE", `/v1/batches/${id}`);
    expect([refused.status, refused.body.code]).toEqual([503, "removal-pending"]);
    const read = await until(
      () => call("GET", `/v1/batches/${id}`),
      (answer) => answer.status === 410,
    );
    expect(read.body.code).toBe("task-deleted");
    expect(firedFaults()).toHaveLength(1);
  });

  it("stands against an insert of the same task that lands late", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const id = await ended(from, requestId);
    await call("DELETE", `/v1/batches/${id}`);
    await runInDurableObject(objectOf(id), (_, state) => state.storage.deleteAll());
    // The object has forgotten, and claims anew; its insert finds the tombstone.
    expect((await putBatch(requestId, batchOf(from))).status).toBe(410);
    expect(await rows("SELECT deleted_at_ms IS NULL AS open FROM tasks WHERE id = ?", id)).toEqual([{ open: 0 }]);
    expect(await reVoiced(id)).toHaveLength(2);
  });

  it("does not touch another task", async () => {
    const from = await scene(1);
    const [gone, kept] = [await ended(from, crypto.randomUUID()), await ended(from, crypto.randomUUID())];
    const before = await taskOf(kept);
    await call("DELETE", `/v1/batches/${gone}`);
    expect(await taskOf(kept)).toEqual(before);
  });
});

describe("retention", () => {
  it("keeps the id of an ended task for 90 days, then answers 410 for 400 more, then forgets it", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    const id = await ended(from, requestId);
    const known = await until(
      () => call("GET", `/v1/requests/${requestId}`),
      (answer) => answer.body.expires_at !== null,
    );
    expect(Date.parse(known.body.expires_at) - Date.now()).toBeGreaterThan(89.9 * 86_400_000);
    travelDays(89);
    await runDurableObjectAlarm(objectOf(id));
    expect((await putBatch(requestId, batchOf(from))).status).toBe(200);
    travelDays(2);
    await runDurableObjectAlarm(objectOf(id));
    expect((await putBatch(requestId, batchOf(from))).status).toBe(410);
    travelDays(399);
    await runDurableObjectAlarm(objectOf(id));
    expect((await putBatch(requestId, batchOf(from))).status).toBe(410);
    travelDays(2);
    await runDurableObjectAlarm(objectOf(id));
    expect(await rows("SELECT 1 FROM tasks WHERE id = ?", id)).toEqual([]);
    expect((await call("GET", `/v1/requests/${requestId}`)).status).toBe(404);
  });

  it("does not end a task that is still open, however long it takes", async () => {
    const from = await scene(1);
    arm("drops", "queue: sendBatch", 100);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    travelDays(1_000);
    await runDurableObjectAlarm(objectOf(id));
    resetFaults();
    travelDays(1_000);
    await runDurableObjectAlarm(objectOf(id));
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });
});

describe("policies-get", () => {
  it("says how long ids and tombstones are kept, and which limits are in force", async () => {
    const { body } = await call("GET", "/v1/policies");
    expect(body).toMatchObject({ retention_days: 90, tombstone_days: 400 });
    expect(body.request_objects).toBe(String(PLACEMENT));
    expect(body).toMatchObject({ memories_per_call_max: 100, wait_seconds_max: 30, rate_limit: "off" });
    expect(body).toMatchObject({ model_provider: "embedded", model_name: null, model_timeout_seconds: 60 });
    expect(body).toMatchObject({ bulk_items_max: 100, creations_waiting_max: 5_000, part_attempts_max: 8 });
    expect(body).toMatchObject({ canceled_per_call_max: 10_000, cleaned_per_call_max: 500 });
    expect(body).toMatchObject({ watchers_per_task_max: 500 });
  });

  it("names the hosts inside of the network to the admin key alone", async () => {
    const { key } = await newTenant();
    const [admins, tenants] = [await call("GET", "/v1/policies"), await call("GET", "/v1/policies", { key })];
    expect(admins.body.webhook_allow_hosts).toEqual([]);
    expect(tenants.body).toEqual({ ...admins.body, webhook_allow_hosts: null });
  });
});
