import { beforeEach, describe, expect, it } from "vitest";
import { hasEnded, TASK_STATUSES } from "../../../src/domain/tasks/task";
import { TOLD_ENDS_MAX } from "../../../src/services/tasks/announce-end";
import { cancelTasks } from "../../../src/services/tasks/cancel-tasks";
import { call } from "../../support/api";
import { callerIn } from "../../support/caller";
import { arm, databaseCalls, loggedCalls, resetFaults, watchCalls } from "../../support/faults";
import { leasedPart } from "../../support/leased-part";
import { newTenant, sorted, unknownIds } from "../../support/nouns";
import { isHeld, reserved } from "../../support/reserve";
import { batchOf, putBatch, rows, scene, taskOf } from "../../support/scene";
import { insertTaskRows } from "../../support/task-rows";

beforeEach(() => resetFaults());

const PATH = "/v1/checkmate/tasks/cancel";
const cancel = (body: object, key?: string) => call("PATCH", PATH, key === undefined ? { body } : { body, key });
const canceled = (ids: readonly string[]) => ids.map((task_id) => ({ task_id, status: "canceled" }));
const statusesOf = async (namespaceId: string) =>
  rows("SELECT id, status FROM tasks WHERE namespace_id = ? ORDER BY created_at_ms, id", namespaceId);

const OWN = /^(id|task_id|request_id|at_ms|(created|updated|ended)_at_ms)$/;

/** What is stored of a task, but for what differs in any two: its id, its age and the moment of the call. */
async function tracesOf(id: string) {
  const tables = ["tasks WHERE id", "task_parts WHERE task_id", "task_events WHERE task_id"];
  const found = await Promise.all(tables.map((table) => rows(`SELECT * FROM ${table} = ?`, id)));
  return found.flat().map((row) => Object.fromEntries(Object.entries(row).filter(([column]) => !OWN.test(column))));
}

describe("checkmate-tasks-cancel", () => {
  it("cancels 10,000 tasks by one call, and what runs under a lease writes nothing any more", async () => {
    const running = [await leasedPart(), await leasedPart(), await leasedPart()];
    const [{ namespaceId } = { namespaceId: "" }] = running;
    const neighbour = await leasedPart();
    const ids = await insertTaskRows({ namespaceId, count: 9_997 });
    const all = [...ids, ...running.map(({ id }) => id)];
    resetFaults();
    const { status, body } = await cancel({ task_ids: all });
    expect(status).toBe(200);
    expect(body).toEqual({ done: canceled(all), skipped: [], remaining: 0, dry_run: false });
    expect(databaseCalls('update "tasks"')).toBe(1);
    const states = await Promise.all(running.map(({ state }) => state()));
    expect(states.map(({ task }) => task[0]?.["status"])).toEqual(["canceled", "canceled", "canceled"]);
    expect(await Promise.all(running.map(({ write }) => write()))).toEqual([false, false, false]);
    expect(await Promise.all(running.map(({ state }) => state()))).toEqual(states);
    expect(states.flatMap(({ parts }) => parts).filter((part) => part["lease_token"] !== null)).toEqual([]);
    expect(await neighbour.write()).toBe(true);
    const [open] = await rows("SELECT count(*) AS n FROM tasks WHERE ended_at_ms IS NULL");
    expect(open).toEqual({ n: 1 });
    const ends = "SELECT count(*) AS n FROM task_events WHERE status = 'canceled'";
    expect(await rows(ends)).toEqual([{ n: 10_000 }]);
    const told = loggedCalls().filter((label) => label === "object: ended");
    expect(told.length).toBeLessThanOrEqual(TOLD_ENDS_MAX);
  });

  it("gives each a verdict once: canceled, ended, removed, and the same for what is unknown or another's", async () => {
    const { namespaceId, key } = await newTenant();
    const other = await newTenant();
    const [foreign = ""] = await insertTaskRows({ namespaceId: other.namespaceId, count: 1 });
    const [open = ""] = await insertTaskRows({ namespaceId, count: 1 });
    const [ended = ""] = await insertTaskRows({ namespaceId, count: 1, status: "complete", endedAtMs: 5 });
    const [removed = ""] = await insertTaskRows({ namespaceId, count: 1, status: "error", endedAtMs: 5 });
    await call("DELETE", `/v1/batches/${removed}`, { key });
    const unknown = [foreign, ...unknownIds("task"), "a\u00e4\"'%"];
    const { body } = await cancel({ task_ids: [ended, open, ...unknown, removed, open, foreign] }, key);
    expect(body.done).toEqual(canceled([open]));
    expect(body.skipped).toEqual([
      { task_id: ended, status: "complete", reason: "ended" },
      ...unknown.map((task_id) => ({ task_id, status: null, reason: "not-found" })),
      { task_id: removed, status: "error", reason: "removed" },
    ]);
    expect(await statusesOf(other.namespaceId)).toEqual([{ id: foreign, status: "created" }]);
  });

  it("does to each what canceling it alone does", async () => {
    const { namespaceId, key } = await newTenant();
    const pairs = await Promise.all(
      TASK_STATUSES.map((status) => {
        const endedAtMs = hasEnded(status) ? { endedAtMs: 5 } : {};
        return insertTaskRows({ namespaceId, count: 2, status, ...endedAtMs });
      }),
    );
    await rows("UPDATE tasks SET planned_at_ms = 1, total = 50 WHERE status = 'running'");
    await rows(
      `INSERT INTO task_parts (task_id, part, first_position, end_position, namespace_id, status, lease_token, attempts,
         not_before_ms, re_voiced, flagged, skipped, failed, model_calls, input_tokens, output_tokens, updated_at_ms)
       SELECT id, 0, 0, 50, namespace_id, 'open', 'token', 1, 0, 20, 2, 3, 4, 27, 5, 6, 7 FROM tasks
       WHERE namespace_id = ? AND status = 'running'`,
      namespaceId,
    );
    const [alone, together] = [pairs.map(([id = ""]) => id), pairs.map(([, id = ""]) => id)];
    for (const id of alone) await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`, { key });
    await cancel({ task_ids: together }, key);
    expect(await Promise.all(together.map((id) => tracesOf(id)))).toEqual(
      await Promise.all(alone.map((id) => tracesOf(id))),
    );
  });

  it("changes nothing with dry_run, and says what would be", async () => {
    const { namespaceId, key } = await newTenant();
    const ids = await insertTaskRows({ namespaceId, count: 2, status: "running" });
    const before = await rows("SELECT * FROM tasks WHERE namespace_id = ?", namespaceId);
    const calls = watchCalls([...ids, namespaceId]);
    for (const which of [{ task_ids: ids }, { filter: { status: "running" } }]) {
      const { body } = await cancel({ ...which, dry_run: true }, key);
      const done = ids.map((task_id) => ({ task_id, status: "running" }));
      expect(body).toEqual({ done, skipped: [], remaining: 0, dry_run: true });
    }
    expect(await rows("SELECT * FROM tasks WHERE namespace_id = ?", namespaceId)).toEqual(before);
    expect(calls.filter((label) => label.startsWith("object:"))).toEqual([]);
    expect(calls).not.toEqual([]);
  });

  it("sent again says that they have ended, and leaves them as they are", async () => {
    const { namespaceId, key } = await newTenant();
    const ids = await insertTaskRows({ namespaceId, count: 2 });
    arm("fails-after", 'update "tasks"');
    expect((await cancel({ task_ids: ids }, key)).status).toBe(503);
    const shown = async () => (await call("GET", "/v1/checkmate/tasks", { key })).body;
    const before = await shown();
    const { body } = await cancel({ task_ids: ids }, key);
    const skipped = ids.map((task_id) => ({ task_id, status: "canceled", reason: "ended" }));
    expect(body).toEqual({ done: [], skipped, remaining: 0, dry_run: false });
    expect(await shown()).toEqual(before);
  });

  it("names those over max_results, and leaves them open", async () => {
    const { namespaceId, key } = await newTenant();
    const ids = await insertTaskRows({ namespaceId, count: 3 });
    const { body } = await cancel({ task_ids: ids, max_results: 2 }, key);
    const over = { task_id: ids[2], status: null, reason: "over-limit" };
    expect(body).toEqual({ done: canceled(ids.slice(0, 2)), skipped: [over], remaining: 1, dry_run: false });
    expect((await statusesOf(namespaceId)).map(({ status }) => status)).toEqual(["canceled", "canceled", "created"]);
  });

  it("cancels a reserved id, whose hold is free then", async () => {
    const held = await reserved();
    const waiting = await reserved();
    const { body } = await cancel({ task_ids: [held.id] });
    expect(body.done).toEqual(canceled([held.id]));
    expect([await isHeld(held.id), await isHeld(waiting.id)]).toEqual([false, true]);
    expect((await taskOf(waiting.id)).status).toBe("unbound");
  });

  it("wakes who waits for one of them", async () => {
    arm("drops", "queue: sendBatch", 100);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(await scene(1)))).body;
    const waiting = call("GET", `/v1/checkmate/tasks/${id}/status`, { headers: { Prefer: "wait=25" } });
    await expect.poll(() => loggedCalls()).toContain("object: waitForEnd");
    await cancel({ task_ids: [id] });
    expect((await waiting).body.status).toBe("canceled");
  });

  it("tells a bounded number of objects, those first that somebody watches", async () => {
    const { namespaceId } = await newTenant();
    const ids = await insertTaskRows({ namespaceId, count: TOLD_ENDS_MAX + 10 });
    const last = ids.slice(-3);
    await rows(
      "UPDATE tasks SET watched_until_ms = 4e15 WHERE id IN (SELECT value FROM json_each(?))",
      JSON.stringify(last),
    );
    const told: string[] = [];
    const caller = callerIn(namespaceId);
    const requests = { ...caller.requests, ended: async (id: string) => void told.push(id) };
    await cancelTasks({ ...caller, requests }, { which: { taskIds: ids }, dryRun: false, maxResults: undefined });
    expect(told).toHaveLength(TOLD_ENDS_MAX);
    expect(sorted(told.slice(0, 3))).toEqual(sorted(last));
  });
});
