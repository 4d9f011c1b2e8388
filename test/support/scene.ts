import { env } from "cloudflare:workers";
import { type Answer, call, until } from "./api";

export interface Scene {
  readonly agentId: string;
  readonly collectionId: string;
  readonly memoryIds: readonly string[];
}

let scenes = 0;

/** An agent with a voice, and a collection with memories, made through the API. */
export async function scene(memories: number | readonly object[] = 3, agent: object = {}): Promise<Scene> {
  scenes += 1;
  const made = await call("PUT", "/v1/agents", {
    body: { name: `Mara ${scenes}`, voice: { openers: ["Mark this:"], lexicon: { dog: "hound" } }, ...agent },
  });
  const collection = await call("PUT", "/v1/collections", { body: { name: `life ${scenes}` } });
  const collectionId: string = collection.body.collection_id;
  const texts = typeof memories === "number" ? Array.from({ length: memories }, (_, i) => memoryOf(i)) : memories;
  const memoryIds: string[] = [];
  for (let i = 0; i < texts.length; i += 100) {
    const body = { memories: texts.slice(i, i + 100) };
    const stored = await call("PUT", `/v1/collections/${collectionId}/memories`, { body });
    memoryIds.push(...stored.body.results.map((result: { memory_id: string }) => result.memory_id));
  }
  return { agentId: made.body.agent_id, collectionId, memoryIds };
}

export function memoryOf(index: number): object {
  return { text: `I fed ${index + 2} dogs in Lisbon on 3 May ${2001 + (index % 20)}.`, importance: 1 + (index % 10) };
}

export function batchOf(from: Scene, more: object = {}): Record<string, unknown> {
  return {
    operation: "re-voice",
    agent_id: from.agentId,
    collection_id: from.collectionId,
    target: { name: "retold" },
    ...more,
  };
}

export function putBatch(requestId: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return call("PUT", "/v1/batches", { body, headers: { requestId, ...headers } });
}

export async function taskOf(taskId: string): Promise<any> {
  return (await call("GET", `/v1/checkmate/tasks/${taskId}`)).body;
}

/** The task once it has ended, whatever the end. */
export function endOf(taskId: string, limitMs?: number): Promise<any> {
  return until(
    () => taskOf(taskId),
    (task) => Boolean(task.ended_at),
    limitMs,
  );
}

/** All rows that a query finds, straight from D1. */
export async function rows<T = Record<string, unknown>>(sql: string, ...values: unknown[]): Promise<T[]> {
  const result = await env.DB.prepare(sql)
    .bind(...values)
    .all<T>();
  return result.results;
}

/** The re-voiced memories of a task, straight from D1. */
export function reVoiced(taskId: string): Promise<{ id: string; source_memory_id: string; text: string }[]> {
  return rows("SELECT * FROM memories WHERE task_id = ?", taskId);
}

/** Every memory of the scene is re-voiced exactly once, and the counts say so. */
export async function onceEach(from: Scene, task: any): Promise<boolean> {
  const made = await reVoiced(task.task_id);
  const sources = new Set(made.map((memory) => memory.source_memory_id));
  const [target] = await rows<{ memory_count: number }>(
    "SELECT memory_count FROM collections WHERE id = ?",
    task.result.collection_id,
  );
  return (
    task.status === "complete" &&
    made.length === from.memoryIds.length &&
    from.memoryIds.every((id) => sources.has(id)) &&
    task.result.re_voiced === made.length &&
    target?.memory_count === made.length
  );
}

/** Rows like those of a task and of its request, under ids that begin with its own. @returns the ids. */
export async function copyTask(id: string, count: number): Promise<readonly string[]> {
  const ids = Array.from({ length: count }, (_, copy) => `${id}-${copy}`);
  for (const table of ["requests", "tasks"]) {
    const found = await rows<{ name: string }>("SELECT name FROM pragma_table_info(?) WHERE name <> 'id'", table);
    const columns = found.map(({ name }) => name);
    await rows(
      `INSERT INTO ${table} (id, ${columns.join()})
       SELECT copy.value, ${columns.map((column) => `original.${column}`).join()}
       FROM ${table} AS original JOIN json_each(?2) AS copy WHERE original.id = ?1`,
      id,
      JSON.stringify(ids),
    );
  }
  return ids;
}

/** Removes such rows, as if they had never been. */
export async function forgetTasks(ids: readonly string[]): Promise<void> {
  for (const table of ["requests", "tasks"])
    await rows(`DELETE FROM ${table} WHERE id IN (SELECT value FROM json_each(?))`, JSON.stringify(ids));
}
