import { beforeEach, describe, expect, it } from "vitest";
import { call, until } from "../support/api";
import { openStream, watch } from "../support/event-stream";
import { arm, databaseCalls, loggedCalls, resetFaults } from "../support/faults";
import { newTenant } from "../support/nouns";
import { refusalOf } from "../support/refusal";
import { bellOf } from "../support/requests-object";
import { rows } from "../support/scene";
import { addEvents, cancel, count, quietTask, tell } from "../support/task-history";
import { resetWatchLimits, watchLimits } from "../support/watch-limits";
import { answerOf } from "../support/api";

beforeEach(() => {
  resetFaults();
  resetWatchLimits();
});

async function endedTask(events: number): Promise<string> {
  const id = await quietTask();
  await addEvents(id, events - 1);
  await cancel(id);
  return id;
}

async function refusal(...args: Parameters<typeof openStream>): Promise<string> {
  return refusalOf(await answerOf(await openStream(...args)));
}

describe("checkmate-task-events-list, as a stream", () => {
  it("begins with a snapshot without an id, tells all events from 1, and closes after the end", async () => {
    const id = await endedTask(5);
    const client = await watch(id);
    const [snapshot, ...events] = await client.whole();
    expect(snapshot).toMatchObject({ id: undefined, event: "snapshot" });
    expect(snapshot?.data).toEqual((await call("GET", `/v1/checkmate/tasks/${id}`)).body);
    expect(client.sequences).toEqual([1, 2, 3, 4, 5]);
    expect(events.map(({ data }) => data.sequence)).toEqual(client.sequences);
    expect(events.map(({ event }) => event)).toEqual(["status", "status", "progress", "progress", "end"]);
    expect(events.every(({ event, data }) => event === data.type && data.task_id === id)).toBe(true);
    expect(events.at(-1)?.data).toMatchObject({ status: "canceled", progress: { stage: "ended", eta_seconds: null } });
    expect(client.response.headers.get("content-type")).toBe("text/event-stream");
    expect(client.response.headers.get("cache-control")).toBe("no-cache, no-transform");
  });

  it("is pushed what happens, and closes with the task", async () => {
    const id = await quietTask();
    const client = await watch(id);
    await client.until(({ events }) => events.length === 2);
    expect(client.events.map(({ data }) => data.status)).toEqual(["created", "created"]);
    // Nobody looks by itself any more: what comes is told.
    watchLimits.lookMs = 1_000_000;
    await bellOf(id);
    const events = await client.whole();
    expect(client.types).toEqual(["snapshot", "status", "status", "progress", "end"]);
    expect(events.at(-1)?.data).toMatchObject({ status: "complete", progress: { done: 3, failed: 0, total: 3 } });
  });

  it("goes on after a cursor, without a snapshot: the header before the query, and an empty header is none", async () => {
    const id = await endedTask(5);
    const after = async (...watched: Parameters<typeof watch> extends [string, ...infer Rest] ? Rest : never) => {
      const client = await watch(id, ...watched);
      await client.whole();
      return client.types.length === client.sequences.length ? client.sequences : ["snapshot", ...client.sequences];
    };
    const cursor = (await call("GET", `/v1/checkmate/tasks/${id}/events?limit=2`)).body.next_cursor;
    expect(await after({ lastEventId: 2 })).toEqual([3, 4, 5]);
    expect(await after({ query: "?starting_after=4" })).toEqual([5]);
    expect(await after({ query: "?starting_after=0" })).toEqual([1, 2, 3, 4, 5]);
    expect(await after({ query: `?cursor=${cursor}` })).toEqual([3, 4, 5]);
    expect(await after({ lastEventId: 3, query: "?starting_after=1" })).toEqual([4, 5]);
    expect(await after({ lastEventId: "" })).toEqual(["snapshot", 1, 2, 3, 4, 5]);
  });

  it("gives all events to a client that dropped after the snapshot, before its first event", async () => {
    const id = await endedTask(5);
    const whole = await watch(id);
    await whole.whole();
    const firstOf = whole.events.slice(0, 1);
    const lastEventId = firstOf.findLast((event) => event.id !== undefined)?.id;
    const again = await watch(id, { lastEventId });
    await again.whole();
    expect(again.sequences).toEqual([1, 2, 3, 4, 5]);
  });

  it("cut after every one of 300 events and resumed, by one cursor or the other, tells each once, and the end", async () => {
    const id = await quietTask();
    await addEvents(id, 299);
    const seen: any[] = [];
    while (seen.at(-1)?.type !== "end") {
      const after = seen.at(-1)?.sequence ?? 0;
      const client = await watch(id, after % 2 === 0 ? { query: `?starting_after=${after}` } : { lastEventId: after });
      if (after === 299) await cancel(id);
      await client.until(({ events }) => events.length > 0);
      seen.push(client.events[0]?.data);
      await client.leave();
    }
    expect(seen.map(({ sequence }) => sequence)).toEqual(count(1, 300));
  });

  it("tells more events than are kept in memory, and then what comes", async () => {
    const id = await quietTask();
    await addEvents(id, 1_300);
    const client = await watch(id);
    await client.until(({ sequences }) => sequences.length === 1_300);
    await cancel(id);
    await client.whole();
    expect(client.sequences).toEqual(count(1, 1_301));
  });

  it("answers 204 where the cursor is the end of the task as it stands, and goes on after an invoke", async () => {
    const id = await endedTask(4);
    expect((await openStream(id, { lastEventId: 4 })).status).toBe(204);
    await call("PATCH", `/v1/checkmate/tasks/${id}/invoke`);
    const client = await watch(id);
    await client.until(({ sequences }) => sequences.length >= 5);
    expect([client.events[4]?.event, client.closed]).toEqual(["end", false]);
    await cancel(id);
    await client.whole();
    expect(client.sequences).toEqual([1, 2, 3, 4, 5, 6]);
    expect(client.types.filter((type) => type === "end")).toHaveLength(2);
  });

  it("says that it is there while nothing happens, in comments, which move no cursor", async () => {
    watchLimits.beatMs = 0;
    const id = await quietTask();
    await addEvents(id, 3);
    const client = await watch(id, { lastEventId: 3 });
    await client.until(({ comments }) => comments.length >= 2);
    expect(client.events).toEqual([]);
    await client.leave();
  });

  it("is told of a removal: what is left, the end, and the close; from then on it answers 410", async () => {
    const id = await quietTask();
    const client = await watch(id);
    await client.until(({ events }) => events.length === 2);
    await addEvents(id, 40);
    await call("DELETE", `/v1/batches/${id}`);
    const events = await client.whole();
    expect(client.sequences).toEqual(count(1, 41));
    expect(events.at(-1)).toMatchObject({ event: "end", data: { status: "canceled" } });
    expect(await refusal(id)).toBe("410 task-deleted");
  });

  it("sees by itself what nobody told", async () => {
    const id = await quietTask();
    const client = await watch(id);
    await client.until(({ events }) => events.length === 2);
    const lost = arm("fails-before", "watch: tell", 1_000);
    await cancel(id);
    await client.whole();
    expect(client.sequences).toEqual([1, 2]);
    expect(lost.fired).toBeGreaterThan(0);
  });

  it("ends when its object does, and is resumed at another", async () => {
    const id = await quietTask();
    const client = await watch(id);
    await client.until(({ events }) => events.length === 2);
    arm("crashes-before", "task_events", 1, { fromObject: true });
    await tell(id);
    await client.whole();
    expect(client.lastEventId).toBe("1");
    const again = await watch(id, { lastEventId: client.lastEventId });
    await cancel(id);
    await again.whole();
    expect(again.sequences).toEqual([2]);
  });
});

describe("the watchers of a task", () => {
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
    const told = await Promise.all([...clients, ...late].map((client) => client.whole()));
    expect(told.every((events) => events.at(-1)?.event === "end")).toBe(true);
    return databaseCalls();
  }

  it("cost D1 the same, whether they are 1 or 50", async () => {
    const [one, fifty] = [await tripsWith(1), await tripsWith(50)];
    expect(one).toBe(5);
    expect(fifty).toBe(one);
  });

  it("are marked on the task, so that nobody is told of one that is not watched", async () => {
    const [watched, other] = [await quietTask(), await quietTask()];
    const client = await watch(watched);
    const told = () => loggedCalls().filter((label) => label === "watch: tell").length;
    await cancel(other);
    expect(told()).toBe(0);
    await cancel(watched);
    await client.whole();
    expect(told()).toBe(1);
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
