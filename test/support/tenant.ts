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
  const ids = { agent_id, collection_id, memory_id, request_id, task_id: batch.id, id: batch.id, key_id: made.key_id };
  return { namespaceId, key, ids, idsOf };
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
