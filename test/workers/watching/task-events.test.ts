import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { retryPart } from "../../../src/data/parts/part-store";
import { call } from "../../support/api";
import { watch } from "../../support/event-stream";
import { arm, resetFaults } from "../../support/faults";
import { db, leasedPart, RING_MS } from "../../support/leased-part";
import { pointersOf, refusalOf } from "../../support/refusal";
import { bellOf, silentTask } from "../../support/requests-object";
import { batchOf, putBatch, rows, scene, taskOf } from "../../support/scene";
import { addEvents, cancel, count, quietTask, storedSequences } from "../../support/task-history";

beforeEach(() => resetFaults());

async function eventsOf(taskId: string, query = ""): Promise<any> {
  return (await call("GET", `/v1/checkmate/tasks/${taskId}/events${query}`)).body;
}

async function logOf(taskId: string, query = ""): Promise<any> {
  return (await call("GET", `/v1/batches/${taskId}/log${query}`)).body;
}

const sequences = (items: readonly { sequence: number }[]) => items.map(({ sequence }) => sequence);

describe("checkmate-task-events-list", () => {
  it("pages the events in their order, without gap or double, by either cursor", async () => {
    const id = await quietTask();
    await addEvents(id, 7);
    const first = await eventsOf(id, "?limit=3");
    const second = await eventsOf(id, `?limit=3&cursor=${first.next_cursor}`);
    const third = await eventsOf(id, `?limit=3&starting_after=6`);
    expect([first, second, third].map(({ items }) => sequences(items))).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
    expect([second.next_cursor === null, third.next_cursor]).toEqual([false, null]);
    expect((await eventsOf(id, "?starting_after=7")).items).toEqual([]);
    expect(sequences((await eventsOf(id)).items)).toEqual(count(1, 7));
  });

  it("shows each as the stream does", async () => {
    const id = await quietTask();
    await bellOf(id);
    const client = await watch(id, { lastEventId: 0, query: "?starting_after=0" });
    const streamed = (await client.whole()).flatMap(({ id: own, data }) => (own === undefined ? [] : [data]));
    expect((await eventsOf(id)).items).toEqual(streamed);
  });

  it("tells of a task that was canceled before it came: its birth is its end", async () => {
    const requestId = crypto.randomUUID();
    await call("PATCH", `/v1/requests/${requestId}/cancel`);
    const { body: born } = await putBatch(requestId, batchOf(await scene(1)));
    expect((await eventsOf(born.id)).items).toMatchObject([{ sequence: 1, type: "end", status: "canceled" }]);
    const client = await watch(born.id);
    await client.whole();
    expect(client.types).toEqual(["snapshot", "end"]);
  });

  it("tells of a reserved id that is filled: unbound, then created", async () => {
    const { body: reserved } = await call("POST", "/v1/batches/id");
    expect((await eventsOf(reserved.id)).items).toMatchObject([{ status: "unbound", progress: { stage: "waiting" } }]);
    arm("drops", "queue: sendBatch", 10);
    const headers = { putKey: reserved.put_key };
    await call("PUT", `/v1/batches/${reserved.id}`, { body: batchOf(await scene(1)), headers });
    expect((await eventsOf(reserved.id)).items.map((event: any) => event.status)).toEqual(["unbound", "created"]);
  });

  it("names each memory that was not simply re-voiced, before the checkpoint that counts it", async () => {
    const from = await scene(3);
    const id = await silentTask(from);
    // It is planned, and no part of it taken.
    arm("fails-before", "SET lease_token = ?");
    await bellOf(id);
    await call("DELETE", `/v1/collections/${from.collectionId}/memories/${from.memoryIds[1]}`);
    await bellOf(id);
    const { items } = await eventsOf(id);
    const told = items.findIndex((event: any) => event.type === "item");
    const item = { verdict: "skipped", source_memory_id: from.memoryIds[1], memory_id: null, code: "memory-gone" };
    expect(items[told]).toMatchObject({ item, progress: { done: 0 } });
    expect(items[told + 1]).toMatchObject({ type: "progress", progress: { done: 3, failed: 0, total: 3 } });
    expect(items.filter((event: any) => event.item !== undefined)).toHaveLength(1);
  });

  it("answers 410 for a task that was removed, whose history is gone", async () => {
    const id = await quietTask();
    await addEvents(id, 9);
    await call("DELETE", `/v1/batches/${id}`);
    expect(refusalOf(await call("GET", `/v1/checkmate/tasks/${id}/events`))).toBe("410 task-deleted");
    expect(await storedSequences(id)).toEqual([]);
  });

  it("answers 410 too while the history is kept for those who watch, with its end", async () => {
    const id = await quietTask();
    await addEvents(id, 9);
    await rows("UPDATE tasks SET watched_until_ms = 9e15 WHERE id = ?", id);
    await call("DELETE", `/v1/batches/${id}`);
    for (const path of [`checkmate/tasks/${id}/events`, `batches/${id}/log`])
      expect(refusalOf(await call("GET", `/v1/${path}`))).toBe("410 task-deleted");
    expect(await storedSequences(id)).toEqual(count(2, 10));
  });
});

describe("the history of a task", () => {
  it("has no gap over a retry, a checkpoint, a cancel, an invoke and its end", async () => {
    const { id, lease, claim, write } = await leasedPart(3);
    await retryPart(db, lease, { restMs: 1_000, error: "The model does not answer.", ringMs: RING_MS });
    await claim("token-2", 1_000);
    await write({ ...lease, token: "token-2" });
    await cancel(id);
    await call("PATCH", `/v1/checkmate/tasks/${id}/invoke`);
    await bellOf(id);
    const { items } = await eventsOf(id);
    expect(sequences(items)).toEqual(count(1, items.length));
    expect(items.map((event: any) => `${event.run} ${event.type} ${event.status}`)).toEqual([
      "1 status created",
      "1 status running",
      "1 status retry",
      "1 status running",
      "1 progress running",
      "1 end canceled",
      "2 status retry",
      "2 status running",
      "2 end complete",
    ]);
    expect(items.map((event: any) => event.progress.done)).toEqual([0, 0, 0, 0, 3, 3, 3, 3, 3]);
    const { progress, status } = await taskOf(id);
    expect([status, progress]).toEqual(["complete", items.at(-1).progress]);
  });

  it("and a change of the status stand together: of a transaction that fails there is neither", async () => {
    const id = await quietTask();
    const state = () =>
      rows("SELECT status, (SELECT count(*) FROM task_events WHERE task_id = id) AS n FROM tasks WHERE id = ?", id);
    const before = await state();
    const change = env.DB.prepare("UPDATE tasks SET status = 'running' WHERE id = ?").bind(id);
    const fails = env.DB.prepare("INSERT INTO namespaces (id) VALUES (NULL)");
    await expect(env.DB.batch([change, fails])).rejects.toThrow(/NOT NULL/);
    expect(await state()).toEqual(before);
    await env.DB.batch([change]);
    expect(await state()).toEqual([{ status: "running", n: 1 }]);
  });

  it("is not written to by what changes nothing", async () => {
    const { id, write } = await leasedPart(3);
    await write();
    const before = await storedSequences(id);
    await write();
    await rows("UPDATE tasks SET status = status WHERE id = ?", id);
    expect(await storedSequences(id)).toEqual(before);
    await cancel(id);
    await cancel(id);
    expect(await storedSequences(id)).toEqual([...before, before.length + 2]);
  });
});

/** A task whose three memories were told two seconds after its run began. */
async function toldWithinTwoSeconds(): Promise<string> {
  const { id, write } = await leasedPart(3);
  await write();
  const written = "(SELECT max(updated_at_ms) FROM task_parts WHERE task_id = tasks.id)";
  await rows(`UPDATE tasks SET run_started_at_ms = ${written} - 2000 WHERE id = ?`, id);
  return id;
}

describe("the progress of a task", () => {
  it("is reckoned for the run that it is in: what ended before an invoke is no part of its rate", async () => {
    const id = await toldWithinTwoSeconds();
    expect((await taskOf(id)).progress).toEqual({
      done: 3,
      failed: 0,
      total: 3,
      stage: "re-voicing",
      rate: 1.5,
      eta_seconds: 0,
    });
    await cancel(id);
    await call("PATCH", `/v1/checkmate/tasks/${id}/invoke`);
    expect((await taskOf(id)).progress).toEqual({
      done: 3,
      failed: 0,
      total: 3,
      stage: "retrying",
      rate: null,
      eta_seconds: null,
    });
    const [row] = await rows(
      "SELECT run_base AS base, run_started_at_ms = updated_at_ms AS now FROM tasks WHERE id = ?",
      id,
    );
    expect(row).toEqual({ base: 3, now: 1 });
  });
});

describe("batch-log", () => {
  it("is a line for each event, for people", async () => {
    const id = await toldWithinTwoSeconds();
    const { lines, ...rest } = await logOf(id);
    expect(rest).toEqual({ id, from: 0, total: 3 });
    expect(lines).toEqual([
      expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z created: waiting$/),
      expect.stringMatching(/Z running: re-voicing, 0 of 3 done$/),
      expect.stringMatching(/Z running: re-voicing, 3 of 3 done, 1\.5 a second, about 0 s left$/),
    ]);
  });

  it("gives so many lines from an index on, and none beyond the last", async () => {
    const id = await quietTask();
    await addEvents(id, 150);
    const whole = (await logOf(id, "?size=1000")).lines;
    expect(whole).toHaveLength(150);
    expect((await logOf(id)).lines).toEqual(whole.slice(0, 100));
    expect(await logOf(id, "?from=100")).toEqual({ id, from: 100, total: 150, lines: whole.slice(100) });
    expect((await logOf(id, "?from=1&size=2")).lines).toEqual(whole.slice(1, 3));
    for (const from of [150, 151, 9_000_000])
      expect(await logOf(id, `?from=${from}`)).toEqual({ id, from, total: 150, lines: [] });
  });

  it("refuses more lines than a thousand, and an index below 0", async () => {
    const id = await quietTask();
    const answer = await call("GET", `/v1/batches/${id}/log?size=1001&from=-1`);
    expect(refusalOf(answer)).toBe("422 validation-failed");
    expect(pointersOf(answer)).toEqual(["/query/from", "/query/size"]);
  });
});
