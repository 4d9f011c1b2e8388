import { beforeEach, describe, expect, it } from "vitest";
import { answerOf, call } from "../../support/api";
import { openStream, watch } from "../../support/event-stream";
import { arm, resetFaults } from "../../support/faults";
import { refusalOf } from "../../support/refusal";
import { bellOf } from "../../support/requests-object";
import { addEvents, cancel, count, endedTask, quietTask, tell } from "../../support/task-history";
import { resetWatchLimits, watchLimits } from "../../support/watch-limits";

beforeEach(() => {
  resetFaults();
  resetWatchLimits();
});

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

  it("goes on after the cursor of its URL for a client that dropped before its first event, and so has no id", async () => {
    const id = await quietTask();
    await addEvents(id, 3);
    const query = "?starting_after=3";
    const first = await watch(id, { query });
    await first.leave();
    expect(first.lastEventId).toBeUndefined();
    await cancel(id);
    const again = await watch(id, { query });
    await again.whole();
    expect(again.types).toEqual(["end"]);
    expect(again.sequences).toEqual([4]);
  });

  it("cut after every one of 300 events and resumed, by one cursor or the other, tells each once, and the end", async () => {
    const id = await quietTask();
    await addEvents(id, 299);
    // Keeps the task in memory, so that 300 streams are soon opened.
    const uncut = await watch(id);
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
    expect(seen).toEqual((await uncut.whole()).slice(1).map(({ data }) => data));
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

  it("is told of the removal of a task that has ended and runs again: the end of that run", async () => {
    const id = await endedTask(5);
    await call("PATCH", `/v1/checkmate/tasks/${id}/invoke`);
    const client = await watch(id, { lastEventId: 5 });
    await client.until(({ events }) => events.length === 1);
    await call("DELETE", `/v1/batches/${id}`);
    const events = await client.whole();
    expect(client.sequences).toEqual([6, 7]);
    expect(events.at(-1)).toMatchObject({ event: "end", data: { status: "canceled", run: 2 } });
  });

  it("sees by itself a removal that nobody told, with its end", async () => {
    const id = await quietTask();
    const client = await watch(id);
    await client.until(({ events }) => events.length === 2);
    const lost = arm("fails-before", "watch: tell", 1_000);
    await call("DELETE", `/v1/batches/${id}`);
    await client.whole();
    expect([client.sequences, client.types.at(-1)]).toEqual([[1, 2], "end"]);
    expect(lost.fired).toBeGreaterThan(0);
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
