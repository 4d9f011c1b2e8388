import { beforeEach, describe, expect, it } from "vitest";
import { cancelTask, cancelTasks } from "../../../src/data/tasks/cancel-store";
import { removeTask } from "../../../src/data/tasks/removal-store";
import { openNextRun } from "../../../src/data/tasks/run-store";
import { call, until } from "../../support/api";
import { arm, type Fault, resetFaults } from "../../support/faults";
import { holdBack } from "../../support/held-back";
import { db, RING_MS } from "../../support/leased-part";
import { refusalOf } from "../../support/refusal";
import { silentTask } from "../../support/requests-object";
import { rows, scene } from "../../support/scene";

const CANCEL = 'update "tasks" set "status"';
const REMOVAL = "status = task.status";
const INVOKE = "SET run = run + 1";

beforeEach(() => resetFaults());

const cancel = (id: string) => call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
const invoke = (id: string, headers: Record<string, string> = {}) =>
  call("PATCH", `/v1/checkmate/tasks/${id}/invoke`, { headers });
const cancelRequest = (requestId: string) => call("PATCH", `/v1/requests/${requestId}/cancel`);

async function rowOf(id: string): Promise<any> {
  const [row] = await rows("SELECT * FROM tasks WHERE id = ?", id);
  return row;
}

async function canceledTask(): Promise<string> {
  const id = await silentTask(await scene(1));
  await cancel(id);
  return id;
}

describe("a cancel that lands late", () => {
  it("after an invoke cancels nothing: it names the run that it has read", async () => {
    const id = await canceledTask();
    await invoke(id);
    const { namespace_id: namespaceId } = await rowOf(id);
    const before = await rowOf(id);
    const found = await cancelTask(db, namespaceId, { id, run: 1 });
    expect([found?.run, found?.status]).toEqual([2, "created"]);
    await cancelTasks(db, namespaceId, [{ id, run: 1 }]);
    expect(await rowOf(id)).toEqual(before);
  });

  it("by the request id of an invoke cancels that run and no later one", async () => {
    const id = await canceledTask();
    const requestId = crypto.randomUUID();
    await invoke(id, { requestId });
    const late = holdBack(CANCEL, id);
    const answer = cancelRequest(requestId);
    await late.isHeld();
    await cancel(id);
    await invoke(id);
    late.free();
    expect((await answer).status).toBe(200);
    expect(await rowOf(id)).toMatchObject({ run: 3, status: "created" });
  });

  it("while its client still waits reads again, and ends the run that is open now", async () => {
    const id = await silentTask(await scene(1));
    const late = holdBack(CANCEL, id);
    const answer = cancel(id);
    await late.isHeld();
    await cancel(id);
    await invoke(id);
    late.free();
    expect((await answer).body.status).toBe("canceled");
    expect(await rowOf(id)).toMatchObject({ run: 2, status: "canceled" });
  });

  it("is given up when others always come first: 503, and the task runs on", async () => {
    const id = await silentTask(await scene(1));
    const answer = cancel(id);
    await overtaken(CANCEL, id);
    expect(refusalOf(await answer)).toBe("503 cancel-pending");
    expect((await rowOf(id)).status).toBe("created");
  });
});

/** Lets five tries of a call be overtaken, each by a new run. */
async function overtaken(at: string, id: string): Promise<void> {
  let free = 0;
  const fault: Fault = arm("reorders", at, 5, { scope: [id], heldUntil: () => free >= fault.fired });
  for (let tries = 1; tries <= 5; tries++) {
    await until(
      async () => fault.fired,
      (fired) => fired === tries,
    );
    await rows("UPDATE tasks SET run = run + 1 WHERE id = ?", id);
    free = tries;
  }
}

describe("an invoke that lands late", () => {
  it("after a cancel of the ended run opens nothing: that has moved the revision", async () => {
    const id = await canceledTask();
    const before = await rowOf(id);
    const late = holdBack(INVOKE, id);
    const answer = invoke(id);
    await late.isHeld();
    expect((await cancel(id)).body.status).toBe("canceled");
    late.free();
    const { status, body } = await answer;
    expect([status, body.status]).toEqual([202, "canceled"]);
    expect(await rowOf(id)).toEqual({ ...before, revision: before.revision + 1 });
  });

  it.each([
    ["by its request id", (_: string, requestId: string) => cancelRequest(requestId)],
    ["among many", (id: string) => call("PATCH", "/v1/checkmate/tasks/cancel", { body: { task_ids: [id] } })],
  ])("after a cancel of the ended run opens nothing: %s", async (_, again) => {
    const requestId = crypto.randomUUID();
    const id = await silentTask(await scene(1), requestId);
    await cancel(id);
    const late = holdBack(INVOKE, id);
    const answer = invoke(id);
    await late.isHeld();
    expect((await again(id, requestId)).status).toBe(200);
    late.free();
    expect((await answer).status).toBe(202);
    expect(await rowOf(id)).toMatchObject({ run: 1, status: "canceled" });
  });

  it("after the run that it would open has ended opens no further one", async () => {
    const id = await canceledTask();
    const { namespace_id: namespaceId, revision } = await rowOf(id);
    await invoke(id);
    await cancel(id);
    const late = { id, namespaceId, expectedRun: 1, revision, from: "checkpoints", claim: null } as const;
    expect((await openNextRun(db, late, RING_MS)).opened).toBeUndefined();
    expect(await rowOf(id)).toMatchObject({ run: 2, status: "canceled" });
  });

  it("after a removal opens nothing", async () => {
    const id = await canceledTask();
    const late = holdBack(INVOKE, id);
    const answer = invoke(id);
    await late.isHeld();
    await call("DELETE", `/v1/batches/${id}`);
    late.free();
    expect(refusalOf(await answer)).toBe("410 task-deleted");
    expect(await rowOf(id)).toBeUndefined();
  });
});

describe("a removal that lands late", () => {
  it("after an invoke removes nothing: it names the run that it has read", async () => {
    const id = await canceledTask();
    await invoke(id);
    const before = await rowOf(id);
    const late = { id, namespaceId: before.namespace_id, run: 1, operation: "re-voice" } as const;
    expect(await removeTask(db, late, { kind: "any" })).toBeUndefined();
    expect(await rowOf(id)).toEqual(before);
    expect(await rows("SELECT retired_at_ms FROM requests WHERE id = ?", id)).toEqual([{ retired_at_ms: null }]);
  });

  it("while its client still waits reads again, and removes the task with its new run", async () => {
    const id = await canceledTask();
    const late = holdBack(REMOVAL, id);
    const answer = call("DELETE", `/v1/batches/${id}`);
    await late.isHeld();
    await invoke(id);
    late.free();
    expect((await answer).status).toBe(204);
    expect(await rows("SELECT status, run FROM requests WHERE id = ?", id)).toEqual([{ status: "canceled", run: 2 }]);
  });

  it("is given up when others always come first: 503, and the task is there", async () => {
    const id = await silentTask(await scene(1));
    const answer = call("DELETE", `/v1/batches/${id}`);
    await overtaken(REMOVAL, id);
    expect(refusalOf(await answer)).toBe("503 removal-pending");
    expect((await rowOf(id)).status).toBe("created");
  });
});
