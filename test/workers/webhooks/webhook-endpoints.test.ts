import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openServices } from "../../../src/runtime/composition";
import { ringForEnds, sweepDeliveries, sweepOldDeliveries } from "../../../src/services/webhooks/deliveries";
import { call } from "../../support/api";
import { travelBack } from "../../support/clock";
import { envWith } from "../../support/env-with";
import { arm, resetFaults } from "../../support/faults";
import { consume } from "../../support/requests-object";
import { refusalOf } from "../../support/refusal";
import { rows } from "../../support/scene";
import { deliverer, deliveryOf, hookedTenant, network } from "../../support/webhooks";

const tenant = await hookedTenant();
const { key } = tenant;
const failing = () => new Response("not now", { status: 500 });

beforeEach(() => void arm("drops", "queue: sendBatch", 100_000));
afterEach(resetFaults);
afterEach(travelBack);

/** An endpoint of its own for each test: what others have under way is no matter of it. */
let endpoints = 0;
const newHook = () => ({ url: `https://hooks-${(endpoints += 1)}.example.com/` });

describe("an endpoint that answers 410", () => {
  it("is disabled, and what waits for it is dropped", async () => {
    const net = network();
    net.answer(() => new Response(null, { status: 410 }));
    const hook = newHook();
    const [first, waiting] = [await tenant.canceled(hook), await tenant.canceled(hook)];
    const { deliver } = deliverer(net);
    await deliver(first.id);
    await deliver(waiting.id);
    expect(net.received).toHaveLength(1);
    expect([(await deliveryOf(first.id)).state, (await deliveryOf(waiting.id)).state]).toEqual(["failed", "dropped"]);
    const { body } = await call("GET", `/v1/webhooks/${first.webhookId}`, { key });
    expect(body).toMatchObject({ enabled: false, disabled_reason: "gone" });
  });

  it("gets no delivery of later ends, until it is enabled again", async () => {
    const hook = newHook();
    const { webhookId } = await tenant.canceled(hook);
    const enable = (enabled: boolean) => call("PATCH", `/v1/webhooks/${webhookId}`, { key, body: { enabled } });
    await enable(false);
    const without = await tenant.canceled(hook);
    await enable(true);
    const withIt = await tenant.canceled(hook);
    const known = await rows<{ id: string }>("SELECT id FROM webhook_deliveries WHERE webhook_id = ?", webhookId);
    const ids = new Set(known.map(({ id }) => id));
    expect([ids.has(without.id), ids.has(withIt.id)]).toEqual([false, true]);
  });
});

describe("a queue that does not take the bells of many ends", () => {
  it("is asked once and no more: the sweeper rings for the others", async () => {
    const sent: number[] = [];
    const sendBatch = async (rings: readonly unknown[]) => {
      sent.push(rings.length);
      throw new Error("The queue does not answer.");
    };
    const services = { ...openServices(envWith({ WEBHOOK_BELLS: { sendBatch } })), log: () => {} };
    const ends = Array.from({ length: 250 }, (_, run) => ({ id: "task_x", run }));
    await ringForEnds(services, ends);
    expect(sent).toEqual([100]);
  });

  it("has all of them when it takes a hundred in each call", async () => {
    const sent: number[] = [];
    const sendBatch = async (rings: readonly unknown[]) => void sent.push(rings.length);
    const ends = Array.from({ length: 250 }, (_, run) => ({ id: "task_x", run }));
    await ringForEnds(openServices(envWith({ WEBHOOK_BELLS: { sendBatch } })), ends);
    expect(sent).toEqual([100, 100, 50]);
  });
});

describe("a slow endpoint", () => {
  it("has two attempts under way at most, and others do not wait for it", async () => {
    const net = network();
    const slow = newHook();
    const held = Promise.withResolvers<Response>();
    net.answer(({ url }) => (url === slow.url ? held.promise : new Response(null, { status: 204 })));
    const many = [await tenant.canceled(slow), await tenant.canceled(slow), await tenant.canceled(slow)];
    const other = await tenant.canceled(newHook());
    const { deliver } = deliverer(net);
    const [one, two] = many.map(({ id }) => deliver(id));
    await expect.poll(() => net.received.length).toBe(2);
    const verdicts = await Promise.all([deliver(other.id), ...many.slice(2).map(({ id }) => deliver(id))]);
    expect(verdicts).toEqual(["done", "busy"]);
    expect((await deliveryOf(other.id)).state).toBe("delivered");
    held.resolve(new Response(null, { status: 204 }));
    await Promise.all([one, two]);
    await Promise.all(many.map(({ id }) => deliver(id)));
    expect(await Promise.all(many.map(async ({ id }) => (await deliveryOf(id)).state))).toEqual([
      "delivered",
      "delivered",
      "delivered",
    ]);
  });
});

describe("the queue of deliveries", () => {
  it("is answered by the consumer: what is done with is acknowledged, what cannot be read too", async () => {
    const { id } = await tenant.canceled(newHook());
    const bodies = [{ v: 1, delivery_id: id }, { v: 2 }, "nonsense"];
    const result = await consume("refrain-webhook-bells", bodies);
    expect(result.explicitAcks.toSorted()).toEqual(["m0", "m1", "m2"]);
    expect((await deliveryOf(id)).attempts).toBe(1);
  });

  it("keeps the bell when the database does not answer", async () => {
    const { id } = await tenant.canceled(newHook());
    arm("fails-before", "db: UPDATE webhook_deliveries");
    const result = await consume("refrain-webhook-bells", [{ v: 1, delivery_id: id }]);
    expect(result.retryMessages).toEqual([{ msgId: "m0" }]);
  });
});

describe("the sweeper", () => {
  it("rings for what was due half a minute ago, and once in ten minutes", async () => {
    const { id } = await tenant.canceled(newHook());
    const { services, rung, pass } = deliverer(network());
    const rungFor = () => rung.filter(({ ids }) => ids.includes(id)).length;
    await sweepDeliveries(services);
    expect(rungFor()).toBe(0);
    pass(31);
    await sweepDeliveries(services);
    await sweepDeliveries(services);
    expect(rungFor()).toBe(1);
    pass(601);
    await sweepDeliveries(services);
    expect(rungFor()).toBe(2);
  });

  it("forgets deliveries after 30 days, and no younger ones", async () => {
    const [old, young] = [await tenant.canceled(newHook()), await tenant.canceled(newHook())];
    const { services } = deliverer(network());
    const ageMs = services.clock.nowMs() - 30 * 86_400_000;
    await rows("UPDATE webhook_deliveries SET created_at_ms = ? WHERE id = ?", ageMs - 1, old.id);
    await rows("UPDATE webhook_deliveries SET created_at_ms = ? WHERE id = ?", ageMs + 60_000, young.id);
    await sweepOldDeliveries(services);
    await expect(deliveryOf(old.id)).rejects.toThrow("There is no delivery");
    expect((await deliveryOf(young.id)).state).toBe("pending");
  });
});

describe("webhook-deliveries-list", () => {
  it("shows each message with its attempts, newest first, in pages and by state", async () => {
    const net = network();
    net.answer(failing);
    const hook = newHook();
    const [first, second] = [await tenant.canceled(hook), await tenant.canceled(hook)];
    await deliverer(net).deliver(first.id);
    await rows("UPDATE webhook_deliveries SET created_at_ms = 1 WHERE id = ?", first.id);
    const path = `/v1/webhooks/${first.webhookId}/deliveries`;
    const { body: page } = await call("GET", `${path}?limit=1`, { key });
    expect(page.items).toEqual([
      expect.objectContaining({
        delivery_id: second.id,
        task_id: second.taskId,
        state: "pending",
        attempts: 0,
        log: [],
      }),
    ]);
    const { body: rest } = await call("GET", `${path}?cursor=${page.next_cursor}`, { key });
    expect(rest.next_cursor).toBeNull();
    expect(rest.items).toEqual([
      {
        delivery_id: first.id,
        webhook_id: first.webhookId,
        task_id: first.taskId,
        run: 1,
        event: "canceled",
        state: "pending",
        attempts: 1,
        next_attempt_at: expect.any(String),
        log: [
          {
            at: expect.any(String),
            duration_ms: expect.any(Number),
            status: 500,
            error: "The server answered 500.",
          },
        ],
        created_at: "1970-01-01T00:00:00.001Z",
        ended_at: null,
      },
    ]);
    expect((await call("GET", `${path}?state=delivered`, { key })).body.items).toEqual([]);
  });
});

const redeliver = ({ webhookId, id }: { webhookId: string; id: string }) =>
  call("PATCH", `/v1/webhooks/${webhookId}/deliveries/${id}/redeliver`, { key });

describe("webhook-delivery-redeliver", () => {
  it("sends what was delivered once more, with the same id and body", async () => {
    const net = network();
    const made = await tenant.canceled(newHook());
    const { deliver } = deliverer(net);
    await deliver(made.id);
    expect((await redeliver(made)).body).toMatchObject({ state: "pending", attempts: 0, ended_at: null });
    await deliver(made.id);
    const [first, again] = net.received;
    expect([again?.headers.get("webhook-id"), again?.body]).toEqual([made.id, first?.body]);
    expect(await deliveryOf(made.id)).toMatchObject({ state: "delivered", attempts: 1, log: [{}, {}] });
  });

  it("gives what has failed all its attempts anew", async () => {
    const net = network();
    net.answer(failing);
    const made = await tenant.canceled(newHook());
    await rows("UPDATE webhook_deliveries SET state = 'failed', attempts = 10 WHERE id = ?", made.id);
    await redeliver(made);
    await deliverer(net).deliver(made.id);
    expect(await deliveryOf(made.id)).toMatchObject({ state: "pending", attempts: 1 });
  });

  it("answers 409 while the webhook is disabled, and changes nothing", async () => {
    const made = await tenant.canceled(newHook());
    await call("PATCH", `/v1/webhooks/${made.webhookId}`, { key, body: { enabled: false } });
    const before = await deliveryOf(made.id);
    expect(refusalOf(await redeliver(made))).toBe("409 webhook-disabled");
    expect(await deliveryOf(made.id)).toEqual(before);
  });

  it("answers 404 to a delivery of another webhook", async () => {
    const [one, other] = [await tenant.canceled(newHook()), await tenant.canceled(newHook())];
    expect(refusalOf(await redeliver({ webhookId: one.webhookId, id: other.id }))).toBe("404 delivery-not-found");
  });
});
