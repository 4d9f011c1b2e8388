import { env, exports } from "cloudflare:workers";
import { type Answer, call, requestOf } from "./api";
import { endOf } from "./scene";

/** A file of lines, from values or texts. */
export const ndjson = (...lines: readonly unknown[]): string =>
  lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("");

export interface Imported {
  readonly key?: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function putFile(collectionId: string, body: unknown, { query = "", headers = {}, key }: Imported = {}) {
  return call("PUT", `/v1/collections/${collectionId}/import${query}`, {
    body,
    headers: { "content-type": "application/x-ndjson", ...headers },
    ...(key !== undefined && { key }),
  });
}

/** The task of an import, at its end. */
export async function imported(collectionId: string, body: unknown, options: Imported = {}): Promise<any> {
  const answer = await putFile(collectionId, body, options);
  if (answer.status !== 202) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  return endOf(answer.body.task_id);
}

export function exportOf(collectionId: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return call("GET", `/v1/collections/${collectionId}/export`, { headers });
}

/** What an export says: the line about the collection, and the memories. */
export function linesOf(text: string): { readonly head: any; readonly memories: any[] } {
  const [head, ...memories] = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  return { head, memories };
}

export async function exported(collectionId: string): Promise<{ readonly head: any; readonly memories: any[] }> {
  return linesOf((await exportOf(collectionId)).body);
}

/** The answer itself, for who reads it bit by bit. */
export function openExportOf(collectionId: string): Promise<Response> {
  return exports.default.fetch(requestOf("GET", `/v1/collections/${collectionId}/export`));
}

export async function newEmpty(name = "empty"): Promise<string> {
  return (await call("PUT", "/v1/collections", { body: { name } })).body.collection_id;
}

/** The names of what is stored of a task. */
export async function filesOf(taskId: string): Promise<readonly string[]> {
  const { objects } = await env.FILES.list({ prefix: `tasks/${taskId}/` });
  return objects.map(({ key }) => key);
}

/** Starts an operation on a collection. @returns the id of its task. */
export async function startWork(operation: string, collectionId: string): Promise<string> {
  const { status, body } = await call("PUT", "/v1/batches", {
    body: { operation, collection_id: collectionId },
    headers: { requestId: crypto.randomUUID() },
  });
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body.id;
}

/** Memories put straight into D1: many in little time. The first is memory 0. */
export async function fill(collectionId: string, count: number): Promise<void> {
  await env.DB.prepare(
    `INSERT INTO memories (id, namespace_id, collection_id, text, type, importance, metadata, created_at_ms,
       updated_at_ms, access_count, child_memory_ids, external_id, same_key, digest)
     WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)
     SELECT 'memory_' || lower(hex(randomblob(16))), namespace_id, id, 'memory ' || i, 'observation', 1 + i % 10, '{}',
       1700000000000 + i / 7, 0, 0, '[]', i, 'x:' || i, 'd' FROM collections, n WHERE id = ?1`,
  )
    .bind(collectionId, count)
    .run();
  await env.DB.prepare("UPDATE collections SET memory_count = memory_count + ?2 WHERE id = ?1")
    .bind(collectionId, count)
    .run();
}
