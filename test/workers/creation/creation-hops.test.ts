import { beforeEach, describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { batchCall } from "../../support/creation-calls";
import { arm, loggedCalls, resetFaults, watchCalls } from "../../support/faults";
import { objectOf } from "../../support/placement";
import { keptByObject, loseObject } from "../../support/requests-object";
import { reserve } from "../../support/reserve";
import { batchOf, putBatch, type Scene, scene } from "../../support/scene";

const INSERT = "INSERT INTO tasks";
const RING = "queue: sendBatch";

/** Nothing runs beside the call that is counted, and no bell is ever taken. */
beforeEach(() => {
  resetFaults();
  arm("hangs", RING, 1_000);
});

/** Calls of the bindings from now on, by kind: what a client waits for. */
function counting() {
  const from = loggedCalls().length;
  const of = (kind: string) =>
    loggedCalls()
      .slice(from)
      .filter((label) => label.startsWith(`${kind}: `));
  return () => ({ object: of("object").length, db: of("db").length });
}

/** The Worker knows its caller, as in all calls but the first of an isolate. */
async function quietScene(): Promise<Scene> {
  const from = await scene(1);
  await call("GET", "/v1/policies");
  return from;
}

describe("the hops between a PUT and its answer", () => {
  it("are the object and two trips to D1; no bell is waited for", async () => {
    const from = await quietScene();
    const requestId = crypto.randomUUID();
    const hops = counting();
    const { status, body } = await putBatch(requestId, batchOf(from));
    expect([status, hops()]).toEqual([201, { object: 1, db: 2 }]);
    expect(await keptByObject(body.id)).toEqual({ alarm: null, tables: [], values: [] });
  });

  it("of a replay are the object and one trip to D1", async () => {
    const from = await quietScene();
    const requestId = crypto.randomUUID();
    const { body } = await putBatch(requestId, batchOf(from));
    await loseObject(body.id);
    const hops = counting();
    expect((await putBatch(requestId, batchOf(from))).status).toBe(200);
    expect(hops()).toEqual({ object: 1, db: 1 });
    const known = counting();
    expect((await putBatch(requestId, batchOf(from))).status).toBe(200);
    expect(known()).toEqual({ object: 1, db: 1 });
  });

  it("of a reservation and of a fill are the same, and so are those of a bulk in one object", async () => {
    const from = await quietScene();
    const reserving = counting();
    const { id, put_key: putKey } = (await reserve(crypto.randomUUID())).body;
    expect(reserving()).toEqual({ object: 1, db: 2 });
    const filling = counting();
    const filled = await call("PUT", `/v1/batches/${id}`, { body: batchOf(from), headers: { putKey } });
    expect([filled.status, filling()]).toEqual([201, { object: 1, db: 2 }]);
    const bulk = counting();
    expect((await putBatch(crypto.randomUUID(), { items: [batchOf(from)] })).body.results[0].status).toBe(201);
    expect(bulk()).toEqual({ object: 1, db: 2 });
  });

  it("of an agent and a collection is one trip to D1", async () => {
    await quietScene();
    for (const path of ["/v1/agents", "/v1/collections"]) {
      const hops = counting();
      const name = crypto.randomUUID();
      const { status } = await call("PUT", path, { body: { name }, headers: { requestId: crypto.randomUUID() } });
      expect([status, hops()]).toEqual([201, { object: 0, db: 1 }]);
    }
  });
});

describe("the trips of an object to D1", () => {
  it("are one where it knows what is referred to", async () => {
    const from = await scene(1);
    const [first, second] = [await batchCall(from), await batchCall(from)];
    const object = objectOf(first.taskId);
    const calls = watchCalls([first.taskId, second.taskId]);
    expect(await object.create([first], null)).toMatchObject([{ kind: "made" }]);
    expect(calls.filter((label) => label.startsWith("db: "))).toHaveLength(2);
    expect(await object.create([second], null)).toMatchObject([{ kind: "made" }]);
    const trips = calls.filter((label) => label.startsWith("db: ")).slice(2);
    expect(trips).toHaveLength(1);
    expect(trips[0]).toContain(INSERT);
  });

  it("are two for a hundred creations that come together, and the queue is called once", async () => {
    const from = await scene(1);
    const sent = await Promise.all(Array.from({ length: 100 }, () => batchCall(from)));
    const calls = watchCalls(sent.map(({ taskId }) => taskId));
    const answers = await objectOf(sent[0]?.taskId ?? "").create(sent, null);
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(["made"]));
    expect(calls.filter((label) => label.startsWith("db: "))).toHaveLength(2);
    expect(calls.filter((label) => label === RING)).toHaveLength(1);
  });
});
