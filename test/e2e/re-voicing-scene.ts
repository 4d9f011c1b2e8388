import { randomUUID } from "node:crypto";
import { expect, vi } from "vitest";
import type { Answer, Service } from "../support/service.ts";

const MEMORIES_PER_CALL = 100;
const PAGE_SIZE = 100;
const END_MS_MAX = 90_000;
const POLL_MS = 25;

/** An agent with a voice, and a collection to be re-voiced. */
export interface Scene {
  readonly agentId: string;
  readonly collectionId: string;
  readonly memoryIds: readonly string[];
}

export async function makeScene(service: Service, memories: number): Promise<Scene> {
  const agent = await service.call("PUT", "/v1/agents", {
    body: { name: `Captain ${randomUUID()}`, voice: { openers: ["Mark this:"], lexicon: { boats: "hulls" } } },
  });
  const collection = await service.call("PUT", "/v1/collections", { body: { name: "The harbour" } });
  const collectionId: string = collection.body.collection_id;
  const memoryIds: string[] = [];
  for (let first = 1; first <= memories; first += MEMORIES_PER_CALL) {
    const count = Math.min(MEMORIES_PER_CALL, memories - first + 1);
    const batch = Array.from({ length: count }, (_, index) => ({ text: textOf(first + index) }));
    const { status, body } = await service.call("PUT", `/v1/collections/${collectionId}/memories`, {
      body: { memories: batch },
    });
    expect(status).toBe(201);
    memoryIds.push(...body.results.map((result: { memory_id: string }) => result.memory_id));
  }
  return { agentId: agent.body.agent_id, collectionId, memoryIds };
}

function textOf(number: number): string {
  return `In the year ${1000 + number} Marta sold ${number} boats to her cousin Pavel for ${number * 7} crowns.`;
}

export function reVoicing(scene: Scene, name: string) {
  return { operation: "re-voice", agent_id: scene.agentId, collection_id: scene.collectionId, target: { name }, name };
}

export function putBatch(service: Service, requestId: string, body: unknown): Promise<Answer> {
  return service.call("PUT", "/v1/batches", { body, headers: { requestId } });
}

/** The task, read from the database: no call that would wake the object of its request id. */
export async function readTask(service: Service, taskId: string): Promise<Answer["body"]> {
  const { status, body } = await service.call("GET", `/v1/checkmate/tasks/${taskId}`);
  expect(status).toBe(200);
  return body;
}

/** Reads the task until `reached` says so. Fails at once when the task has ended before that. */
export async function taskWhen(
  service: Service,
  taskId: string,
  reached: (task: Answer["body"]) => boolean,
): Promise<Answer["body"]> {
  return vi.waitUntil(
    async () => {
      const task = await readTask(service, taskId);
      if (reached(task)) return task;
      if (task.ended_at !== null) throw new Error(`The task has ended before: ${JSON.stringify(task)}`);
      return undefined;
    },
    { timeout: END_MS_MAX, interval: POLL_MS },
  );
}

export function taskAtEnd(service: Service, taskId: string): Promise<Answer["body"]> {
  return taskWhen(service, taskId, (task) => task.ended_at !== null);
}

/** The task is complete, and its target holds what it made of each memory of the source, once. */
export async function expectOnceEach(service: Service, scene: Scene, task: Answer["body"]): Promise<void> {
  const total = scene.memoryIds.length;
  expect(task).toMatchObject({
    status: "complete",
    progress: { done: total, failed: 0, total },
    result: { re_voiced: total, skipped: 0, failed: 0 },
  });
  const made = await listAll(service, `/v1/collections/${task.result.collection_id}/memories`);
  expect(made).toHaveLength(total);
  expect(made.map((memory) => memory.source.memory_id).toSorted()).toEqual(scene.memoryIds.toSorted());
  expect(new Set(made.map((memory) => memory.source.task_id))).toEqual(new Set([task.task_id]));

  const source = await service.call("GET", `/v1/collections/${scene.collectionId}`);
  expect(source.body.memory_count).toBe(total);
}

/** Every item of a list, page after page. */
export async function listAll(service: Service, path: string): Promise<readonly any[]> {
  const items: any[] = [];
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({ limit: String(PAGE_SIZE), ...(cursor === null ? {} : { cursor }) });
    const { status, body }: Answer = await service.call("GET", `${path}?${query}`);
    expect(status).toBe(200);
    items.push(...body.items);
    cursor = body.next_cursor;
  } while (cursor !== null);
  return items;
}
