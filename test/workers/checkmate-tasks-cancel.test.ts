import { beforeEach, describe, expect, it } from "vitest";
import { cancelTasks, TOLD_OBJECTS_MAX } from "../../src/services/cancel-tasks";
import { call } from "../support/api";
import { callerIn } from "../support/caller";
import { arm, databaseCalls, loggedCalls, resetFaults } from "../support/faults";
import { leasedPart } from "../support/leased-part";
import { newTenant, sorted, unknownIds } from "../support/nouns";
import { refuses } from "../support/refused";
import { isHeld, reserved } from "../support/reserve";
import { batchOf, putBatch, rows, scene, taskOf } from "../support/scene";
import { insertTaskRows } from "../support/task-rows";

beforeEach(() => resetFaults());

const PATH = "/v1/checkmate/tasks/cancel";
const cancel = (body: object, key?: string) => call("PATCH", PATH, key === undefined ? { body } : { body, key });
const canceled = (ids: readonly string[]) => ids.map((task_id) => ({ task_id, status: "canceled" }));
const statusesOf = async (namespaceId: string) =>
  rows("SELECT id, status FROM tasks WHERE namespace_id = ? ORDER BY created_at_ms, id", namespaceId);

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
    const ends = "SELECT count(*) AS n FROM task_events WHERE kind = 'end' AND status = 'canceled'";
    expect(await rows(ends)).toEqual([{ n: 10_000 }]);
    const told = loggedCalls().filter((label) => label === "object: ended");
    expect(told.length).toBeLessThanOrEqual(TOLD_OBJECTS_MAX);
  });

  it("gives each a verdict once: canceled, ended, removed, and the same for what is unknown or another's", async () => {
    const { namespaceId, key } = await newTenant();
    const other = await newTenant();
    const [foreign = ""] = await insertTaskRows({ namespaceId: other.namespaceId, count: 1 });
    const [open = ""] = await insertTaskRows({ namespaceId, count: 1 });
    const [ended = ""] = await insertTaskRows({ namespaceId, count: 1, status: "complete", endedAtMs: 5 });
    const [removed = ""] = await insertTaskRows({ namespaceId, count: 1, status: "error", endedAtMs: 5 });
    await rows("UPDATE tasks SET deleted_at_ms = 6 WHERE id = ?", removed);
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

  it("changes nothing with dry_run, and says what would be", async () => {
    const { namespaceId, key } = await newTenant();
    const ids = await insertTaskRows({ namespaceId, count: 2, status: "running" });
    const before = await rows("SELECT * FROM tasks WHERE namespace_id = ?", namespaceId);
    for (const which of [{ task_ids: ids }, { filter: { status: "running" } }]) {
      const { body } = await cancel({ ...which, dry_run: true }, key);
      const done = ids.map((task_id) => ({ task_id, status: "running" }));
      expect(body).toEqual({ done, skipped: [], remaining: 0, dry_run: true });
    }
    expect(await rows("SELECT * FROM tasks WHERE namespace_id = ?", namespaceId)).toEqual(before);
    expect(loggedCalls().filter((label) => label.startsWith("object:"))).toEqual([]);
  });

  it("sent again says that they have ended, and leaves them as they are", async () => {
    const { namespaceId, key } = await newTenant();
    const ids = await insertTaskRows({ namespaceId, count: 2 });
    arm("fails-after", 'update "tasks"');
    expect((await cancel({ task_ids: ids }, key)).status).toBe(503);
    const before = await rows("SELECT * FROM tasks WHERE namespace_id = ?", namespaceId);
    const { body } = await cancel({ task_ids: ids }, key);
    const skipped = ids.map((task_id) => ({ task_id, status: "canceled", reason: "ended" }));
    expect(body).toEqual({ done: [], skipped, remaining: 0, dry_run: false });
    expect(await rows("SELECT * FROM tasks WHERE namespace_id = ?", namespaceId)).toEqual(before);
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
    const ids = await insertTaskRows({ namespaceId, count: TOLD_OBJECTS_MAX + 10 });
    const last = ids.slice(-3);
    await rows(
      "UPDATE tasks SET watched_until_ms = 4e15 WHERE id IN (SELECT value FROM json_each(?))",
      JSON.stringify(last),
    );
    const told: string[] = [];
    const caller = callerIn(namespaceId);
    const requests = { ...caller.requests, ended: async (id: string) => void told.push(id) };
    await cancelTasks({ ...caller, requests }, { which: { taskIds: ids }, dryRun: false, maxResults: undefined });
    expect(told).toHaveLength(TOLD_OBJECTS_MAX);
    expect(sorted(told.slice(0, 3))).toEqual(sorted(last));
  });
});

describe("checkmate-tasks-cancel by a filter", () => {
  it("cancels what is open and matches, oldest first up to max_results, and says how many remain", async () => {
    const { namespaceId, key } = await newTenant();
    const other = await newTenant();
    const tags = ["nightly"];
    await insertTaskRows({ namespaceId: other.namespaceId, count: 1, tags });
    await insertTaskRows({ namespaceId, count: 2, tags, status: "complete", createdAtMs: 1, endedAtMs: 5 });
    const young = await insertTaskRows({ namespaceId, count: 3, tags, createdAtMs: 900_000 });
    const old = await insertTaskRows({ namespaceId, count: 2, tags, status: "retry" });
    const unlike = await insertTaskRows({ namespaceId, count: 1, tags: ["daily"] });
    const { body } = await cancel({ filter: { tag: "nightly" }, max_results: 3 }, key);
    const done = canceled([...old, ...young.slice(0, 1)]);
    expect(body).toEqual({ done, skipped: [], remaining: 2, dry_run: false });
    const rest = (await cancel({ filter: { tag: ["nightly"] } }, key)).body;
    expect(rest).toEqual({ done: canceled(young.slice(1)), skipped: [], remaining: 0, dry_run: false });
    expect(await rows("SELECT status FROM tasks WHERE id = ?", unlike[0])).toEqual([{ status: "created" }]);
    expect((await statusesOf(other.namespaceId)).map(({ status }) => status)).toEqual(["created"]);
  });

  it("takes a hundred where no number is given", async () => {
    const { namespaceId, key } = await newTenant();
    await insertTaskRows({ namespaceId, count: 103 });
    const { body } = await cancel({ filter: { type: "batch" }, dry_run: true }, key);
    expect([body.done.length, body.remaining]).toEqual([100, 3]);
  });

  it("knows status, operation, type, tag, name, time and request ids, and they must all fit", async () => {
    const { namespaceId, key } = await newTenant();
    const [id] = await insertTaskRows({ namespaceId, count: 1, tags: ["a", "b"], name: "n", createdAtMs: 1_000 });
    const of = async (filter: object) => {
      const { body } = await cancel({ filter, dry_run: true }, key);
      return body.done.map(({ task_id }: { task_id: string }) => task_id);
    };
    const fit = { status: ["created", "retry"], operation: "re-voice", type: ["batch"], tag: ["a", "b"], name: "n" };
    const since = "1970-01-01T00:00:01Z";
    expect(await of({ ...fit, since })).toEqual([id]);
    const others = [
      { status: "running" },
      { operation: ["export"] },
      { type: "interactive" },
      { tag: ["a", "c"] },
      { name: "m" },
      { since: "1970-01-01T00:00:01.001Z" },
      { request_id: crypto.randomUUID() },
    ];
    for (const unfit of others) expect([unfit, await of({ ...fit, ...unfit })]).toEqual([unfit, []]);
  });

  it("finds a task by the request id that made it", async () => {
    arm("drops", "queue: sendBatch", 100);
    const requestId = crypto.randomUUID();
    const { id } = (await putBatch(requestId, batchOf(await scene(1)))).body;
    const { body } = await cancel({ filter: { request_id: [requestId.toUpperCase()] } });
    expect(body.done).toEqual(canceled([id]));
  });

  it("that matches nothing is an empty verdict, also where all that matches has ended", async () => {
    const { namespaceId, key } = await newTenant();
    await insertTaskRows({ namespaceId, count: 2, status: "complete", endedAtMs: 5, tags: ["done"] });
    const before = await rows("SELECT * FROM tasks WHERE namespace_id = ?", namespaceId);
    for (const filter of [{ tag: "no such tag" }, { tag: "done" }, { status: "complete" }]) {
      const { status, body } = await cancel({ filter }, key);
      expect([status, body]).toEqual([200, { done: [], skipped: [], remaining: 0, dry_run: false }]);
    }
    expect(await rows("SELECT * FROM tasks WHERE namespace_id = ?", namespaceId)).toEqual(before);
  });
});

const bad = (what: string, body: unknown, pointers: readonly string[]) => ({
  what,
  send: () => call("PATCH", PATH, { body }),
  refusal: "422 validation-failed",
  pointers,
});

describe("checkmate-tasks-cancel: the body", () => {
  const id = `task_${"0".repeat(32)}`;
  const several = Array.from({ length: 10_001 }, (_, i) => `task_${i}`);
  refuses([
    bad("neither ids nor a filter", {}, [""]),
    bad("both ids and a filter", { task_ids: [id], filter: { tag: "a" } }, [""]),
    bad("a filter that names nothing, which would cancel everything", { filter: {} }, ["/filter"]),
    bad("a filter whose only list is empty", { filter: { tag: [] } }, ["/filter/tag"]),
    bad("a filter that is null", { filter: null }, ["/filter"]),
    bad("no ids", { task_ids: [] }, ["/task_ids"]),
    bad("10,001 ids", { task_ids: several }, ["/task_ids"]),
    bad("an id that is no text", { task_ids: [id, 7] }, ["/task_ids/1"]),
    bad("ids that are no list", { task_ids: id }, ["/task_ids"]),
    bad("a filter that is not known", { filter: { tag: "a", colour: "red" } }, ["/filter/colour"]),
    bad("a status that is none", { filter: { status: "ended" } }, ["/filter/status"]),
    bad("a time that is none", { filter: { since: "yesterday" } }, ["/filter/since"]),
    bad("21 tags", { filter: { tag: several.slice(0, 21) } }, ["/filter/tag"]),
    bad("max_results of 0", { task_ids: [id], max_results: 0 }, ["/max_results"]),
    bad("max_results of 10,001", { task_ids: [id], max_results: 10_001 }, ["/max_results"]),
    bad("max_results of a half", { task_ids: [id], max_results: 1.5 }, ["/max_results"]),
    bad("a dry_run that is a word", { task_ids: [id], dry_run: "true" }, ["/dry_run"]),
  ]);
});
