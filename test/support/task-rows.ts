import { env } from "cloudflare:workers";
import type { TaskStatus } from "../../src/domain/tasks/task";

interface TaskRows {
  readonly namespaceId: string;
  readonly count: number;
  readonly status?: TaskStatus;
  /** Of the first; each further one is created a second later. */
  readonly createdAtMs?: number;
  readonly endedAtMs?: number;
  readonly tags?: readonly string[];
  readonly name?: string;
}

/** Rows of tasks and of their requests, straight in D1, with no work behind them. @returns their ids, oldest first. */
export async function insertTaskRows(wanted: TaskRows): Promise<string[]> {
  const {
    namespaceId,
    count,
    status = "created",
    createdAtMs = 1_000,
    endedAtMs = null,
    tags = [],
    name = null,
  } = wanted;
  const ids = Array.from({ length: count }, () => `task_${crypto.randomUUID().replaceAll("-", "")}`);
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO requests (id, namespace_id, request_id, door, fingerprint, request, call_id, first_seen_at_ms,
         last_seen_at_ms)
       SELECT value, ?2, value, 'task', value, '{}', value, ?3 + key * 1000, ?3 + key * 1000 FROM json_each(?1)`,
    ).bind(JSON.stringify(ids), namespaceId, createdAtMs),
    env.DB.prepare(
      `INSERT INTO tasks (id, namespace_id, request_id, key_id, type, operation, status, name, tags, metadata, command, run,
         attempts, created_at_ms, updated_at_ms, ended_at_ms, ring_at_ms)
       SELECT value, ?2, value, 'key_x', 'batch', 're-voice', ?3, ?7, ?6, '{}', '{}', 1, 0, ?4 + key * 1000, ?4, ?5, 1e15
       FROM json_each(?1)`,
    ).bind(JSON.stringify(ids), namespaceId, status, createdAtMs, endedAtMs, JSON.stringify(tags), name),
  ]);
  return ids;
}
