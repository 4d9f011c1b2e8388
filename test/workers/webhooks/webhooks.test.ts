import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Webhook } from "standardwebhooks";
import { webhookSecretsOf } from "../../../src/runtime/adapters/webhook-secrets";
import { call } from "../../support/api";
import { travelBack } from "../../support/clock";
import { arm, resetFaults } from "../../support/faults";
import { newTenant } from "../../support/nouns";
import { refusalOf } from "../../support/refusal";
import { rows } from "../../support/scene";
import { deliverer, deliveryOf, hookedTenant, network } from "../../support/webhooks";

const tenant = await hookedTenant();
const { key } = tenant;

beforeEach(() => void arm("drops", "queue: sendBatch", 100_000));
afterEach(resetFaults);
afterEach(travelBack);

let endpoints = 0;
const newUrl = () => `https://endpoint-${(endpoints += 1)}.example.com/`;
const put = (url: string, more: object = {}, as = key) =>
  call("PUT", "/v1/webhooks", { key: as, body: { url, ...more } });
const at = (id: string, path = "") => `/v1/webhooks/${id}${path}`;
const secretOf = async (id: string) => (await call("GET", at(id, "/secret"), { key })).body;
const rotate = (id: string, headers = {}) => call("PATCH", at(id, "/rotate-secret"), { key, headers });

describe("webhooks-create", () => {
  it("makes the webhook of an address once, and answers a repeat with what is there", async () => {
    const url = newUrl();
    const first = await put(url, { description: "the archive" });
    const again = await put(url, { description: "another" });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(first.headers.get("location")).toBe(at(first.body.webhook_id));
    expect(first.body).toMatchObject({ url, description: "the archive", enabled: true, disabled_reason: null });
    expect(again.body).toEqual(first.body);
  });

  it("makes one for many calls at once", async () => {
    const url = newUrl();
    const answers = await Promise.all(Array.from({ length: 8 }, () => put(url)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array.from({ length: 7 }, () => 200), 201]);
    expect(new Set(answers.map(({ body }) => body.webhook_id)).size).toBe(1);
  });

  it("finds the one that a task has made", async () => {
    const url = newUrl();
    const made = await tenant.create({ url });
    const { status, body } = await put(url);
    expect([status, body.webhook_id]).toEqual([200, made.body.webhook.webhook_id]);
  });
});

describe("webhooks-list", () => {
  it("lists those of the namespace, newest first, in pages, without deleted ones", async () => {
    const { key: other } = await newTenant();
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.push((await put(newUrl(), {}, other)).body.webhook_id);
    await call("DELETE", at(ids[1] ?? ""), { key: other });
    const first = await call("GET", "/v1/webhooks?limit=1", { key: other });
    const rest = await call("GET", `/v1/webhooks?cursor=${first.body.next_cursor}`, { key: other });
    const listed = [...first.body.items, ...rest.body.items].map(({ webhook_id }) => webhook_id);
    expect(listed.toSorted()).toEqual([ids[0], ids[2]].toSorted());
    expect(rest.body.next_cursor).toBeNull();
  });
});

describe("webhook-update", () => {
  it("changes what is given, and counts the version", async () => {
    const { body, headers } = await put(newUrl(), { description: "first" });
    const changed = await call("PATCH", at(body.webhook_id), { key, body: { enabled: false } });
    expect(changed.body).toMatchObject({ enabled: false, description: "first" });
    expect([headers.get("etag"), changed.headers.get("etag")]).toEqual(['"1"', '"2"']);
  });

  it("answers 412 when somebody else changed it since, and changes nothing", async () => {
    const { body } = await put(newUrl());
    await call("PATCH", at(body.webhook_id), { key, body: { description: "theirs" } });
    const late = await call("PATCH", at(body.webhook_id), {
      key,
      body: { description: "ours" },
      headers: { "If-Match": '"1"' },
    });
    expect(refusalOf(late)).toBe("412 version-changed");
    expect((await call("GET", at(body.webhook_id), { key })).body.description).toBe("theirs");
  });
});

describe("webhook-delete", () => {
  it("ends it: nothing waits for it or is sent to it any more", async () => {
    const net = network();
    const { id, webhookId } = await tenant.canceled({ url: newUrl() });
    expect((await call("DELETE", at(webhookId), { key })).status).toBe(204);
    expect(refusalOf(await call("GET", at(webhookId), { key }))).toBe("404 webhook-not-found");
    await deliverer(net).deliver(id);
    expect([net.received, (await deliveryOf(id)).state]).toEqual([[], "dropped"]);
  });

  it("ends its secret too: the address that is named again has another", async () => {
    const url = newUrl();
    const { body } = await put(url);
    const before = await secretOf(body.webhook_id);
    await call("DELETE", at(body.webhook_id), { key });
    const again = await put(url);
    expect([again.status, again.body.webhook_id]).toEqual([201, body.webhook_id]);
    expect((await secretOf(body.webhook_id)).secret).not.toBe(before.secret);
  });

  it("drops what waits for good, also when the address is named again", async () => {
    const net = network();
    const url = newUrl();
    const { id, webhookId } = await tenant.canceled({ url });
    await call("DELETE", at(webhookId), { key });
    expect((await put(url)).status).toBe(201);
    await deliverer(net).deliver(id);
    expect([net.received, (await deliveryOf(id)).state]).toEqual([[], "dropped"]);
  });

  it("is undone by a task that names the address", async () => {
    const url = newUrl();
    const { body } = await put(url);
    const before = await secretOf(body.webhook_id);
    await call("DELETE", at(body.webhook_id), { key });
    await tenant.create({ url });
    expect((await call("GET", at(body.webhook_id), { key })).body).toMatchObject({ url, enabled: true });
    expect((await secretOf(body.webhook_id)).secret).not.toBe(before.secret);
  });
});

describe("webhook-secret-get", () => {
  it("answers the same secret each time: 32 bytes, of no other address or namespace", async () => {
    const [one, other] = [(await put(newUrl())).body.webhook_id, (await put(newUrl())).body.webhook_id];
    const secrets = [await secretOf(one), await secretOf(one), await secretOf(other)].map(({ secret }) => secret);
    expect(secrets[0]).toBe(secrets[1]);
    expect(secrets[2]).not.toBe(secrets[0]);
    expect(atob(secrets[0].slice("whsec_".length))).toHaveLength(32);
  });

  it("answers 404 in another namespace", async () => {
    const { key: other } = await newTenant();
    const { body } = await put(newUrl());
    const answer = await call("GET", at(body.webhook_id, "/secret"), { key: other });
    expect(refusalOf(answer)).toBe("404 webhook-not-found");
  });
});

const keys = (...versions: string[]) =>
  webhookSecretsOf(versions.map((version) => ({ version, secret: `the server's key ${version}` })));

async function sentWith(secrets: ReturnType<typeof keys>, id: string) {
  const net = network();
  const { services, deliver } = deliverer(net);
  Object.assign(services.webhooks, { secrets });
  await deliver(id);
  return net.received[0]?.headers.get("webhook-signature");
}

describe("the secret of a webhook", () => {
  it("stays the same when the server gets a newer key, and cannot be made when its own is gone", async () => {
    const url = newUrl();
    const [first, second, third] = [
      await tenant.canceled({ url }),
      await tenant.canceled({ url }),
      await tenant.canceled({ url }),
    ];
    await rows("UPDATE webhooks SET secret_key = '1' WHERE id = ?", first.webhookId);
    expect(await sentWith(keys("1"), first.id)).toMatch(/^v1,/);
    const net = network();
    const { services, deliver } = deliverer(net);
    Object.assign(services.webhooks, { secrets: keys("2", "1") });
    await deliver(second.id);
    const [message] = net.received;
    const secret = await keys("1").of(first.webhookId, 1, "1");
    const webhook = new Webhook(secret ?? "");
    expect(webhook.verify(message?.body ?? "", Object.fromEntries(message?.headers ?? []))).toMatchObject({});
    expect(await sentWith(keys("2"), third.id)).toBeUndefined();
    expect((await deliveryOf(third.id)).log[0]?.error).toBe("The secret cannot be made any more: rotate it.");
    // The service of the tests has neither key.
    expect(refusalOf(await call("GET", at(first.webhookId, "/secret"), { key }))).toBe("409 webhook-secret-lost");
    expect((await rotate(first.webhookId)).status).toBe(200);
  });
});

describe("webhook-secret-rotate", () => {
  it("makes another secret; the one before it signs too for 24 hours, and then no more", async () => {
    const url = newUrl();
    const [soon, late] = [await tenant.canceled({ url }), await tenant.canceled({ url })];
    const former = (await secretOf(soon.webhookId)).secret;
    const { status, body } = await rotate(soon.webhookId);
    expect([status, body.secret === former]).toEqual([200, false]);
    expect(Date.parse(body.former_secret_until)).toBeGreaterThan(Date.now());
    const net = network();
    const { deliver, pass } = deliverer(net);
    await deliver(soon.id);
    pass(86_401);
    await deliver(late.id);
    const countOf = (index: number) => net.received[index]?.headers.get("webhook-signature")?.split(" ").length;
    expect([countOf(0), countOf(1)]).toEqual([2, 1]);
    const message = net.received[0];
    for (const secret of [former, body.secret]) {
      const headers = Object.fromEntries(message?.headers ?? []);
      expect(new Webhook(secret).verify(message?.body ?? "", headers)).toMatchObject({ id: soon.id });
    }
  });

  it("lets the one before it sign no longer when the webhook is changed otherwise", async () => {
    const { id, webhookId } = await tenant.canceled({ url: newUrl() });
    await rotate(webhookId);
    const net = network();
    const { deliver, pass } = deliverer(net);
    pass(86_000);
    await call("PATCH", `/v1/webhooks/${webhookId}`, { key, body: { description: "Changed a day later." } });
    pass(401);
    await deliver(id);
    expect(net.received[0]?.headers.get("webhook-signature")?.split(" ").length).toBe(1);
  });

  it("lets only the last two sign after two rotations", async () => {
    const { id, webhookId } = await tenant.canceled({ url: newUrl() });
    const first = (await secretOf(webhookId)).secret;
    const second = (await rotate(webhookId)).body.secret;
    const third = (await rotate(webhookId)).body.secret;
    const net = network();
    await deliverer(net).deliver(id);
    const [message] = net.received;
    const takes = (secret: string) => {
      try {
        new Webhook(secret).verify(message?.body ?? "", Object.fromEntries(message?.headers ?? []));
        return true;
      } catch {
        return false;
      }
    };
    expect([first, second, third].map(takes)).toEqual([false, true, true]);
  });

  it("makes one further secret for a call that is sent again with If-Match", async () => {
    const { body, headers } = await put(newUrl());
    const ifMatch = { "If-Match": headers.get("etag") ?? "" };
    const answers = [await rotate(body.webhook_id, ifMatch), await rotate(body.webhook_id, ifMatch)];
    expect(answers.map(({ status }) => status)).toEqual([200, 412]);
    expect((await secretOf(body.webhook_id)).secret).toBe(answers[0]?.body.secret);
  });
});
