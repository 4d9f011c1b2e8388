import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openServices } from "../../../src/runtime/composition";
import { call } from "../../support/api";
import { arm, loggedCalls, resetFaults } from "../../support/faults";
import { consumerOf } from "../../support/model-consumer";
import { rows } from "../../support/scene";
import { deliverer, deliveryOf, hookedTenant, HOOK, network } from "../../support/webhooks";

/*
 * What is written when a task ends that somebody wants to hear of; and that neither stands without the other.
 */

const tenant = await hookedTenant();
const { key } = tenant;

beforeEach(() => void arm("drops", "queue: sendBatch", 100_000));
afterEach(resetFaults);

const deliveriesOf = (taskId: string) =>
  rows<{ id: string; event: string; payload: string }>(
    "SELECT * FROM webhook_deliveries WHERE task_id = ? ORDER BY run",
    taskId,
  );
const cancel = (taskId: string) => call("PATCH", `/v1/checkmate/tasks/${taskId}/cancel`, { key });

/** Rings until the task has ended. */
async function worked(taskId: string): Promise<any> {
  const { ring } = consumerOf(openServices(env).generator);
  for (let bells = 0; bells < 3; bells++) await ring(taskId);
  return (await call("GET", `/v1/checkmate/tasks/${taskId}`, { key })).body;
}

describe("a task with a webhook", () => {
  it("is told of as a CloudEvent when it completes, with the result that the API shows", async () => {
    const { body } = await tenant.create({ url: HOOK });
    const task = await worked(body.task_id);
    expect(task).toMatchObject({ status: "complete", result: { re_voiced: 1 } });
    const net = network();
    await deliverer(net).deliver(`delivery_${body.task_id.slice(5)}_1`);
    expect(net.received).toHaveLength(1);
    expect(JSON.parse(net.received[0]?.body ?? "")).toEqual({
      specversion: "1.0",
      id: `delivery_${body.task_id.slice(5)}_1`,
      source: "/v1/checkmate/tasks",
      type: "refrain.task.complete",
      subject: body.task_id,
      time: task.ended_at,
      datacontenttype: "application/json",
      data: {
        task_id: body.task_id,
        request_id: task.request_id,
        operation: "re-voice",
        status: "complete",
        run: 1,
        progress: { done: 1, failed: 0, total: 1 },
        result: task.result,
        error: null,
      },
    });
  });

  it("is told of with its error when it ends as one", async () => {
    const { body } = await tenant.create({ url: HOOK });
    await rows(
      `UPDATE tasks SET status = 'error', error = '{"code":"item-failed","detail":"One failed."}', ended_at_ms = 5
      WHERE id = ?`,
      body.task_id,
    );
    const net = network();
    await deliverer(net).deliver(`delivery_${body.task_id.slice(5)}_1`);
    const { type, data } = JSON.parse(net.received[0]?.body ?? "");
    expect([type, data.error]).toEqual(["refrain.task.error", { code: "item-failed", detail: "One failed." }]);
  });

  it.each(["export", "analyze", "rebuild"])("is told of with the result of an %s", async (operation) => {
    const { collectionId } = tenant;
    const body = { operation, collection_id: collectionId, webhook: { url: HOOK } };
    const headers = { requestId: crypto.randomUUID() };
    const made = await call("PUT", "/v1/batches", { key, body, headers });
    const task = await worked(made.body.task_id);
    const net = network();
    await deliverer(net).deliver(`delivery_${made.body.task_id.slice(5)}_1`);
    const { data } = JSON.parse(net.received[0]?.body ?? "");
    expect([data.status, data.operation, data.result]).toEqual(["complete", operation, task.result]);
  });

  it("has no delivery before it ends", async () => {
    const { body } = await tenant.create({ url: HOOK });
    expect(await deliveriesOf(body.task_id)).toEqual([]);
  });

  it("has none for an end that nobody wants to hear of", async () => {
    const { taskId } = await tenant.canceled({ url: HOOK, events: ["complete", "error"] });
    expect(await deliveriesOf(taskId)).toEqual([]);
  });

  it("shows its webhook, and whoever reads the task sees no secret", async () => {
    const { body } = await tenant.create({ url: HOOK, events: ["error"] });
    expect(body.webhook).toEqual({ webhook_id: expect.stringMatching(/^webhook_[0-9a-f]{32}$/), events: ["error"] });
  });

  it("makes the endpoint of its address once, and each namespace its own", async () => {
    const url = "https://once.example.com/";
    const made = [
      await tenant.create({ url }),
      await tenant.create({ url }),
      await (await hookedTenant()).create({ url }),
    ];
    const ids = made.map(({ body }) => body.webhook.webhook_id);
    expect(ids[0]).toBe(ids[1]);
    expect(ids[2]).not.toBe(ids[0]);
    expect(await rows("SELECT id FROM webhooks WHERE url = ?", url)).toHaveLength(2);
  });

  it("has one delivery for each run that ends", async () => {
    const { taskId } = await tenant.canceled();
    await call("PATCH", `/v1/checkmate/tasks/${taskId}/invoke`, { key });
    await cancel(taskId);
    const ids = (await deliveriesOf(taskId)).map(({ id }) => id);
    expect(ids).toEqual([`delivery_${taskId.slice(5)}_1`, `delivery_${taskId.slice(5)}_2`]);
  });

  it("has one delivery however often it is canceled", async () => {
    const { taskId } = await tenant.canceled();
    await Promise.all([cancel(taskId), cancel(taskId), cancel(taskId)]);
    expect(await deliveriesOf(taskId)).toHaveLength(1);
  });

  it("is told of when it is born canceled", async () => {
    const requestId = crypto.randomUUID();
    await call("PATCH", `/v1/requests/${requestId}/cancel`, { key });
    const { body } = await tenant.create({ url: HOOK }, requestId);
    expect(body.status).toBe("canceled");
    expect((await deliveriesOf(body.task_id)).map(({ event }) => event)).toEqual(["canceled"]);
  });

  it("is told of when it is deleted while it is open, though its row is gone", async () => {
    const { body } = await tenant.create({ url: HOOK });
    await call("DELETE", `/v1/batches/${body.task_id}`, { key });
    expect(await rows("SELECT 1 FROM tasks WHERE id = ?", body.task_id)).toEqual([]);
    expect((await deliveriesOf(body.task_id)).map(({ event }) => event)).toEqual(["canceled"]);
  });

  it("is told of when it fills a reserved id", async () => {
    const { body: reserved } = await call("POST", "/v1/batches/id", { key });
    const body = { ...tenant.body({ url: HOOK }), put_key: reserved.put_key };
    const filled = await call("PUT", `/v1/batches/${reserved.id}`, { key, body });
    expect([filled.status, filled.body.webhook]).toEqual([201, expect.objectContaining({ events: expect.anything() })]);
    await cancel(reserved.id);
    expect(await deliveriesOf(reserved.id)).toHaveLength(1);
  });

  it("has a delivery for each item of a bulk", async () => {
    const items = Array.from({ length: 5 }, () => tenant.body({ url: HOOK }));
    const headers = { requestId: crypto.randomUUID() };
    const { body } = await call("PUT", "/v1/batches", { key, body: { items }, headers });
    const ids: string[] = body.results.map(({ task_id }: { task_id: string }) => task_id);
    await Promise.all(ids.map(cancel));
    expect((await Promise.all(ids.map(deliveriesOf))).flat()).toHaveLength(5);
  });
});

describe("the outbox", () => {
  it("holds no delivery when what ends the task fails, and one when it succeeds", async () => {
    const { body } = await tenant.create({ url: HOOK });
    const end = env.DB.prepare("UPDATE tasks SET status = 'canceled', ended_at_ms = 7 WHERE id = ?").bind(body.task_id);
    await expect(env.DB.batch([end, env.DB.prepare("SELECT json('no JSON')")])).rejects.toThrow(/malformed JSON/);
    expect(await deliveriesOf(body.task_id)).toEqual([]);
    expect(await rows("SELECT status FROM tasks WHERE id = ?", body.task_id)).toEqual([{ status: "created" }]);
    await end.run();
    expect(await deliveriesOf(body.task_id)).toHaveLength(1);
  });

  it("holds the delivery though the answer to the end was lost", async () => {
    const { body } = await tenant.create({ url: HOOK });
    arm("fails-after", 'db: update "tasks"');
    await cancel(body.task_id);
    expect(await deliveriesOf(body.task_id)).toHaveLength(1);
  });

  it("keeps what is told as it was at the end", async () => {
    const { taskId, id } = await tenant.canceled();
    await call("PATCH", `/v1/checkmate/tasks/${taskId}/invoke`, { key });
    const net = network();
    await deliverer(net).deliver(id);
    expect(JSON.parse(net.received[0]?.body ?? "").data).toMatchObject({ status: "canceled", run: 1 });
  });
});

const rings = () => loggedCalls().filter((label) => label === "queue: sendBatch").length;

describe("whoever ends a task", () => {
  it("rings for the delivery when it is canceled", async () => {
    const { body } = await tenant.create({ url: HOOK });
    resetFaults();
    arm("drops", "queue: sendBatch", 10);
    await cancel(body.task_id);
    expect(rings()).toBe(1);
  });

  it("rings once for all that are canceled together", async () => {
    const made = [await tenant.create({ url: HOOK }), await tenant.create(), await tenant.create({ url: HOOK })];
    const task_ids = made.map(({ body }) => body.task_id);
    resetFaults();
    arm("drops", "queue: sendBatch", 10);
    const { body } = await call("PATCH", "/v1/checkmate/tasks/cancel", { key, body: { task_ids } });
    expect(body.done).toHaveLength(3);
    expect(rings()).toBe(1);
    expect((await Promise.all(task_ids.map(deliveriesOf))).map((found) => found.length)).toEqual([1, 0, 1]);
  });

  it("rings once when its batch is deleted, and not for an end that was told of before", async () => {
    const { body } = await tenant.create({ url: HOOK });
    const told = await tenant.canceled({ url: HOOK });
    await deliverer(network()).deliver(told.id);
    resetFaults();
    arm("drops", "queue: sendBatch", 10);
    for (const id of [told.taskId, body.task_id])
      expect((await call("DELETE", `/v1/batches/${id}`, { key })).status).toBe(204);
    expect(rings()).toBe(1);
  });

  it("rings for nothing when nobody wants to hear of it", async () => {
    const { body } = await tenant.create();
    resetFaults();
    arm("drops", "queue: sendBatch", 10);
    await cancel(body.task_id);
    expect(rings()).toBe(0);
  });

  it("ends it all the same when the queue takes no ring, and leaves the delivery to the sweeper", async () => {
    const { body } = await tenant.create({ url: HOOK });
    arm("fails-before", "queue: sendBatch");
    expect((await cancel(body.task_id)).body.status).toBe("canceled");
    const id = `delivery_${body.task_id.slice(5)}_1`;
    expect(await deliveryOf(id)).toMatchObject({ state: "pending", attempts: 0 });
  });
});
