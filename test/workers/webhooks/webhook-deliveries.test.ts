import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RETRY_SECONDS } from "../../../src/domain/tasks/task-end";
import { httpsSender } from "../../../src/providers/webhooks/https-sender";
import { call } from "../../support/api";
import { travelBack } from "../../support/clock";
import { arm, resetFaults } from "../../support/faults";
import { rows } from "../../support/scene";
import { deliverer, deliveryOf, hookedTenant, HOOK, network } from "../../support/webhooks";

const tenant = await hookedTenant();
const { key } = tenant;
const failing = () => new Response("not now", { status: 500 });

beforeEach(() => void arm("drops", "queue: sendBatch", 100_000));
afterEach(resetFaults);
afterEach(travelBack);

/** An endpoint of its own for each test: what others have under way is no matter of it. */
let endpoints = 0;
const newHook = () => ({ url: `https://hooks-${(endpoints += 1)}.example.com/` });

async function secretOf(webhookId: string): Promise<string> {
  return (await call("GET", `/v1/webhooks/${webhookId}/secret`, { key })).body.secret;
}

describe("a message", () => {
  it("is signed so that the library of Standard Webhooks takes it", async () => {
    const net = network();
    const { id, webhookId } = await tenant.canceled(newHook());
    await deliverer(net).deliver(id);
    const [message] = net.received;
    const headers = Object.fromEntries(message?.headers ?? []);
    const webhook = new Webhook(await secretOf(webhookId));
    expect(webhook.verify(message?.body ?? "", headers)).toMatchObject({ id, specversion: "1.0" });
    expect(() => webhook.verify(`${message?.body} `, headers)).toThrow("No matching signature found");
    expect(headers["webhook-id"]).toBe(id);
    expect(headers["content-type"]).toBe("application/cloudevents+json; charset=utf-8");
    expect(headers["user-agent"]).toBe("Refrain-Webhooks/1");
    expect(headers["authorization"]).toBeUndefined();
  });

  it("is signed as the vector of the specification, with each secret", async () => {
    const net = network();
    const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const message = { url: HOOK, id: "msg_p5jXN8AQM9LWM0D4loKWxJek", atMs: 1_614_265_330_999 };
    await httpsSender(net.fetch).send({ ...message, body: '{"test": 2432232314}', secrets: [secret, "whsec_AAAA"] });
    const headers = net.received[0]?.headers;
    expect(headers?.get("webhook-timestamp")).toBe("1614265330");
    expect(headers?.get("webhook-signature")).toMatch(
      /^v1,g0hM9SsE\+OTPJTGt\/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,[A-Za-z0-9+/]{43}=$/,
    );
  });

  it("is signed as Web Crypto signs it", async () => {
    const net = network();
    const { id, webhookId } = await tenant.canceled(newHook());
    await deliverer(net).deliver(id);
    const { body = "", headers = new Headers() } = net.received[0] ?? {};
    const secret = Uint8Array.from(atob((await secretOf(webhookId)).slice("whsec_".length)), (c) => c.charCodeAt(0));
    const hmac = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const signed = new TextEncoder().encode(`${id}.${headers.get("webhook-timestamp")}.${body}`);
    const mac = String.fromCharCode(...new Uint8Array(await crypto.subtle.sign("HMAC", hmac, signed)));
    expect(headers.get("webhook-signature")).toBe(`v1,${btoa(mac)}`);
  });

  it("is given up when its endpoint does not answer in time, and the call is closed", async () => {
    let signal: AbortSignal | null | undefined;
    const silent: typeof fetch = (_, init) => {
      signal = init?.signal;
      return new Promise(() => undefined);
    };
    const answer = await httpsSender(silent, 20).send({ url: HOOK, id: "x", atMs: 0, body: "{}", secrets: ["AAAA"] });
    expect(answer).toEqual({ status: null, error: "There was no answer within 15 s." });
    expect(signal?.aborted).toBe(true);
  });

  it("does not wait for the rest of an answer, nor read it", async () => {
    const net = network();
    let canceled = false;
    const endless = new ReadableStream({ cancel: () => void (canceled = true) });
    net.answer(() => new Response(endless, { status: 200 }));
    const { id } = await tenant.canceled(newHook());
    await deliverer(net).deliver(id);
    expect((await deliveryOf(id)).state).toBe("delivered");
    expect(canceled).toBe(true);
  });

  it("fails in words of ours when the host cannot be reached", async () => {
    const net = network();
    net.answer(() => Promise.reject(new Error("connect ECONNREFUSED 10.1.2.3:443")));
    const { id } = await tenant.canceled(newHook());
    await deliverer(net).deliver(id);
    expect((await deliveryOf(id)).log).toEqual([
      expect.objectContaining({ status: null, error: "The host could not be reached, or broke off." }),
    ]);
  });
});

describe("a delivery", () => {
  it("is delivered by any 2xx, once", async () => {
    const net = network();
    net.answer(() => new Response("thanks", { status: 202 }));
    const { id } = await tenant.canceled(newHook());
    const { deliver } = deliverer(net);
    await deliver(id);
    await deliver(id);
    expect(net.received).toHaveLength(1);
    expect(await deliveryOf(id)).toMatchObject({
      state: "delivered",
      attempts: 1,
      log: [{ status: 202, error: null }],
    });
  });

  it("is tried again on the schedule, each time under the same id, and has failed after the last attempt", async () => {
    const net = network();
    net.answer(failing);
    const { id } = await tenant.canceled(newHook());
    const { services, rung, deliver, pass } = deliverer(net);
    for (const seconds of RETRY_SECONDS) {
      await deliver(id);
      const { state, next_attempt_at_ms } = await deliveryOf(id);
      const waits = (next_attempt_at_ms - services.clock.nowMs()) / 1_000;
      expect([state, waits > seconds - 5, waits <= seconds * 1.2 + 1]).toEqual(["pending", true, true]);
      const before = net.received.length;
      await deliver(id);
      expect(net.received).toHaveLength(before);
      pass(seconds * 1.2 + 2);
    }
    await deliver(id);
    pass(86_400);
    await deliver(id);
    expect(net.received).toHaveLength(RETRY_SECONDS.length + 1);
    expect(new Set(net.received.map(({ headers }) => headers.get("webhook-id")))).toEqual(new Set([id]));
    expect(new Set(net.received.map(({ body }) => body)).size).toBe(1);
    expect(await deliveryOf(id)).toMatchObject({ state: "failed", attempts: 10 });
    // Waits that the queue cannot keep are the sweeper's.
    expect(rung).toHaveLength(RETRY_SECONDS.filter((seconds) => seconds < 40_000).length);
    expect(rung.every(({ ids, delaySeconds }) => ids[0] === id && delaySeconds <= 43_200)).toBe(true);
  });

  it.each([429, 503])("waits as long as a %i asks, if that is longer", async (status) => {
    const net = network();
    net.answer(() => new Response(null, { status, headers: { "retry-after": "1800" } }));
    const { id } = await tenant.canceled(newHook());
    const { services, deliver } = deliverer(net);
    await deliver(id);
    const waits = ((await deliveryOf(id)).next_attempt_at_ms - services.clock.nowMs()) / 1_000;
    expect([waits > 1_790, waits <= 1_800]).toEqual([true, true]);
  });

  it("waits no longer than an hour for whom it should leave alone for a year", async () => {
    const net = network();
    net.answer(() => new Response(null, { status: 503, headers: { "retry-after": "31536000" } }));
    const { id } = await tenant.canceled(newHook());
    const { services, deliver } = deliverer(net);
    await deliver(id);
    expect(((await deliveryOf(id)).next_attempt_at_ms - services.clock.nowMs()) / 1_000).toBeLessThanOrEqual(3_600);
  });

  it("is sent once by two consumers at once, and by doubled bells", async () => {
    const net = network();
    const { id } = await tenant.canceled(newHook());
    const [one, other] = [deliverer(net), deliverer(net)];
    await Promise.all([one.deliver(id), other.deliver(id), one.deliver(id), other.deliver(id)]);
    expect(net.received).toHaveLength(1);
    expect(await deliveryOf(id)).toMatchObject({ state: "delivered", attempts: 1 });
  });

  it("is sent again under the same id after a crash between the call and its mark", async () => {
    const net = network();
    const { id } = await tenant.canceled(newHook());
    const { deliver, pass } = deliverer(net);
    arm("fails-before", "UPDATE webhook_deliveries SET state = ?");
    await expect(deliver(id)).rejects.toThrow("The database does not answer.");
    await deliver(id);
    expect(net.received).toHaveLength(1);
    pass(61);
    await deliver(id);
    expect(net.received.map(({ headers }) => headers.get("webhook-id"))).toEqual([id, id]);
    const { state, attempts, log } = await deliveryOf(id);
    expect([state, attempts]).toEqual(["delivered", 2]);
    expect(log.map(({ error }) => error)).toEqual([expect.stringMatching(/^The attempt was cut off/), null]);
  });

  it("is marked by nobody whose lease has lapsed", async () => {
    const net = network();
    const { id } = await tenant.canceled(newHook());
    const late = Promise.withResolvers<Response>();
    net.answer(() => late.promise);
    const { deliver, pass } = deliverer(net);
    const first = deliver(id);
    await expect.poll(() => net.received.length).toBe(1);
    pass(61);
    net.answer(() => new Response(null, { status: 204 }));
    await deliver(id);
    late.resolve(failing());
    await first;
    expect(await deliveryOf(id)).toMatchObject({ state: "delivered", attempts: 2 });
  });

  it("has failed when all its attempts were cut off", async () => {
    const { id } = await tenant.canceled(newHook());
    await rows("UPDATE webhook_deliveries SET attempts = 10 WHERE id = ?", id);
    const net = network();
    await deliverer(net).deliver(id);
    expect([(await deliveryOf(id)).state, net.received]).toEqual(["failed", []]);
  });

  it("keeps the last 20 attempts", async () => {
    const net = network();
    net.answer(failing);
    const { id } = await tenant.canceled(newHook());
    const log = JSON.stringify(Array.from({ length: 20 }, (_, atMs) => ({ atMs, status: 418 })));
    await rows("UPDATE webhook_deliveries SET log = ? WHERE id = ?", log, id);
    await deliverer(net).deliver(id);
    const kept = (await deliveryOf(id)).log.map(({ status }) => status);
    expect(kept).toEqual([...Array.from({ length: 19 }, () => 418), 500]);
  });

  it("that nobody knows is nothing to do", async () => {
    expect(await deliverer(network()).deliver("delivery_0_1")).toBe("done");
  });
});
