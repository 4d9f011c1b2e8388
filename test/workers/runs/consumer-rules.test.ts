import { beforeEach, describe, expect, it } from "vitest";
import { failIfExhausted, findPulse, settlePart, yieldPart } from "../../../src/data/parts/part-store";
import { PART_ATTEMPTS_MAX } from "../../../src/domain/tasks/task";
import { call } from "../../support/api";
import { arm, loggedCalls, resetFaults } from "../../support/faults";
import { db, LEASE_MS, leasedPart, RING_MS } from "../../support/leased-part";
import { bellOf, consume, silentTask } from "../../support/requests-object";
import { endOf, onceEach, reVoiced, rows, type Scene, scene, taskOf } from "../../support/scene";

const CLAIM_PART = "SET lease_token = ?";
const READ_BACK = "SELECT part, attempts, calls_limit";

beforeEach(() => resetFaults());

describe("the consumer claims a part", () => {
  it("and reads back a claim whose answer was lost: it works on, without waiting for its own lease", async () => {
    const from = await scene(3);
    const id = await silentTask(from);
    const fault = arm("fails-after", CLAIM_PART);
    expect((await bellOf(id)).explicitAcks).toEqual(["m0"]);
    expect(fault.fired).toBe(1);
    expect(loggedCalls().filter((label) => label.includes(READ_BACK))).toHaveLength(1);
    expect(await onceEach(from, await taskOf(id))).toBe(true);
  });

  it("and keeps the bell when the claim failed and nothing is read back", async () => {
    const id = await silentTask(await scene(3));
    const fault = arm("fails-before", CLAIM_PART);
    const { explicitAcks, retryMessages } = await bellOf(id);
    expect([explicitAcks, retryMessages]).toMatchObject([[], [{ msgId: "m0" }]]);
    expect(fault.fired).toBe(1);
    expect(await rows("SELECT lease_token FROM task_parts WHERE task_id = ?", id)).toEqual([{ lease_token: null }]);
  });

  it("with a token of its own that never comes again, not even in a further run", async () => {
    const { id, lease, write, claim } = await leasedPart();
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    await call("PATCH", `/v1/checkmate/tasks/${id}/invoke`);
    const before = await rows("SELECT * FROM task_parts WHERE task_id = ?", id);
    expect(await write()).toBe(false);
    expect(await settlePart(db, lease, RING_MS)).toEqual({ settled: false, completed: false });
    expect(await rows("SELECT * FROM task_parts WHERE task_id = ?", id)).toEqual(before);
    expect(await claim("token-2")).toMatchObject({ part: 0 });
  });
});

describe("the consumer writes under its lease", () => {
  it("of which the end of the task leaves none: cancel clears them", async () => {
    const { id } = await leasedPart(60);
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    const leases = await rows("SELECT lease_token, lease_expires_at_ms AS ends FROM task_parts WHERE task_id = ?", id);
    expect(leases).toEqual([1, 2, 3].map(() => ({ lease_token: null, ends: null })));
  });
});

describe("the consumer's plan", () => {
  it("does not complete the task until it is sealed", async () => {
    const { id, lease, write, state } = await leasedPart();
    await write();
    await rows("UPDATE tasks SET planned_at_ms = NULL WHERE id = ?", id);
    expect(await settlePart(db, lease, RING_MS)).toEqual({ settled: true, completed: false });
    expect((await state()).task).toMatchObject([{ status: "running", ended_at_ms: null }]);
  });

  it("makes the counts of a part from its rows, whatever stood there", async () => {
    const { id, write, state } = await leasedPart();
    await rows("UPDATE task_parts SET re_voiced = 17, model_calls = 99 WHERE task_id = ?", id);
    await write();
    expect((await state()).parts).toMatchObject([{ re_voiced: 3, model_calls: 3 }]);
  });
});

/** Claims the part again and again, each time after the lease before has lapsed. */
async function claimTimes(claim: (token: string, laterMs: number) => Promise<unknown>, times: number) {
  for (let at = 1; at <= times; at++) await claim(`token of claim ${at}`, LEASE_MS);
}

describe("the consumer's attempts", () => {
  it("end the task as error when they are used up without a checkpoint, and no lease is alive", async () => {
    const { id, namespaceId, claim, state } = await leasedPart();
    await claimTimes(claim, PART_ATTEMPTS_MAX - 1);
    expect((await state()).parts).toMatchObject([{ attempts: PART_ATTEMPTS_MAX }]);
    expect(await failIfExhausted(db, { id, namespaceId })).toBe(false);
    expect(await claim("one too many", LEASE_MS)).toBeUndefined();
    expect(await failIfExhausted(db, { id, namespaceId })).toBe(true);
    expect(await taskOf(id)).toMatchObject({ status: "error", error: { code: "attempts-exhausted" } });
  });

  it("begin anew with a checkpoint", async () => {
    const { claim, write, lease, state } = await leasedPart();
    await claimTimes(claim, 3);
    expect((await state()).parts).toMatchObject([{ attempts: 4 }]);
    expect(await write({ ...lease, token: "token of claim 3" })).toBe(true);
    expect((await state()).parts).toMatchObject([{ attempts: 0 }]);
  });

  it("do not count a part that is yielded for time", async () => {
    const { id, claim, lease, state } = await leasedPart();
    await claimTimes(claim, 3);
    await yieldPart(db, { ...lease, token: "token of claim 3" }, { restMs: 0, isUntouched: false, ringMs: RING_MS });
    expect((await state()).parts).toMatchObject([{ attempts: 0, lease_token: null, status: "open" }]);
    expect(await findPulse(db, id)).toMatchObject({ waiting: 1, working: 0, status: "running" });
  });
});

describe("the consumer, when a reference is gone at the run", () => {
  it.each([
    ["the agent", "UPDATE agents SET deleted_at_ms = 1 WHERE id = ?", "agentId"],
    ["the source", "UPDATE collections SET deleted_at_ms = 1 WHERE id = ?", "collectionId"],
  ] as const)("ends the task as error, and writes nothing: %s", async (_, sql, which) => {
    const from = await scene(2);
    const id = await silentTask(from);
    await rows(sql, from[which]);
    await bellOf(id);
    expect(await taskOf(id)).toMatchObject({ status: "error", error: { code: "reference-gone" } });
    expect(await reVoiced(id)).toEqual([]);
  });

  it.each([
    ["the agent", ({ agentId }: Scene) => `/v1/agents/${agentId}`],
    ["the source", ({ collectionId }: Scene) => `/v1/collections/${collectionId}`],
  ])("ends the task as error when %s was removed for good before the plan, and makes no target", async (_, pathOf) => {
    const from = await scene(2);
    const id = await silentTask(from);
    expect((await call("DELETE", `${pathOf(from)}?hard=true`)).status).toBe(204);
    await bellOf(id);
    expect(await taskOf(id)).toMatchObject({ status: "error", error: { code: "reference-gone" } });
    const [task] = await rows<{ command: string }>("SELECT command FROM tasks WHERE id = ?", id);
    const target = JSON.parse(task?.command ?? "{}").target.collectionId;
    expect(await rows("SELECT id FROM collections WHERE id = ?", target)).toEqual([]);
  });

  it("writes nothing into a target that was removed for good meanwhile", async () => {
    const { id, command, write, state } = await leasedPart();
    const target = command.target.collectionId;
    expect((await call("DELETE", `/v1/collections/${target}?hard=true`)).status).toBe(204);
    await write();
    expect((await state()).memories).toEqual([]);
    await rows("UPDATE task_parts SET lease_expires_at_ms = 1 WHERE task_id = ?", id);
    await bellOf(id);
    expect(await taskOf(id)).toMatchObject({ status: "error", error: { code: "reference-gone" } });
    expect(await rows("SELECT id FROM memories WHERE collection_id = ?", target)).toEqual([]);
  });
});

describe("the consumer", () => {
  it("takes a dead letter for a bell like any other: it settles nothing by itself", async () => {
    const { id, lease, state } = await leasedPart();
    // The part is at work elsewhere, so there is nothing to be done for a bell.
    await rows("UPDATE task_parts SET lease_expires_at_ms = ? WHERE task_id = ?", Date.now() + 60_000, id);
    const before = await state();
    expect((await consume("refrain-task-bells-dead", [{ v: 1, task_id: id }])).explicitAcks).toEqual(["m0"]);
    expect(await state()).toEqual(before);
    expect(before.parts).toMatchObject([{ lease_token: lease.token }]);
  });

  it("drops what it cannot read, and answers the others of the batch", async () => {
    const from = await scene(2);
    const id = await silentTask(from);
    const result = await consume("refrain-task-bells", ["?", { v: 2, task_id: id }, { v: 1, task_id: id }]);
    expect(result.explicitAcks).toEqual(["m0", "m1", "m2"]);
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("makes each memory once when the same bell is answered ten times at once", async () => {
    const from = await scene(60);
    const id = await silentTask(from);
    await Promise.all(Array.from({ length: 10 }, () => bellOf(id)));
    resetFaults();
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });

  it("answers the bells of a batch although its own ring hangs", { timeout: 25_000 }, async () => {
    const id = await silentTask(await scene(26));
    resetFaults();
    const hung = arm("hangs", "queue: sendBatch", 1, { scope: [id] });
    const heard = await bellOf(id);
    expect(hung.fired).toBe(1);
    expect([...heard.explicitAcks, ...heard.retryMessages.map(({ msgId }) => msgId)]).toEqual(["m0"]);
  });
});
