import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { notFound } from "../../../src/services/errors/errors";
import type { CreationAnswer, CreationCall } from "../../../src/services/ports/task-requests";
import { call, until } from "../../support/api";
import { setClaimRate } from "../../support/claim-rate";
import { batchCall, createAt } from "../../support/creation-calls";
import { arm, resetFaults, watchCalls } from "../../support/faults";
import { objectOf } from "../../support/placement";
import { keptByObject, loseObject, requestRowOf, silentTask, taskOfRequest } from "../../support/requests-object";
import { batchOf, endOf, putBatch, rows, scene } from "../../support/scene";

const READ = 'from "agents"';

beforeEach(() => resetFaults());
afterEach(() => setClaimRate(undefined));

/** What calls that come together are told, each in its place. */
async function together(...calls: readonly CreationCall[]): Promise<readonly unknown[]> {
  const answers = await objectOf(calls[0]?.taskId ?? "").create(calls, null);
  return answers.map((answer: CreationAnswer) => (answer.kind === "refused" ? answer.error.code : answer.kind));
}

/** The same call once more, by another client. */
function another(sent: CreationCall, own: Partial<CreationCall> = {}): CreationCall {
  return { ...sent, callId: crypto.randomUUID(), ...own };
}

const refused = { ok: false, error: notFound("memory").value } as const;

describe("the requests object", () => {
  it("keeps nothing: no alarm, no table, no value, whatever it was asked", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    const id = await silentTask(from, requestId);
    await putBatch(requestId, batchOf(from, { name: "other" }));
    await call("PATCH", `/v1/requests/${requestId}/cancel`);
    expect(await objectOf(id).ping()).toBe(true);
    expect(await keptByObject(id)).toEqual({ alarm: null, tables: [], values: [] });
  });

  it("answers from the row when it was lost: a replay stays a replay, and a mismatch a mismatch", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    const { id } = (await putBatch(requestId, batchOf(from))).body;
    await endOf(id);
    await loseObject(id);
    const other = await putBatch(requestId, batchOf(from, { name: "other" }));
    expect(other.body).toMatchObject({ code: "request-id-reused", task_id: id, mismatch: ["/name"] });
    await call("DELETE", `/v1/agents/${from.agentId}`);
    const again = await putBatch(requestId, batchOf(from));
    expect([again.status, again.body.id, again.body.status]).toEqual([200, id, "complete"]);
    expect(await rows("SELECT id FROM tasks WHERE request_id = ?", requestId)).toHaveLength(1);
  });

  it("has one fence in each table: the id, which namespace and request id make", async () => {
    for (const table of ["requests", "tasks"]) {
      const unique = `SELECT name FROM pragma_index_list('${table}') WHERE "unique" = 1`;
      const [index, ...others] = await rows<{ name: string }>(unique);
      expect(others).toEqual([]);
      expect(await rows(`SELECT name FROM pragma_index_info('${index?.name}')`)).toEqual([{ name: "id" }]);
    }
  });
});

describe("calls of one request id that come together", () => {
  it("are each judged by their own faults: a follower does not get the refusal of its leader", async () => {
    const good = await batchCall(await scene(1));
    expect(await together(another(good, { wanted: refused }), good)).toEqual(["memory-not-found", "made"]);
  });

  it("are each measured by their own quota", async () => {
    setClaimRate((keyId) => keyId !== "key_spent");
    const good = await batchCall(await scene(1));
    expect(await together(another(good, { keyId: "key_spent" }), good)).toEqual(["rate-limited", "made"]);
  });

  it("are judged in this order: quota, form, references", async () => {
    const from = await scene(1);
    const unknown = await batchCall(from, { agent_id: `agent_${"0".repeat(32)}` });
    expect(await together(unknown)).toEqual(["agent-not-found"]);
    expect(await together(another(unknown, { wanted: refused }))).toEqual(["memory-not-found"]);
    setClaimRate(() => false);
    expect(await together(another(unknown, { wanted: refused }))).toEqual(["rate-limited"]);
  });

  it("are not refused a replay for their quota, though all that they refer to is known", async () => {
    const good = await batchCall(await scene(1));
    expect(await together(good)).toEqual(["made"]);
    setClaimRate(() => false);
    expect(await together(another(good), another(good))).toEqual(["replayed", "replayed"]);
  });

  it("are answered by the row that one of them made, whatever else is wrong with the others", async () => {
    const from = await scene(1);
    const good = await batchCall(from);
    const other = await batchCall(from, { name: "other" }, { requestId: good.requestId ?? "" });
    const followers = [another(good), another(good, { wanted: refused }), another(good, { keyId: "key_spent" }), other];
    setClaimRate((keyId) => keyId !== "key_spent");
    expect(await together(good, ...followers)).toEqual(["made", "replayed", "replayed", "replayed", "mismatch"]);
  });

  it("are all refused where all have faults, and leave no row", async () => {
    const good = await batchCall(await scene(1));
    const sent = [another(good, { wanted: refused }), another(good, { wanted: refused })];
    expect(await together(...sent)).toEqual(["memory-not-found", "memory-not-found"]);
    expect(await requestRowOf(good.taskId)).toBeUndefined();
  });
});

describe("a call that comes while another of its id is under way", () => {
  it("joins no read that has begun: it has a read of its own", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    const scope = [await taskOfRequest(requestId)];
    arm("drops", "queue: sendBatch", 1_000);
    const calls = watchCalls(scope);
    let isAsked = false;
    const read = arm("reorders", READ, 1, { scope, heldUntil: () => isAsked });
    const first = putBatch(requestId, batchOf(from));
    await until(
      async () => read.fired,
      (fired) => fired === 1,
    );
    const second = putBatch(requestId, batchOf(from));
    await until(
      async () => calls.filter((label) => label === "object: create").length,
      (count) => count === 2,
    );
    isAsked = true;
    expect([(await first).status, (await second).status]).toEqual([201, 200]);
    expect(calls.filter((label) => label.startsWith("db: "))).toHaveLength(3);
  });
});

describe("crash table: two objects for one id (reset, deploy, changed placement)", () => {
  it("meet at the primary key: one makes it, the other finds it", async () => {
    const sent = await batchCall(await scene(1));
    const scope = [sent.taskId];
    // Both have read that there is nothing before either writes.
    const inserts = arm("reorders", "INSERT INTO tasks", 2, { scope, heldUntil: () => inserts.fired === 2 });
    const asked = ["one placement", "another"].map((name) => createAt(name, another(sent)));
    const answers = await Promise.all(asked);
    expect(answers.map(([answer]) => answer?.kind).toSorted()).toEqual(["made", "replayed"]);
    expect(await rows("SELECT 1 FROM tasks WHERE id = ?", sent.taskId)).toHaveLength(1);
  });

  it("meet at the primary key with different bodies: one makes it, the other is another request", async () => {
    const from = await scene(1);
    const sent = await batchCall(from);
    const other = await batchCall(from, { name: "other" }, { requestId: sent.requestId ?? "" });
    const scope = [sent.taskId];
    const inserts = arm("reorders", "INSERT INTO tasks", 2, { scope, heldUntil: () => inserts.fired === 2 });
    const answers = await Promise.all([createAt("one placement", sent), createAt("another", other)]);
    expect(answers.map(([answer]) => answer?.kind).toSorted()).toEqual(["made", "mismatch"]);
  });
});
