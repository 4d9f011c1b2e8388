import { runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { call, until } from "../../support/api";
import { arm, firedFaults, resetFaults } from "../../support/faults";
import { PLACEMENT } from "../../support/placement";
import { objectOf } from "../../support/placement";
import { alarmOf, silentTask } from "../../support/requests-object";
import { batchOf, endOf, onceEach, putBatch, rows, scene } from "../../support/scene";

beforeEach(() => resetFaults());

describe("the requests object", () => {
  it("arms its alarm together with the claim", async () => {
    const id = await silentTask(await scene(1));
    expect(await alarmOf(id)).toBeGreaterThan(Date.now() - 1_000);
  });

  it("rings again until the task is worked on", async () => {
    const from = await scene(1);
    const id = await silentTask(from);
    await until(
      async () => firedFaults().length,
      (rings) => rings >= 3,
    );
    resetFaults();
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("sleeps until the end of retention once the task has ended", async () => {
    const id = (await putBatch(crypto.randomUUID(), batchOf(await scene(1)))).body.id;
    await endOf(id);
    const alarm = await until(
      () => alarmOf(id),
      (current) => (current ?? 0) > Date.now() + 86_400_000,
    );
    expect(alarm).toBeGreaterThan(Date.now() + 89 * 86_400_000);
  });

  it("writes the row again when D1 has lost it", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const id = await silentTask(from, requestId);
    await rows("DELETE FROM tasks WHERE id = ?", id);
    resetFaults();
    expect(await onceEach(from, await endOf(id))).toBe(true);
    expect((await putBatch(requestId, batchOf(from))).status).toBe(200);
  });

  it("adopts the row when its own storage was lost: a replay stays a replay, and a mismatch a mismatch", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const id = (await putBatch(requestId, batchOf(from))).body.id;
    await endOf(id);
    await runInDurableObject(objectOf(id), (_, state) => state.storage.deleteAll());
    const other = await putBatch(requestId, batchOf(from, { name: "other" }));
    expect(other.body).toMatchObject({ status: 422, code: "request-id-reused", task_id: id, mismatch: [""] });
    const again = await putBatch(requestId, batchOf(from));
    expect([again.status, again.body.id, again.body.status]).toEqual([200, id, "complete"]);
    expect(await rows("SELECT id FROM tasks WHERE request_id = ?", requestId)).toHaveLength(1);
  });

  it("lets the row decide even when the call would be refused now", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const id = (await putBatch(requestId, batchOf(from))).body.id;
    await endOf(id);
    await runInDurableObject(objectOf(id), (_, state) => state.storage.deleteAll());
    await call("DELETE", `/v1/agents/${from.agentId}`);
    const again = await putBatch(requestId, batchOf(from));
    expect([again.status, again.body.id]).toEqual([200, id]);
    expect((await putBatch(requestId, batchOf(from, { name: "other" }))).body.code).toBe("request-id-reused");
  });

  it("watches a task again that D1 shows open though it had ended: D1 decides", async () => {
    const from = await scene(2);
    const id = await silentTask(from);
    const asBefore = await rows("SELECT * FROM tasks WHERE id = ?", id);
    resetFaults();
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    expect(asBefore).toMatchObject([{ status: "created", ended_at_ms: null }]);
    await rows("UPDATE tasks SET status = 'created', ended_at_ms = NULL, result = NULL WHERE id = ?", id);
    expect(await objectOf(id).poke(id)).toBe(true);
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("is not put off by clients who try again: the alarm comes when it would have come", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    arm("fails-before", "INSERT INTO tasks", 20);
    const first = await putBatch(requestId, batchOf(from));
    const alarm = (await alarmOf(first.body.task_id)) ?? 0;
    for (let i = 0; i < 5; i++) await putBatch(requestId, batchOf(from));
    expect(await alarmOf(first.body.task_id)).toBeLessThanOrEqual(alarm + 2_000);
    resetFaults();
    expect(await onceEach(from, await endOf(first.body.task_id))).toBe(true);
  });

  it("writes nothing when it is asked for what it does not have", async () => {
    const name = `task_${"0".repeat(32)}`;
    expect(await objectOf(name).find(name)).toBeUndefined();
    expect(await objectOf(name).poke(name)).toBe(false);
    await objectOf(name).ended(name, 1);
    const stored = await runInDurableObject(objectOf(name), (_, { storage }) => {
      const tables = storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'claims'").toArray();
      return tables.length === 0 ? [] : storage.sql.exec("SELECT * FROM claims WHERE task_id = ?", name).toArray();
    });
    expect(stored).toEqual([]);
  });

  it.runIf(PLACEMENT === "per-request")("sets no alarm when it is asked for what it does not have", async () => {
    const name = `task_${"1".repeat(32)}`;
    expect(await objectOf(name).find(name)).toBeUndefined();
    expect(await objectOf(name).poke(name)).toBe(false);
    expect(await alarmOf(name)).toBeNull();
  });
});

describe("request-get", () => {
  it("counts replays and mismatches", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    await putBatch(requestId, batchOf(from));
    await putBatch(requestId, batchOf(from));
    await putBatch(requestId, batchOf(from));
    await putBatch(requestId, batchOf(from, { name: "other" }));
    const known = await call("GET", `/v1/requests/${requestId}`);
    expect(known.body).toMatchObject({ request_id: requestId, replay_count: 2, mismatch_count: 1 });
    expect(known.body.last_seen_at >= known.body.first_seen_at).toBe(true);
  });

  it("answers 404 for an id never seen and for one of a wrong form", async () => {
    const unknown = await call("GET", `/v1/requests/${crypto.randomUUID()}`);
    const malformed = await call("GET", "/v1/requests/17");
    expect([unknown.status, malformed.status]).toEqual([404, 404]);
    expect(malformed.body.code).toBe(unknown.body.code);
  });
});
