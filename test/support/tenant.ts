import { env } from "cloudflare:workers";
import { call, until } from "./api";
import { addMemories, newAgent, newCollection, newTenant } from "./nouns";

/** A namespace with one of each thing that a path can name, nothing of it under way. */
export interface SettledTenant {
  readonly namespaceId: string;
  readonly key: string;
  /** By the names of path parameters. */
  readonly ids: Readonly<Record<string, string>>;
  /** For operations that are about a thing of a certain kind: which it is. */
  readonly idsOf: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export async function settledTenant(): Promise<SettledTenant> {
  const { namespaceId, key } = await newTenant();
  const { body: made } = await call("PUT", "/v1/keys", { body: { name: "spare", namespace_id: namespaceId } });
  const { agent_id } = await newAgent(key);
  const { collection_id } = await newCollection(key);
  const { body: added } = await addMemories(key, collection_id, [{ text: "Pavel never learned to swim." }]);
  const memory_id: string = added.results[0].memory_id;
  const request_id = crypto.randomUUID();
  const body = { operation: "re-voice", agent_id, collection_id, target: { name: "retold" } };
  const { body: batch } = await call("PUT", "/v1/batches", { key, body, headers: { requestId: request_id } });
  const read = () => call("GET", `/v1/batches/${batch.id}`, { key });
  await until(read, (answer) => answer.body.ended_at !== null);
  const exported = await call("GET", `/v1/collections/${collection_id}/export`, {
    key,
    headers: { Prefer: "respond-async" },
  });
  const readExport = () => call("GET", `/v1/checkmate/tasks/${exported.body.task_id}`, { key });
  await until(readExport, (answer) => answer.body.ended_at !== null);
  const idsOf = { "checkmate-task-file-get": { task_id: exported.body.task_id } };
  const hook = await settledDelivery(namespaceId, key, batch.id);
  const things = { agent_id, collection_id, memory_id, request_id, key_id: made.key_id, ...hook };
  const ids = { ...things, task_id: batch.id, id: batch.id };
  return { namespaceId, key, ids, idsOf };
}

/** A webhook, and a message to it that was delivered, written past the service: nothing is sent. */
async function settledDelivery(namespaceId: string, key: string, taskId: string) {
  const { body } = await call("PUT", "/v1/webhooks", { key, body: { url: "https://settled.example.com/" } });
  const delivery_id = `delivery_${taskId.slice("task_".length)}_1`;
  await env.DB.prepare(
    `INSERT INTO webhook_deliveries (id, namespace_id, webhook_id, task_id, run, event, payload, state, attempts,
      next_attempt_at_ms, look_at_ms, log, created_at_ms, ended_at_ms)
    VALUES (?, ?, ?, ?, 1, 'complete', '{}', 'delivered', 1, 1, 1, '[]', 1, 1)`,
  )
    .bind(delivery_id, namespaceId, body.webhook_id, taskId)
    .run();
  return { webhook_id: String(body.webhook_id), delivery_id };
}

/** How many rows each table has: what must be the same after a call that was refused. */
export async function rowCounts(): Promise<Readonly<Record<string, number>>> {
  const tables = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'",
  ).all<{ name: string }>();
  const names = tables.results.map(({ name }) => name);
  const counts = await env.DB.batch<{ n: number }>(
    names.map((name) => env.DB.prepare(`SELECT count(*) AS n FROM "${name}"`)),
  );
  return Object.fromEntries(names.map((name, i) => [name, counts[i]?.results[0]?.n ?? -1]));
}
