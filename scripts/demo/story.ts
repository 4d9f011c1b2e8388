import { performance } from "node:perf_hooks";

import type { Client } from "./client.ts";
import { compare } from "./comparing.ts";
import type { Counts, Emit, Summary } from "./events.ts";
import type { DemoInput } from "./input.ts";
import { type AgentBody, createAgent, type DemoAgent, storeCollection, type StoredCollection } from "./storing.ts";
import { submit, submitLosingAnswer, type SubmittedJob } from "./submitting.ts";
import { type EndedJob, watch, type Watching } from "./watching.ts";

/** The main job from end to end: every collection re-voiced for every agent, the first answer lost on the way. */
export async function tellStory(
  client: Client,
  input: DemoInput,
  agentBodies: readonly AgentBody[],
  emit: Emit,
  signal: AbortSignal,
): Promise<Summary> {
  const agents: DemoAgent[] = [];
  for (const body of agentBodies) agents.push(await createAgent(client, body, emit));
  const collections: StoredCollection[] = [];
  for (const collection of input.collections) collections.push(await storeCollection(client, collection, emit));

  const startedAtMs = performance.now();
  const [first, ...rest] = collections.flatMap((source) => agents.map((agent) => ({ source, agent })));
  if (first === undefined) throw new Error("The demo needs an agent and a collection.");
  const { sameTask, ...firstJob } = await submitLosingAnswer(client, first, emit, signal);
  const jobs: SubmittedJob[] = [firstJob];
  for (const job of rest) jobs.push(await submit(client, job));
  const memories = jobs.reduce((sum, job) => sum + job.source.memories.length, 0);
  emit({ event: "submitted", tasks: jobs.length, memories });

  const watching = await watch(client, jobs, startedAtMs, emit, signal);
  await compare(client, watching.ended, emit);
  return summarize(watching, memories, sameTask);
}

function summarize({ ended, seconds }: Watching, memories: number, sameTask: boolean): Summary {
  const counts: Counts = {
    re_voiced: countAll(ended, "re_voiced"),
    flagged: countAll(ended, "flagged"),
    skipped: countAll(ended, "skipped"),
    failed: countAll(ended, "failed"),
  };
  const isAccountedFor = counts.re_voiced + counts.skipped + counts.failed === memories;
  return {
    event: "summary",
    ok: isAccountedFor && ended.every((job) => job.status === "complete"),
    tasks: ended.length,
    memories,
    ...counts,
    fact_guard_share: counts.re_voiced === 0 ? null : (counts.re_voiced - counts.flagged) / counts.re_voiced,
    seconds,
    memories_per_second: memories / seconds,
    same_task: sameTask,
  };
}

function countAll(jobs: readonly EndedJob[], field: keyof Counts): number {
  return jobs.reduce((total, job) => total + (job.counts?.[field] ?? 0), 0);
}
