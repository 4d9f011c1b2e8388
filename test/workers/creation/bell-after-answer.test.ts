import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { taskIdOf } from "../../../src/domain/ids";
import { RING_WITHIN_MS } from "../../../src/runtime/adapters/task-bells";
import { type Answer, call, until } from "../../support/api";
import { arm, resetFaults } from "../../support/faults";
import { rows } from "../../support/scene";
import { sweepOnce, travelPastBells } from "../../support/sweeper";
import { hookedTenant, HOOK } from "../../support/webhooks";

const RING = "queue: sendBatch";
const LOOK_MS = 20;

type Tenant = Awaited<ReturnType<typeof hookedTenant>>;

beforeEach(() => resetFaults());
/** Whether the limits of time that were put off may come. */
let isOver = true;

afterEach(() => {
  isOver = true;
  resetFaults();
  vi.restoreAllMocks();
});

/**
 * The queue never answers a ring for these tasks (where none is named, for any) or their ends. Nor does the limit of time of
 * a ring come before the test is over: until then, who waits waits for ever.
 */
function queueHangs(taskIds: readonly string[]) {
  const real = globalThis.setTimeout;
  const putOff = (work: () => void) => real(() => (isOver ? work() : putOff(work)), LOOK_MS);
  const timer = (work: () => void, ms?: number) => (ms === RING_WITHIN_MS ? putOff(work) : real(work, ms));
  vi.spyOn(globalThis, "setTimeout").mockImplementation(timer as typeof setTimeout);
  isOver = false;
  resetFaults();
  // What is in the id of a task is in that of its delivery too.
  const scope = taskIds.map((id) => id.slice("task_".length));
  return arm("hangs", RING, 1_000, scope.length === 0 ? {} : { scope });
}

/** A call that rings, and the tasks that it is about. */
interface Door {
  readonly taskIds: readonly string[];
  readonly send: () => Promise<Answer>;
}

const patch = (key: string, path: string, body?: unknown) => call("PATCH", path, { key, body });

/** A call that makes a task under a request id of its own. */
function creation(request: (tenant: Tenant) => { method: string; path: string; body?: unknown; headers?: object }) {
  return async (tenant: Tenant): Promise<Door> => {
    const requestId = crypto.randomUUID();
    const { method, path, body, headers } = request(tenant);
    const send = () => call(method, path, { key: tenant.key, body, headers: { requestId, ...headers } });
    return { taskIds: [await taskIdOf(tenant.namespaceId, requestId)], send };
  };
}

/** Every call that rings for a task. */
const STARTS = {
  // The service makes its request id, so its task is not known before: of all tasks it is the first to ring.
  "batches-submit": async ({ key, body }: Tenant): Promise<Door> => ({
    taskIds: [],
    send: () => call("POST", "/v1/batches", { key, body: body() }),
  }),
  "batches-create": creation(({ body }) => ({ method: "PUT", path: "/v1/batches", body: body() })),
  "batches-create with items": async ({ key, namespaceId, body }: Tenant): Promise<Door> => {
    const requestIds = [crypto.randomUUID(), crypto.randomUUID()];
    const items = requestIds.map((request_id) => ({ ...body(), request_id }));
    const taskIds = await Promise.all(requestIds.map((id) => taskIdOf(namespaceId, id)));
    return {
      taskIds,
      send: () => call("PUT", "/v1/batches", { key, body: { items }, headers: { requestId: crypto.randomUUID() } }),
    };
  },
  "batch-create, of an id that was reserved": async ({ key, body }: Tenant): Promise<Door> => {
    const held = await call("POST", "/v1/batches/id", { key, headers: { requestId: crypto.randomUUID() } });
    const { id, put_key: putKey } = held.body;
    return { taskIds: [id], send: () => call("PUT", `/v1/batches/${id}`, { key, body: body(), headers: { putKey } }) };
  },
  "agent-collection-re-voice": creation(({ agentId, collectionId }) => ({
    method: "PUT",
    path: `/v1/agents/${agentId}/collections/${collectionId}/re-voice`,
    body: { target: { name: "retold" } },
  })),
  "collection-export": creation(({ collectionId }) => ({
    method: "GET",
    path: `/v1/collections/${collectionId}/export`,
    headers: { Prefer: "respond-async" },
  })),
  "collection-analyze": creation(({ collectionId }) => ({
    method: "GET",
    path: `/v1/collections/${collectionId}/analyze`,
    headers: { Prefer: "respond-async" },
  })),
  "collection-import": creation(({ collectionId }) => ({
    method: "PUT",
    path: `/v1/collections/${collectionId}/import`,
    body: '{ "text": "Pavel kept bees." }\n',
    headers: { "content-type": "application/x-ndjson" },
  })),
  "collection-rebuild": creation(({ collectionId }) => ({
    method: "PATCH",
    path: `/v1/collections/${collectionId}/rebuild`,
  })),
  "checkmate-task-invoke": async (tenant: Tenant): Promise<Door> => {
    const { taskId } = await tenant.canceled();
    return { taskIds: [taskId], send: () => patch(tenant.key, `/v1/checkmate/tasks/${taskId}/invoke`) };
  },
};

/** A call about an open task whose end somebody wants to hear of. */
function ending(send: (tenant: Tenant, taskId: string, requestId: string) => Promise<Answer>) {
  return async (tenant: Tenant): Promise<Door> => {
    const requestId = crypto.randomUUID();
    const { body } = await tenant.create({ url: HOOK }, requestId);
    return { taskIds: [body.task_id], send: () => send(tenant, body.task_id, requestId) };
  };
}

/** Every call that rings for the delivery of an end. */
const ENDS = {
  "checkmate-task-cancel": ending(({ key }, id) => patch(key, `/v1/checkmate/tasks/${id}/cancel`)),
  "checkmate-tasks-cancel": ending(({ key }, id) => patch(key, "/v1/checkmate/tasks/cancel", { task_ids: [id] })),
  "request-cancel": ending(({ key }, _, requestId) => patch(key, `/v1/requests/${requestId}/cancel`)),
  "batch-delete": ending(({ key }, id) => call("DELETE", `/v1/batches/${id}`, { key })),
  "checkmate-tasks-clean": async (tenant: Tenant): Promise<Door> => {
    const { taskId } = await tenant.canceled();
    const clean = () => call("DELETE", "/v1/checkmate/tasks?older_than_days=0", { key: tenant.key });
    return { taskIds: [taskId], send: clean };
  },
  "webhook-delivery-redeliver": async ({ key, canceled }: Tenant): Promise<Door> => {
    const { taskId, id, webhookId } = await canceled();
    return { taskIds: [taskId], send: () => patch(key, `/v1/webhooks/${webhookId}/deliveries/${id}/redeliver`) };
  },
};

describe("while the queue hangs for ever", () => {
  it.each(Object.entries({ ...STARTS, ...ENDS }))("%s answers, and rings", async (_, door) => {
    const { taskIds, send } = await door(await hookedTenant());
    const hung = queueHangs(taskIds);
    const { status } = await send();
    expect([200, 201, 202, 204]).toContain(status);
    await until(
      async () => hung.fired,
      (rings) => rings > 0,
    );
  });

  it("a replay answers, and rings for nothing", async () => {
    const tenant = await hookedTenant();
    const requestId = crypto.randomUUID();
    const hung = queueHangs([await taskIdOf(tenant.namespaceId, requestId)]);
    expect((await tenant.create(undefined, requestId)).status).toBe(201);
    await until(
      async () => hung.fired,
      (rings) => rings === 1,
    );
    expect((await tenant.create(undefined, requestId)).status).toBe(200);
    expect(hung.fired).toBe(1);
  });
});

describe("a bell that the queue does not take", () => {
  it.each(
    (["batches-create", "batch-create, of an id that was reserved", "checkmate-task-invoke"] as const).map((name) => ({
      name,
      door: STARTS[name],
    })),
  )("is logged, and the task of $name is rung for by the sweeper", async ({ door }) => {
    const { taskIds, send } = await door(await hookedTenant());
    const [taskId = ""] = taskIds;
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    resetFaults();
    const lost = arm("fails-before", RING, 1, { scope: taskIds });
    expect((await send()).body.task_id).toBe(taskId);
    await until(
      async () => warn.mock.calls.map(([line]) => String(line)),
      (lines) => lines.some((line) => line.includes("bell-not-rung")),
    );
    expect(lost.fired).toBe(1);
    travelPastBells();
    await sweepOnce();
    const ended = await until(
      () => rows("SELECT status FROM tasks WHERE id = ? AND ended_at_ms IS NOT NULL", taskId),
      (found) => found.length > 0,
    );
    expect(ended).toEqual([{ status: "complete" }]);
  });
});
