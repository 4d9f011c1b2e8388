import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it } from "vitest";
import { ADMIN_KEY, call } from "../../support/api";
import { setClaimRate } from "../../support/claim-rate";
import { batchOf, putBatch, scene } from "../../support/scene";
import worker from "../../support/worker";

/** A call of the Worker whose rate limiter says what we want, and counts how often it was asked. */
function limited(allowed: boolean) {
  const keys: string[] = [];
  const limiter = {
    limit: async ({ key }: { key: string }) => {
      keys.push(key);
      return { success: allowed };
    },
  };
  // Creations are counted where they are claimed: in the object.
  setClaimRate((keyId) => {
    keys.push(keyId);
    return allowed;
  });
  const limitedEnv: Env = { ...env, RATE_LIMIT: "on", RATE_LIMITER: limiter };
  const send = async (method: string, path: string, headers: Record<string, string> = {}, body?: unknown) => {
    const init: RequestInit<IncomingRequestCfProperties> = {
      method,
      headers: { authorization: `Bearer ${ADMIN_KEY}`, ...headers },
      body: body === undefined ? null : JSON.stringify(body),
    };
    const request = new Request<unknown, IncomingRequestCfProperties>(`https://refrain.test${path}`, init);
    const response = await worker.fetch(request, limitedEnv, createExecutionContext());
    return { status: response.status, headers: response.headers, body: await response.json<any>() };
  };
  const create = (requestId: string, body: unknown) =>
    send("PUT", "/v1/batches", { requestId, "content-type": "application/json" }, body);
  return { send, create, keys };
}

afterEach(() => setClaimRate(undefined));

describe("the rate limit", () => {
  it("answers 429 with Retry-After once a key has used it up", async () => {
    const { send, keys } = limited(false);
    const refused = await send("GET", "/v1/agents");
    expect(refused.body).toMatchObject({ status: 429, code: "rate-limited", retryable: true });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(keys).toEqual(["key_admin"]);
  });

  it("refuses a new task and leaves its requestId unused", async () => {
    const body = batchOf(await scene(1));
    const requestId = crypto.randomUUID();
    const { create, keys } = limited(false);
    expect((await create(requestId, body)).status).toBe(429);
    expect(keys).toEqual(["key_admin"]);
    setClaimRate(undefined);
    expect((await call("GET", `/v1/requests/${requestId}`)).status).toBe(404);
    expect((await putBatch(requestId, body)).status).toBe(201);
  });

  it("refuses no replay, and no mismatch", async () => {
    const body = batchOf(await scene(1));
    const requestId = crypto.randomUUID();
    const first = await putBatch(requestId, body);
    const { create } = limited(false);
    const again = await create(requestId, body);
    expect([again.status, again.body.id]).toEqual([200, first.body.id]);
    expect((await create(requestId, { ...body, name: "other" })).body.code).toBe("request-id-reused");
  });

  it("counts no replay whose row is read first: of one that refers to what is not remembered", async () => {
    const requestId = crypto.randomUUID();
    const { body: reserved } = await call("POST", "/v1/batches/id", { headers: { requestId } });
    const { send, keys } = limited(false);
    const again = await send("POST", "/v1/batches/id", { requestId });
    expect([again.headers.get("idempotent-replayed"), again.body.id, keys]).toEqual(["true", reserved.id, []]);
  });

  it("counts a replay once at most, where it may be let in without a read", async () => {
    const body = batchOf(await scene(1));
    const requestId = crypto.randomUUID();
    await putBatch(requestId, body);
    const { create, keys } = limited(true);
    expect((await create(requestId, body)).status).toBe(200);
    expect(keys).toEqual(["key_admin"]);
  });

  it("counts a new task once though its id stands several times in one bulk", async () => {
    const item = { ...batchOf(await scene(1)), request_id: crypto.randomUUID() };
    const { create, keys } = limited(true);
    const { body } = await create(crypto.randomUUID(), { items: [item, item, item] });
    expect(body.results.map(({ status }: { status: number }) => status).toSorted()).toEqual([200, 200, 201]);
    expect(keys).toEqual(["key_admin"]);
  });

  it("lets a call through and counts it once", async () => {
    const { send, keys } = limited(true);
    expect((await send("GET", "/v1/agents")).status).toBe(200);
    expect(keys).toHaveLength(1);
  });

  it("does not stand before the key: a call without one is 401", async () => {
    const { send, keys } = limited(false);
    expect((await send("GET", "/v1/agents", { authorization: "Bearer wrong" })).status).toBe(401);
    expect(keys).toEqual([]);
  });
});
