import { beforeEach, describe, expect, it } from "vitest";
import { call, until } from "../../support/api";
import { newTenant } from "../../support/nouns";
import { travelDays } from "../../support/clock";
import { arm, firedFaults, loggedCalls, resetFaults } from "../../support/faults";
import { PLACEMENT } from "../../support/placement";
import { refusalOf } from "../../support/refusal";
import { silentTask } from "../../support/requests-object";
import { batchOf, endOf, onceEach, putBatch, reVoiced, rows, type Scene, scene, taskOf } from "../../support/scene";
import { sweepOnce } from "../../support/sweeper";

/** The transaction that removes a task. */
const REMOVAL = "status = task.status";

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

  it("keeps no text of the client, and leaves what the task wrote", async () => {
    const from = await scene(2);
    const id = await ended(from, crypto.randomUUID(), { memo: storedText, name: storedText, metadata: { storedText } });
    const [task] = await rows("SELECT ended_at_ms FROM tasks WHERE id = ?", id);
    const made = await reVoiced(id);
    await call("DELETE", `/v1/batches/${id}`);
    const [tombstone] = await rows("SELECT * FROM requests WHERE id = ?", id);
    expect(tombstone).toMatchObject({ door: "task", status: "complete", run: 1, request: null, leftovers: 0, ...task });
    expect(JSON.stringify(tombstone)).not.toContain(storedText);
    for (const table of ["tasks WHERE id", "task_items WHERE task_id", "task_parts WHERE task_id"])
      expect(await rows(`SELECT 1 FROM ${table} = ?`, id)).toEqual([]);
    expect(await rows("SELECT 1 FROM task_events WHERE task_id = ?", id)).toEqual([]);
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
    expect(await rows("SELECT status FROM requests WHERE id = ?", id)).toEqual([{ status: "canceled" }]);
  });

  it("only counts with dry_run", async () => {
    const from = await scene(2);
    const id = await ended(from, crypto.randomUUID());
    const counted = await call("DELETE", `/v1/batches/${id}?dry_run=true`);
    expect([counted.status, counted.body]).toEqual([200, { batches: 1, items: 2 }]);
    expect((await call("GET", `/v1/batches/${id}`)).status).toBe(200);
  });

  it("answers 503 when D1 does not answer, and the task is as it was", async () => {
    const id = await ended(await scene(1), crypto.randomUUID());
    const before = await taskOf(id);
    arm("fails-before", REMOVAL, 1);
    expect(refusalOf(await call("DELETE", `/v1/batches/${id}`))).toBe("503 service-unavailable");
    expect(await taskOf(id)).toEqual(before);
    expect((await call("DELETE", `/v1/batches/${id}`)).status).toBe(204);
    expect(firedFaults()).toHaveLength(1);
  });

  it("stands though its answer was lost: the same call then says that the task was removed", async () => {
    const id = await ended(await scene(1), crypto.randomUUID());
    arm("fails-after", REMOVAL, 1);
    expect((await call("DELETE", `/v1/batches/${id}`)).status).toBe(503);
    expect(refusalOf(await call("DELETE", `/v1/batches/${id}`))).toBe("410 task-deleted");
  });

  it("wakes who waits for the end of an open task", async () => {
    const id = await silentTask(await scene(1));
    const waiting = call("GET", `/v1/checkmate/tasks/${id}/status`, { headers: { Prefer: "wait=25" } });
    await expect.poll(() => loggedCalls()).toContain("object: waitForEnd");
    expect((await call("DELETE", `/v1/batches/${id}`)).status).toBe(204);
    // It is shown as it was last seen: there is no row any more.
    expect((await waiting).body.status).toBe("created");
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
    const known = await call("GET", `/v1/requests/${requestId}`);
    expect(Date.parse(known.body.expires_at) - Date.now()).toBeGreaterThan(89.9 * 86_400_000);
    const { collection_id: target } = (await taskOf(id)).result;
    const replay = async (days: number) => {
      travelDays(days);
      await sweepOnce();
      return putBatch(requestId, batchOf(from));
    };
    expect((await replay(89)).status).toBe(200);
    expect((await replay(2)).status).toBe(410);
    await call("DELETE", `/v1/collections/${target}?hard=true`);
    expect((await replay(399)).status).toBe(410);
    travelDays(2);
    await sweepOnce();
    expect((await call("GET", `/v1/requests/${requestId}`)).status).toBe(404);
    expect((await replay(0)).status).toBe(201);
  });

  it("does not end a task that is still open, however long it takes", async () => {
    const from = await scene(1);
    arm("drops", "queue: sendBatch", 100);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    travelDays(1_000);
    await sweepOnce();
    resetFaults();
    travelDays(1_000);
    await sweepOnce();
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
