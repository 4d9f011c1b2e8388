import { beforeEach, describe, expect, it } from "vitest";
import { answerOf, call, until } from "../../support/api";
import { openStream, watch } from "../../support/event-stream";
import { arm, databaseCalls, loggedCalls, resetFaults } from "../../support/faults";
import { newTenant } from "../../support/nouns";
import { refusalOf } from "../../support/refusal";
import { bellOf } from "../../support/requests-object";
import { batchOf, putBatch, rows, scene } from "../../support/scene";
import { addEvents, cancel, count, endedTask, quietTask, tell } from "../../support/task-history";
import { resetWatchLimits, watchLimits } from "../../support/watch-limits";

beforeEach(() => {
  resetFaults();
  resetWatchLimits();
});

async function refusal(...args: Parameters<typeof openStream>): Promise<string> {
  return refusalOf(await answerOf(await openStream(...args)));
}

/** @returns how many round trips to D1 there were, from the first watcher on until all were told of the end. */
async function tripsWith(watchers: number): Promise<number> {
  Object.assign(watchLimits, { lookMs: 1_000_000, watchersPerTask: 100, watchersPerObject: 100 });
  const id = await quietTask();
  await addEvents(id, 20);
  resetFaults();
  const clients = await Promise.all(count(1, watchers).map(() => watch(id)));
  for (const upTo of [21, 22, 23]) {
    await addEvents(id, upTo);
    await tell(id);
    await Promise.all(clients.map((client) => client.until(({ sequences }) => sequences.length === upTo)));
  }
  const late = await Promise.all(count(1, watchers).map(() => watch(id, { lastEventId: 3 })));
  await rows("UPDATE tasks SET status = 'canceled', ended_at_ms = 1 WHERE id = ?", id);
  await tell(id);
  const ended = await Promise.all([...clients, ...late].map((client) => client.whole()));
  expect(ended.every((events) => events.at(-1)?.event === "end")).toBe(true);
  return databaseCalls();
}

const OPERATIONS: Readonly<Record<string, object>> = {
  "re-voice": {},
  rebuild: { operation: "rebuild", agent_id: undefined, target: undefined },
};

const told = () => loggedCalls().filter((label) => label === "watch: tell").length;

describe("the watchers of a task", () => {
  it("cost D1 the same, whether they are 1 or 50", async () => {
    const [one, fifty] = [await tripsWith(1), await tripsWith(50)];
    expect(one).toBe(5);
    expect(fifty).toBe(one);
  });

  it("are marked on the task, so that nobody is told of one that is not watched", async () => {
    const [watched, other] = [await quietTask(), await quietTask()];
    const client = await watch(watched);
    await cancel(other);
    expect(told()).toBe(0);
    await cancel(watched);
    await client.whole();
    expect(told()).toBe(1);
  });

  it.each(["re-voice", "rebuild"])(
    "are told by the consumer of a claim, of each checkpoint and of the end: %s",
    async (operation) => {
      watchLimits.lookMs = 1_000_000;
      const from = await scene(2);
      arm("drops", "queue: sendBatch", 1_000);
      const { body } = await putBatch(crypto.randomUUID(), batchOf(from, OPERATIONS[operation]));
      const client = await watch(body.id);
      resetFaults();
      expect((await bellOf(body.id)).explicitAcks).toEqual(["m0"]);
      expect((await client.whole()).at(-1)?.data).toMatchObject({ status: "complete", progress: { done: 2 } });
      expect(told()).toBeGreaterThanOrEqual(3);
    },
  );

  it("are told when their task is one of many that are canceled by a call", async () => {
    watchLimits.lookMs = 1_000_000;
    const ids = [await quietTask(), await quietTask()];
    const client = await watch(ids[1] ?? "");
    await call("PATCH", "/v1/checkmate/tasks/cancel", { body: { task_ids: ids } });
    expect((await client.whole()).at(-1)).toMatchObject({ event: "end", data: { status: "canceled" } });
    expect(told()).toBe(1);
  });

  it("do not hold up the work when they cannot be told", async () => {
    const id = await quietTask();
    const client = await watch(id);
    const fault = arm("hangs", "watch: tell", 1_000);
    await bellOf(id);
    expect(await client.whole()).toMatchObject([{}, {}, {}, {}, { event: "end", data: { status: "complete" } }]);
    expect(fault.fired).toBeGreaterThan(0);
  });

  it("leave room when they go", async () => {
    watchLimits.watchersPerTask = 1;
    const id = await quietTask();
    const client = await watch(id);
    expect(await refusal(id)).toBe("429 too-many-watchers");
    await client.leave();
    await until(
      () =>
        openStream(id).then(async (response) => {
          await response.body?.cancel();
          return response.status;
        }),
      (status) => status === 200,
    );
  });

  it("are no more than an object holds", async () => {
    watchLimits.watchersPerObject = 0;
    const answer = await answerOf(await openStream(await quietTask()));
    expect([refusalOf(answer), answer.headers.get("retry-after")]).toEqual(["503 watchers-full", "10"]);
  });
});

describe("a stream that is refused", () => {
  it("has a cursor that is none, of another task, or beyond the last event: 400", async () => {
    const [id, other] = [await endedTask(5), await endedTask(5)];
    const cursor = (await call("GET", `/v1/checkmate/tasks/${other}/events?limit=1`)).body.next_cursor;
    for (const lastEventId of ["abc", "-1", "1.5", "1e3", "9".repeat(40)])
      expect([lastEventId, await refusal(id, { lastEventId })]).toEqual([lastEventId, "400 cursor-invalid"]);
    expect(await refusal(id, { query: "?starting_after=x" })).toBe("400 cursor-invalid");
    expect(await refusal(id, { query: `?cursor=${cursor}` })).toBe("400 cursor-invalid");
    expect(await refusal(id, { lastEventId: 6 })).toBe("400 cursor-ahead");
    expect(refusalOf(await call("GET", `/v1/checkmate/tasks/${id}/events?starting_after=6`))).toBe("400 cursor-ahead");
  });

  it("is of a task that is unknown, or another tenant's, also where that is watched: 404", async () => {
    const id = await quietTask();
    const client = await watch(id);
    const { key } = await newTenant();
    expect(await refusal(id, { key })).toBe("404 task-not-found");
    expect(await refusal(`task_${"0".repeat(32)}`)).toBe("404 task-not-found");
    expect(await refusal("x".repeat(2_000))).toBe("404 task-not-found");
    await client.leave();
  });

  it("is one whose object does not answer, or cannot read: 503", async () => {
    const id = await quietTask();
    arm("fails-before", "watch: fetch");
    expect(await refusal(id)).toBe("503 service-unavailable");
    arm("fails-before", "task_events", 1, { fromObject: true });
    expect(await refusal(id)).toBe("503 service-unavailable");
  });

  it("is no stream at all for HEAD, which opens none", async () => {
    const id = await quietTask();
    resetFaults();
    const answer = await call("HEAD", `/v1/checkmate/tasks/${id}/events`, { headers: { accept: "text/event-stream" } });
    expect([answer.status, answer.headers.get("content-type"), answer.body]).toEqual([200, "text/event-stream", null]);
    expect(loggedCalls().filter((label) => label.startsWith("watch:"))).toEqual([]);
    expect(await rows("SELECT watched_until_ms AS until FROM tasks WHERE id = ?", id)).toEqual([{ until: null }]);
  });
});
