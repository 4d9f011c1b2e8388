import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { RESERVATION_MS } from "../../../src/domain/tasks/reservation";
import { serviceClock } from "../../../src/runtime/clock";
import type { CreationCall } from "../../../src/services/ports/task-requests";
import { call, until } from "../../support/api";
import { batchCall } from "../../support/creation-calls";
import { arm, resetFaults } from "../../support/faults";
import { refusalOf } from "../../support/refusal";
import { taskOfRequest } from "../../support/requests-object";
import { fill, reserved } from "../../support/reserve";
import { batchOf, rows, scene, taskOf } from "../../support/scene";

const READ = 'from "agents" JOIN';

beforeEach(() => {
  resetFaults();
  // Nobody works on what is made here.
  arm("drops", "queue: sendBatch", 1_000);
});

const requestOf = (id: string) => rows("SELECT * FROM requests WHERE id = ?", id);
const taskRowOf = (id: string) => rows("SELECT status, ended_at_ms FROM tasks WHERE id = ?", id);
const cancel = (taskId: string) => call("PATCH", `/v1/checkmate/tasks/${taskId}/cancel`);
const invoke = (taskId: string, query: string, headers: Record<string, string> = {}) =>
  call("PATCH", `/v1/checkmate/tasks/${taskId}/invoke${query}`, { headers });

/** An object that no call is sent to else: which one answers is no matter, the row decides. */
function newObject() {
  const stub = env.TASK_REQUESTS.getByName(crypto.randomUUID());
  return { create: async (creation: CreationCall) => (await stub.create([creation], null))[0] };
}

/** Holds back the next call of D1 whose statements hold `at`, and that is about this id. */
function hold(at: string, id: string) {
  let isFree = false;
  const fault = arm("reorders", at, 1, { scope: [id], heldUntil: () => isFree });
  const isHeld = () =>
    until(
      async () => fault.fired,
      (fired) => fired === 1,
    );
  return { isHeld, letGo: () => void (isFree = true) };
}

describe("an insert", () => {
  it("that is carried out once more leaves the living task as it is", async () => {
    const { create } = newObject();
    const creation = await batchCall(await scene(1));
    expect(await create(creation)).toMatchObject({ kind: "made", task: { status: "created" } });
    await cancel(creation.taskId);
    const before = await taskRowOf(creation.taskId);
    expect(await create(creation)).toMatchObject({ kind: "made", task: { status: "canceled" } });
    expect(await taskRowOf(creation.taskId)).toEqual(before);
  });

  it("makes no task where its id has made something else, though what it refers to is remembered", async () => {
    const { create } = newObject();
    const from = await scene(1);
    expect(await create(await batchCall(from))).toMatchObject({ kind: "made" });
    const requestId = crypto.randomUUID();
    const made = await call("PUT", "/v1/agents", { body: { name: requestId }, headers: { requestId } });
    expect(made.status).toBe(201);
    const creation = await batchCall(from, {}, { requestId });
    expect(await create(creation)).toMatchObject({ kind: "mismatch", made: { agent_id: made.body.agent_id } });
    expect(await taskRowOf(creation.taskId)).toEqual([]);
  });
});

describe("a second try", () => {
  it("that finds its own row counts as the first, also in an object that remembers nothing", async () => {
    const creation = await batchCall(await scene(1));
    expect(await newObject().create(creation)).toMatchObject({ kind: "made" });
    expect(await newObject().create({ ...creation, isSecondTry: true })).toMatchObject({ kind: "made" });
  });
});

describe("a read for a creation", () => {
  it("shows the row and what it refers to as they were at one time", async () => {
    const from = await scene(1);
    const creation = await batchCall(from);
    const read = hold(READ, creation.taskId);
    const answer = newObject().create(creation);
    await read.isHeld();
    const other = { ...creation, callId: crypto.randomUUID() };
    expect(await newObject().create(other)).toMatchObject({ kind: "made" });
    await call("DELETE", `/v1/agents/${from.agentId}`);
    read.letGo();
    expect(await answer).toMatchObject({ kind: "replayed" });
  });
});

describe("a reservation", () => {
  it("is filled by the clock of D1 as the fill lands, and not by the Worker's before", async () => {
    const held = await reserved();
    const landing = hold("UPDATE requests SET fingerprint", held.id);
    const answer = fill(held, batchOf(await scene(1)));
    await landing.isHeld();
    const oldMs = serviceClock.nowMs() - RESERVATION_MS;
    await rows("UPDATE requests SET first_seen_at_ms = ? WHERE id = ?", oldMs, held.id);
    landing.letGo();
    expect(refusalOf(await answer)).toBe("410 request-id-retired");
    expect(await requestOf(held.id)).toMatchObject([{ fingerprint: null }]);
    expect((await taskOf(held.id)).operation).toBeNull();
  });

  it("that was canceled tells its end once: its content adds no event", async () => {
    const held = await reserved();
    await cancel(held.id);
    expect((await fill(held, batchOf(await scene(1)))).body.status).toBe("canceled");
    const { items } = (await call("GET", `/v1/checkmate/tasks/${held.id}/events`)).body;
    expect(items.filter((event: { type: string }) => event.type === "end")).toHaveLength(1);
  });
});

describe("an invoke", () => {
  it("of a request id that was canceled before anything came says that there is nothing to run", async () => {
    const requestId = crypto.randomUUID();
    await call("PATCH", `/v1/requests/${requestId}/cancel`);
    expect(refusalOf(await invoke(await taskOfRequest(requestId), ""))).toBe("409 task-unfilled");
  });

  it("from what failed is another request than a plain one under the same id", async () => {
    const { create } = newObject();
    const creation = await batchCall(await scene(1));
    await create(creation);
    await cancel(creation.taskId);
    const requestId = crypto.randomUUID();
    expect((await invoke(creation.taskId, "", { requestId })).status).toBe(202);
    const other = await invoke(creation.taskId, "?from=failed", { requestId });
    expect([refusalOf(other), other.body.mismatch]).toEqual(["422 request-id-reused", ["/query/from"]]);
  });
});
