import { randomUUID } from "node:crypto";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";

import { z } from "zod";

import { BenchFault } from "../bench-fault.ts";
import { countedWorker, countsAtRest, resetCounts } from "../counted/worker.ts";
import { type Runtime, startRuntime } from "../runtime.ts";
import { createFirst, HEADERS } from "../scene.ts";
import type { Counts, NewRows } from "./counts.ts";
import { runtimeCpuMs } from "./cpu.ts";
import type { Model, ModelCounts } from "./model.ts";
import { AGENT, type TaskScene } from "./scene.ts";

/** How a task is run: by the model behind a socket, or by the embedded rules. */
export interface TaskSubject {
  readonly name: string;
  /** Null for the embedded generator. */
  readonly model: { readonly latencyMs: number; readonly limit: number; readonly callsPerInvocation: number } | null;
}

/** What one task did in one round. Times in milliseconds. */
export interface TaskSample {
  readonly fromCreationMs: number;
  /** From the first call of the model; null without one. */
  readonly fromFirstCallMs: number | null;
  readonly model: ModelCounts | null;
  readonly counts: Counts;
  readonly newRows: NewRows;
  /** Of the whole runtime, the local database and queue included; null where nobody tells. */
  readonly cpuMs: number | null;
}

export interface TaskTools {
  readonly workDir: string;
  readonly model: Model;
  readonly memories: number;
  readonly signal: AbortSignal;
}

const POLL_MS = 250;
const TASK_MS_MAX = 900_000;
const WARM_UP_MEMORIES = 25;

/** Runs the task once, on a copy of the scene's state that is thrown away. @throws BenchFault when it did not complete. */
export async function runTask(subject: TaskSubject, scene: TaskScene, tools: TaskTools): Promise<TaskSample> {
  const folder = join(tools.workDir, `round-${randomUUID()}`);
  const stateDir = join(folder, "v3");
  await cp(scene.stateDir, stateDir, { recursive: true });
  try {
    const worker = await countedWorker(scene.service, variablesOf(subject, tools.model), "consumed");
    const runtime = await startRuntime(worker, stateDir);
    try {
      return await measure(runtime, subject, scene, tools);
    } finally {
      await runtime.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function variablesOf({ model }: TaskSubject, { baseUrl }: Model): Readonly<Record<string, string>> {
  if (model === null) return {};
  return {
    MODEL_PROVIDER: "openai-compatible",
    MODEL_BASE_URL: baseUrl,
    MODEL_NAME: "stub",
    MODEL_CALLS_PER_INVOCATION: String(model.callsPerInvocation),
  };
}

async function measure(
  runtime: Runtime,
  { name, model }: TaskSubject,
  scene: TaskScene,
  { memories, signal, ...tools }: TaskTools,
): Promise<TaskSample> {
  // What a deployed Worker has loaded long since: its code, and the table of words.
  await fetch(`${runtime.address}/v1/collections/${String(scene.batch["collection_id"])}/search`, {
    method: "POST",
    headers: HEADERS,
    body: JSON.stringify({ query: "a house", update_access: false }),
  }).then((answer) => answer.text());
  if (model !== null) await tools.model.begin(model.latencyMs, model.limit);
  await resetCounts(runtime.address);
  const cpuBefore = runtimeCpuMs();
  await createFirst(runtime.address, randomUUID(), JSON.stringify(scene.batch));
  const task = await taskAtEnd(runtime, signal);
  const cpuAfter = runtimeCpuMs();
  const newRows = await readNewRows(runtime);
  if (task.status !== "complete" || newRows.memories !== memories) {
    const what = `${task.status} with ${newRows.memories} of ${memories} memories: ${task.error ?? "no error"}`;
    throw new BenchFault(`The task of ${name} ended as ${what}.`);
  }
  const told = model === null ? null : await tools.model.tell();
  const firstAtMs = told?.firstAtMs ?? null;
  return {
    fromCreationMs: task.ended_at_ms - task.created_at_ms,
    fromFirstCallMs: firstAtMs === null ? null : task.ended_at_ms - firstAtMs,
    model: told,
    // After the end its object is told, and spare bells are heard.
    counts: await countsAtRest(runtime.address, signal),
    newRows,
    cpuMs: cpuBefore === null || cpuAfter === null ? null : cpuAfter - cpuBefore,
  };
}

const Ended = z.object({
  status: z.string(),
  created_at_ms: z.number(),
  ended_at_ms: z.number(),
  error: z.string().nullable(),
});
const Counted = z.object({ kind: z.enum(["status", "end", "progress", "item"]), rows: z.number() });

/** Asks the database itself, by a way that is not counted. The state holds this one task. */
async function taskAtEnd(runtime: Runtime, signal: AbortSignal): Promise<z.infer<typeof Ended>> {
  const db = await runtime.database();
  const find = db.prepare("SELECT status, created_at_ms, ended_at_ms, error FROM tasks WHERE ended_at_ms IS NOT NULL");
  const untilMs = performance.now() + TASK_MS_MAX;
  for (;;) {
    signal.throwIfAborted();
    const row = await find.first();
    if (row !== null) return Ended.parse(row);
    if (performance.now() > untilMs) throw new BenchFault(`A task did not end within ${TASK_MS_MAX / 60_000} minutes.`);
    await delay(POLL_MS);
  }
}

async function readNewRows(runtime: Runtime): Promise<NewRows> {
  const db = await runtime.database();
  const [memories] = (await db.prepare("SELECT count(*) AS rows FROM memories WHERE task_id IS NOT NULL").all())
    .results;
  const events = await db.prepare("SELECT kind, count(*) AS rows FROM task_events GROUP BY kind").all();
  const byKind = new Map(
    z
      .array(Counted)
      .parse(events.results)
      .map(({ kind, rows }) => [kind, rows]),
  );
  const of = (kind: keyof NewRows["events"]): number => byKind.get(kind) ?? 0;
  return {
    memories: z.object({ rows: z.number() }).parse(memories).rows,
    events: { status: of("status"), end: of("end"), progress: of("progress"), item: of("item") },
  };
}

/** How long the generator alone takes for the same memories in the same runtime, in ms. */
export async function runFloor(runtime: Runtime, texts: readonly string[]): Promise<number> {
  const tell = async (some: readonly string[]): Promise<void> => {
    const body = JSON.stringify({ agent: AGENT, texts: some });
    const answer = await fetch(runtime.address, { method: "POST", body });
    const text = await answer.text();
    if (text !== JSON.stringify({ told: some.length }))
      throw new BenchFault(`The floor answered ${answer.status}: ${text}`);
  };
  await tell(texts.slice(0, WARM_UP_MEMORIES));
  const startedAtMs = performance.now();
  await tell(texts);
  return performance.now() - startedAtMs;
}
