import { env } from "cloudflare:workers";
import { endFormat } from "../../src/api/app";
import { dnsOverHttps } from "../../src/providers/webhooks/dns-over-https";
import { httpsSender } from "../../src/providers/webhooks/https-sender";
import { openServices } from "../../src/runtime/composition";
import { deliver } from "../../src/services/webhooks/deliver";
import { call } from "./api";
import { travelMs } from "./clock";
import { arm } from "./faults";
import { withFaults } from "./faulty-bindings";
import { newAgent, newCollection, addMemories, newTenant } from "./nouns";
import { rows } from "./scene";

export const HOOK = "https://hooks.example.com/refrain";

/** What reached an endpoint. */
export interface Received {
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
}

type Reply = (received: Received) => Response | Promise<Response>;

const taken: Reply = () => new Response(null, { status: 204 });

/** A network of our own: names, and an endpoint behind every address that answers as the test says. */
export function network() {
  const names = new Map<string, readonly string[]>();
  const received: Received[] = [];
  const asked: string[] = [];
  let reply: Reply = taken;
  const fetcher: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    if (url.hostname === "dns.example") return dnsAnswer(url);
    const message = { url: request.url, headers: request.headers, body: await request.text() };
    received.push(message);
    return reply(message);
  };
  const dnsAnswer = (url: URL): Response => {
    const name = url.searchParams.get("name") ?? "";
    asked.push(name);
    const all = names.get(name) ?? ["93.184.215.14"];
    const type = url.searchParams.get("type");
    const fitting = all.filter((address) => address.includes(":") === (type === "AAAA"));
    const alias = { type: 5, data: `alias.${name}` };
    const records = fitting.map((data) => ({ type: type === "AAAA" ? 28 : 1, data }));
    return Response.json({ Status: all.length === 0 ? 3 : 0, Answer: [alias, ...records] });
  };
  return {
    received,
    /** The names that the resolver was asked for. */
    asked,
    fetch: fetcher,
    /** What a name leads to from now on; every other leads to a public address. */
    resolve: (name: string, addresses: readonly string[]) => void names.set(name, addresses),
    answer: (next: Reply) => void (reply = next),
  };
}

export type Network = ReturnType<typeof network>;

/**
 * Who delivers: the real service on a network of the test's own. Its bells are noted, and nobody hears them. A test that
 * lets time pass travels back at its end.
 */
export function deliverer(net: Network, allowHosts: readonly string[] = []) {
  const real = openServices(withFaults(env));
  const rung: { readonly ids: readonly string[]; readonly delaySeconds: number }[] = [];
  const services = {
    ...real,
    webhooks: {
      ...real.webhooks,
      bells: { ring: async (ids: readonly string[], delaySeconds: number) => void rung.push({ ids, delaySeconds }) },
      sender: httpsSender(net.fetch),
      resolver: dnsOverHttps("https://dns.example/dns-query", net.fetch),
      allowHosts: new Set(allowHosts),
    },
  };
  return {
    services,
    rung,
    deliver: (id: string) => deliver(services, endFormat, id),
    pass: (seconds: number) => travelMs(seconds * 1_000),
  };
}

/** A namespace whose tasks nobody works on and whose bells nobody hears; it can make deliveries by canceling tasks. */
export async function hookedTenant() {
  arm("drops", "queue: sendBatch", 100_000);
  const { key, namespaceId } = await newTenant();
  const { agent_id } = await newAgent(key);
  const { collection_id } = await newCollection(key);
  await addMemories(key, collection_id, [{ text: "Pavel never learned to swim." }]);
  const body = (webhook?: object) => ({
    operation: "re-voice",
    agent_id,
    collection_id,
    target: { name: "retold" },
    ...(webhook && { webhook }),
  });
  const create = (webhook?: object, requestId: string = crypto.randomUUID()) =>
    call("PUT", "/v1/batches", { key, body: body(webhook), headers: { requestId } });
  /** A task that was canceled, and the id of its delivery. */
  const canceled = async (webhook: object = { url: HOOK }) => {
    const made = await create(webhook);
    if (made.status !== 201) throw new Error(JSON.stringify(made.body));
    const taskId: string = made.body.task_id;
    await call("PATCH", `/v1/checkmate/tasks/${taskId}/cancel`, { key });
    return { taskId, id: `delivery_${taskId.slice(5)}_1`, webhookId: String(made.body.webhook.webhook_id) };
  };
  return { key, namespaceId, agentId: agent_id, collectionId: collection_id, body, create, canceled };
}

export interface DeliveryRow {
  readonly id: string;
  readonly state: string;
  readonly attempts: number;
  readonly next_attempt_at_ms: number;
  readonly log: readonly { readonly status: number | null; readonly error: string | null }[];
}

/** Straight from D1. */
export async function deliveryOf(id: string): Promise<DeliveryRow> {
  const [row] = await rows<DeliveryRow & { log: string }>("SELECT * FROM webhook_deliveries WHERE id = ?", id);
  if (row === undefined) throw new Error(`There is no delivery ${id}.`);
  return { ...row, log: JSON.parse(row.log) };
}
