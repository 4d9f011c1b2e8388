import { setTimeout as delay } from "node:timers/promises";

import { z } from "zod";

import type { Caller } from "./caller.ts";
import { ChaosFault } from "./chaos-fault.ts";
import { TaskView } from "./clients.ts";
import type { Journal } from "./journal.ts";

const POLL_MS = 1_000;

const Task = TaskView.extend({
  request_id: z.string(),
  progress: z.object({ done: z.number(), failed: z.number(), total: z.number().nullable() }),
  result: z.object({ collection_id: z.string() }).partial().nullable(),
});
const Item = z.object({
  source_memory_id: z.string(),
  memory_id: z.string().nullable(),
  verdict: z.string(),
  ended_at: z.string().nullable(),
});
const Memory = z.object({ memory_id: z.string(), source: z.object({ memory_id: z.string(), task_id: z.string() }) });
const Event = z.object({
  sequence: z.number(),
  type: z.string(),
  status: z.string(),
  progress: z.object({ done: z.number(), failed: z.number() }),
});
const Collection = z.object({ collection_id: z.string(), name: z.string(), memory_count: z.number() });

/** What the service says of one task when all is over. */
export interface TaskFacts {
  readonly taskId: string;
  readonly requestId: string;
  readonly status: string;
  readonly done: number;
  readonly items: readonly {
    readonly sourceMemoryId: string;
    readonly memoryId: string | null;
    readonly verdict: string;
    /** When its checkpoint was written. */
    readonly endedAtMs: number | null;
  }[];
  /** What its target holds. */
  readonly memories: readonly { readonly memoryId: string; readonly sourceMemoryId: string; readonly taskId: string }[];
  /** What its target says that it holds. */
  readonly memoryCount: number;
  readonly events: readonly {
    readonly sequence: number;
    readonly type: string;
    readonly status: string;
    readonly done: number;
  }[];
}

/** Waits until every task has ended. @throws ChaosFault when one does not. */
export async function waitForAll(caller: Caller, waiting: Waiting): Promise<void> {
  const untilMs = Date.now() + waiting.secondsMax * 1_000;
  for (;;) {
    const tasks = await caller.list("/v1/checkmate/tasks", TaskView);
    const open = tasks.filter(({ ended_at }) => ended_at === null);
    waiting.tell(open.length, tasks.length);
    if (open.length === 0) return;
    if (Date.now() > untilMs) {
      const ids = open.map(({ task_id, status }) => `${task_id} (${status})`).join(", ");
      throw new ChaosFault(
        `${open.length} tasks did not end within ${waiting.secondsMax} s after the last kill: ${ids}`,
      );
    }
    await delay(POLL_MS, undefined, { signal: waiting.signal });
  }
}

export interface Waiting {
  readonly secondsMax: number;
  readonly signal: AbortSignal;
  readonly tell: (open: number, all: number) => void;
}

/** Reads all tasks that there are, those included that nobody asked for. */
export async function readFacts(
  caller: Caller,
  tell: (read: number, all: number) => void,
): Promise<readonly TaskFacts[]> {
  const tasks = await caller.list("/v1/checkmate/tasks", Task);
  // A target is named by its request; one of a task that was canceled early is not in its result.
  const targets = new Map((await caller.list("/v1/collections", Collection)).map((each) => [each.name, each]));
  const facts: TaskFacts[] = [];
  for (const task of tasks) {
    const target = targets.get(task.request_id);
    facts.push({
      taskId: task.task_id,
      requestId: task.request_id,
      status: task.status,
      done: task.progress.done,
      items: (await caller.list(`/v1/checkmate/tasks/${task.task_id}/items`, Item)).map((item) => ({
        sourceMemoryId: item.source_memory_id,
        memoryId: item.memory_id,
        verdict: item.verdict,
        endedAtMs: item.ended_at === null ? null : Date.parse(item.ended_at),
      })),
      memories: target === undefined ? [] : await readMemories(caller, target.collection_id),
      memoryCount: target?.memory_count ?? 0,
      events: await readEvents(caller, task.task_id),
    });
    tell(facts.length, tasks.length);
  }
  return facts;
}

async function readEvents(caller: Caller, taskId: string): Promise<TaskFacts["events"]> {
  const events = await caller.list(`/v1/checkmate/tasks/${taskId}/events`, Event);
  return events.map(({ sequence, type, status, progress }) => ({ sequence, type, status, done: progress.done }));
}

async function readMemories(caller: Caller, collectionId: string): Promise<TaskFacts["memories"]> {
  const memories = await caller.list(`/v1/collections/${collectionId}/memories`, Memory);
  return memories.map(({ memory_id, source }) => ({
    memoryId: memory_id,
    sourceMemoryId: source.memory_id,
    taskId: source.task_id,
  }));
}

const Stored = z.object({ results: z.array(z.object({ verdict: z.literal("created"), memory_id: z.string() })) });

/** Makes the agent and the collections, while nothing is killed yet. @returns the agent's id. */
export async function makeCollections(caller: Caller, journal: Journal, sizes: readonly number[]): Promise<string> {
  const agent = await caller.call({
    method: "PUT",
    path: "/v1/agents",
    body: { name: "Captain Mara", voice: { openers: ["Mark this:"] } },
    schema: z.object({ agent_id: z.string() }),
  });
  for (const [index, size] of sizes.entries()) {
    const made = await caller.call({
      method: "PUT",
      path: "/v1/collections",
      body: { name: `harbour ${index}` },
      schema: z.object({ collection_id: z.string() }),
    });
    const { collection_id: collectionId } = made.body;
    const memories = Array.from({ length: size }, (_, number) => ({
      text: `In the year ${1000 + number} Marta sold ${number} boats to her cousin Pavel for ${number * 7} crowns.`,
    }));
    const path = `/v1/collections/${collectionId}/memories`;
    const stored = await caller.call({ method: "PUT", path, body: { memories }, schema: Stored });
    const memoryIds = stored.body.results.map(({ memory_id }) => memory_id);
    journal.write({ kind: "collection", collectionId, memoryIds });
  }
  return agent.body.agent_id;
}
