import { describe, expect, it } from "vitest";
import { BatchRequestV1, toBatchInput } from "../../../src/api/v1/batches.dto";
import { readConfig } from "../../../src/runtime/config/config";
import { createTask } from "../../../src/services/creation/create-task";
import { succeed } from "../../../src/services/errors/outcome";
import { checkAddress, isPublicAddress, normalAddress } from "../../../src/services/webhooks/webhook-address";
import fc from "fast-check";
import { call } from "../../support/api";
import { INNER_ADDRESSES, PUBLIC_ADDRESSES } from "../../support/inner-addresses";
import { pointersOf, refusalOf } from "../../support/refusal";
import { rows } from "../../support/scene";
import { rowCounts } from "../../support/tenant";
import { deliverer, deliveryOf, hookedTenant, network } from "../../support/webhooks";

const tenant = await hookedTenant();

function guardsOn(net: ReturnType<typeof network>, allowHosts: readonly string[] = []) {
  return deliverer(net, allowHosts).services.webhooks;
}

function isRefused(host: string): boolean {
  try {
    normalAddress(`https://${host}/`, { allowHosts: new Set() });
    return false;
  } catch {
    return true;
  }
}

describe("the address of a webhook", () => {
  it(`is refused in all of ${INNER_ADDRESSES.length} ways to lead inside, and nothing is called but the resolver`, async () => {
    const net = network();
    for (const { url, resolves } of INNER_ADDRESSES) if (resolves) net.resolve(new URL(url).hostname, resolves);
    const passed: string[] = [];
    for (const { url } of INNER_ADDRESSES)
      await checkAddress(url, "/url", guardsOn(net)).then(
        () => passed.push(url),
        (error: unknown) => expect(error).toMatchObject({ value: { kind: "invalid", code: "webhook-refused" } }),
      );
    expect(passed).toEqual([]);
    expect(INNER_ADDRESSES.length).toBeGreaterThanOrEqual(110);
    expect(net.received).toEqual([]);
  });

  it.each(PUBLIC_ADDRESSES)("may be %s", async (url) => {
    expect(await checkAddress(url, "/url", guardsOn(network()))).toBe(new URL(url).href);
  });

  it("is kept as the URL standard writes it, and without a fragment", async () => {
    const guards = guardsOn(network());
    expect(await checkAddress("https://Hooks.example.com:443/a/../b#part", "/url", guards)).toBe(
      "https://hooks.example.com/b",
    );
  });

  it("may have a name that leads nowhere yet", async () => {
    const net = network();
    net.resolve("new.example.com", []);
    expect(await checkAddress("https://new.example.com/", "/url", guardsOn(net))).toBe("https://new.example.com/");
  });

  it("may have a name that cannot be resolved now", async () => {
    const resolver = { resolve: async () => Promise.reject(new Error("away")) };
    const guards = { ...guardsOn(network()), resolver };
    expect(await checkAddress("https://hooks.example.com/", "/url", guards)).toBe("https://hooks.example.com/");
  });

  it("may be any host of the allow list, with exactly its port, by http too", () => {
    const allowHosts = new Set(["127.0.0.1:9000", "hooks.test"]);
    for (const url of [
      "http://127.0.0.1:9000/a",
      "https://127.0.0.1:9000/a",
      "http://hooks.test/",
      "https://hooks.test/",
    ])
      expect(normalAddress(url, { allowHosts })).toBe(url);
    for (const url of ["http://127.0.0.1:9001/", "http://127.0.0.1/", "http://a.hooks.test/", "http://hooks.test:81/"])
      expect(() => normalAddress(url, { allowHosts })).toThrow(/^Give an address/);
  });

  it("is compared with the allow list as the URL standard writes it", () => {
    const { webhooks } = readConfig({
      ADMIN_KEY: "admin-key",
      WEBHOOK_ALLOW_HOSTS: " 127.1:9000, Hooks.Test:443,[::1]:80 ",
    });
    expect([...webhooks.allowHosts]).toEqual(["127.0.0.1:9000", "hooks.test", "[::1]"]);
    expect(readConfig({ ADMIN_KEY: "admin-key" }).webhooks.allowHosts.size).toBe(0);
  });

  it.each(["http://hooks.test", "hooks.test/path", "user@hooks.test", "*", "hooks.test:99999"])(
    "has no allow list with %j in it: the service does not start, and says why",
    (WEBHOOK_ALLOW_HOSTS) => {
      expect(() => readConfig({ ADMIN_KEY: "admin-key", WEBHOOK_ALLOW_HOSTS })).toThrow(/WEBHOOK_ALLOW_HOSTS/);
    },
  );

  it("is never let through with a user and a password, by the allow list neither", () => {
    const allowHosts = new Set(["hooks.test"]);
    expect(() => normalAddress("https://user:secret@hooks.test/", { allowHosts })).toThrow(/without a user/);
  });

  it("is public in the same way whether IPv4 is written with four numbers or one", () => {
    fc.assert(
      fc.property(fc.nat({ max: 0xff_ff_ff_ff }), (number) => {
        const dotted = new URL(`https://${number}/`).hostname;
        const mapped = `::ffff:${dotted}`;
        expect(isPublicAddress(mapped)).toBe(false);
        expect(isRefused(String(number))).toBe(!isPublicAddress(dotted));
        expect(isRefused(`0x${number.toString(16)}`)).toBe(!isPublicAddress(dotted));
      }),
    );
  });
});

describe("a delivery to an address that leads inside by now", () => {
  it("fails without a call, in each of the ways", async () => {
    const net = network();
    for (const { url, resolves } of INNER_ADDRESSES) if (resolves) net.resolve(new URL(url).hostname, resolves);
    const { deliver } = deliverer(net);
    const urls = JSON.stringify(INNER_ADDRESSES.map(({ url }) => url));
    const { namespaceId } = tenant;
    await rows(
      `INSERT INTO webhooks (id, namespace_id, url, enabled, version, secret_version, secret_key, created_at_ms, updated_at_ms)
      SELECT 'webhook_inner' || key, ?, value, 1, 1, 1, '0', 1, 1 FROM json_each(?)`,
      namespaceId,
      urls,
    );
    await rows(
      `INSERT INTO webhook_deliveries (id, namespace_id, webhook_id, task_id, run, event, payload, state, attempts,
        next_attempt_at_ms, look_at_ms, log, created_at_ms)
      SELECT 'delivery_inner' || key, ?, 'webhook_inner' || key, 'task_inner', 1, 'complete', '{}', 'pending', 0, 1, 1, '[]', 1
      FROM json_each(?)`,
      namespaceId,
      urls,
    );
    await Promise.all(INNER_ADDRESSES.map((_, index) => deliver(`delivery_inner${index}`)));
    const tried = await rows<{ state: string; log: string }>(
      "SELECT state, log FROM webhook_deliveries WHERE task_id = 'task_inner'",
    );
    expect(tried).toHaveLength(INNER_ADDRESSES.length);
    for (const { state, log } of tried) {
      expect([state, JSON.parse(log)]).toEqual(["pending", [expect.objectContaining({ status: null })]]);
      expect(JSON.parse(log)[0].error).toMatch(/^Give an (absolute )?address|^Give a host name/);
    }
    expect(net.received).toEqual([]);
  });

  it("is resolved anew for each attempt: a name that led outside at its creation is not called when it leads inside", async () => {
    const net = network();
    const { deliver, pass } = deliverer(net);
    const first = await tenant.canceled({ url: "https://rebinding.example.com/" });
    await deliver(first.id);
    expect(net.received).toHaveLength(1);
    const second = await tenant.canceled({ url: "https://rebinding.example.com/" });
    net.resolve("rebinding.example.com", ["169.254.169.254"]);
    await deliver(second.id);
    expect(net.received).toHaveLength(1);
    expect(await deliveryOf(second.id)).toMatchObject({ state: "pending", attempts: 1 });
    net.resolve("rebinding.example.com", ["93.184.215.14"]);
    pass(10);
    await deliver(second.id);
    expect(await deliveryOf(second.id)).toMatchObject({ state: "delivered", attempts: 2 });
  });

  it("fails, and is tried again, when its name leads nowhere", async () => {
    const net = network();
    net.resolve("nowhere.example.com", []);
    const { id } = await tenant.canceled({ url: "https://nowhere.example.com/" });
    await deliverer(net).deliver(id);
    const { state, log } = await deliveryOf(id);
    expect([state, log[0]?.error]).toEqual(["pending", "The name of the host does not lead anywhere."]);
  });

  it("fails, and is tried again, when the resolver does not answer", async () => {
    const { services, deliver } = deliverer(network());
    const { id } = await tenant.canceled();
    Object.assign(services.webhooks, { resolver: { resolve: async () => Promise.reject(new Error("away")) } });
    await deliver(id);
    const { state, log } = await deliveryOf(id);
    expect([state, log[0]?.error]).toEqual(["pending", "The name of the host could not be resolved."]);
  });
});

describe("a redirect", () => {
  it.each([301, 302, 307, 308])("with %i to an inner address is a failure, and is not followed", async (status) => {
    const net = network();
    net.answer(() => new Response(null, { status, headers: { location: "http://169.254.169.254/latest" } }));
    const { id } = await tenant.canceled();
    await deliverer(net).deliver(id);
    expect(net.received.map(({ url }) => url)).toEqual(["https://hooks.example.com/refrain"]);
    const { state, log } = await deliveryOf(id);
    expect([state, log[0]?.status, log[0]?.error]).toEqual(["pending", status, "Redirects are not followed."]);
  });
});

describe("batches-create", () => {
  const refused = { url: "https://169.254.169.254/latest" };

  it("answers 422 to the address of a webhook that is refused, points to it, and makes nothing", async () => {
    const before = await rowCounts();
    const answer = await tenant.create(refused);
    expect(refusalOf(answer)).toBe("422 webhook-refused");
    expect(pointersOf(answer)).toEqual(["/webhook/url"]);
    expect(await rowCounts()).toEqual(before);
  });

  it("leaves the request id free when it refuses the address", async () => {
    const requestId = crypto.randomUUID();
    await tenant.create(refused, requestId);
    expect((await tenant.create({ url: "https://hooks.example.com/" }, requestId)).status).toBe(201);
  });

  it("shows a replay though its address would be refused by now", async () => {
    const requestId = crypto.randomUUID();
    const url = "https://once-allowed.example.com/";
    const first = await tenant.create({ url }, requestId);
    const net = network();
    net.resolve("once-allowed.example.com", ["10.0.0.1"]);
    const ctx = { ...deliverer(net).services, namespaceId: tenant.namespaceId, keyId: "key_test", admin: false };
    const request = {
      api: 1,
      type: "batch",
      operation: "batches-create",
      path: {},
      body: tenant.body({ url }),
    } as const;
    const wanted = succeed(toBatchInput(BatchRequestV1.parse(tenant.body({ url }))));
    const again = await createTask(ctx, { requestId, requestIdIsClients: true, request, wanted });
    expect([again.replayed, again.task.id]).toEqual([true, first.body.task_id]);
    const other = createTask(ctx, { requestId: crypto.randomUUID(), requestIdIsClients: true, request, wanted });
    await expect(other).rejects.toMatchObject({ value: { code: "webhook-refused" } });
  });

  it("refuses one item of a bulk for its address, and makes the others", async () => {
    const items = [tenant.body({ url: "https://hooks.example.com/" }), tenant.body(refused), tenant.body()];
    const headers = { requestId: crypto.randomUUID() };
    const { body } = await call("PUT", "/v1/batches", { key: tenant.key, body: { items }, headers });
    expect(body.results.map(({ status }: { status: number }) => status)).toEqual([201, 422, 201]);
    expect(body.results[1].problem).toMatchObject({ code: "webhook-refused", errors: [{ pointer: "/webhook/url" }] });
  });

  it.each([
    [{}, "/webhook/url"],
    [{ url: "https://hooks.example.com/", events: [] }, "/webhook/events"],
    [{ url: "https://hooks.example.com/", events: ["started"] }, "/webhook/events/0"],
    [{ url: "https://hooks.example.com/", secret: "x" }, "/webhook/secret"],
    [{ url: `https://hooks.example.com/${"x".repeat(2_000)}` }, "/webhook/url"],
  ])("answers 422 to the webhook %j, and points to the fault", async (webhook, pointer) => {
    const answer = await tenant.create(webhook);
    expect(refusalOf(answer)).toBe("422 validation-failed");
    expect(pointersOf(answer)).toEqual([pointer]);
  });
});

describe("webhooks-create", () => {
  it("answers 422 to an address that is refused, and points to it", async () => {
    const answer = await call("PUT", "/v1/webhooks", { key: tenant.key, body: { url: "https://localhost/" } });
    expect(refusalOf(answer)).toBe("422 webhook-refused");
    expect(pointersOf(answer)).toEqual(["/url"]);
  });
});
