import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";

import { TaskAnswer } from "./answers.ts";
import type { Client } from "./client.ts";
import { DemoFault } from "./demo-fault.ts";
import type { Counts, Emit } from "./events.ts";
import type { SubmittedJob } from "./submitting.ts";

const POLL_EVERY_MS = 400;
/** A lease that lapsed takes a minute until someone else goes on: so much standstill is no fault. */
const STANDSTILL_MS_MAX = 180_000;
const END_STATUSES: ReadonlySet<string> = new Set(["complete", "canceled", "error"]);

export interface EndedJob extends SubmittedJob {
  readonly status: string;
  readonly counts: Counts | null;
  /** The new collection; null when the task ended without a result. */
  readonly targetCollectionId: string | null;
}

export interface Watching {
  readonly ended: readonly EndedJob[];
  readonly seconds: number;
}

/** Waits for the end of all jobs and tells how far they are. @throws DemoFault when nothing moves for minutes. */
export async function watch(
  client: Client,
  jobs: readonly SubmittedJob[],
  startedAtMs: number,
  emit: Emit,
  signal: AbortSignal,
): Promise<Watching> {
  const total = jobs.reduce((sum, job) => sum + job.source.memories.length, 0);
  const doneOf = new Map<string, number>();
  const ended = new Map<string, EndedJob>();
  let movedAtMs = performance.now();
  let doneBefore = -1;
  for (;;) {
    for (const job of jobs) {
      if (ended.has(job.taskId)) continue;
      const { body: task } = await client.call("GET", `/v1/checkmate/tasks/${job.taskId}`, { schema: TaskAnswer });
      doneOf.set(job.taskId, doneCount(task, job));
      if (END_STATUSES.has(task.status)) ended.set(job.taskId, endJob(job, task, emit));
    }
    const done = [...doneOf.values()].reduce((sum, count) => sum + count, 0);
    const seconds = (performance.now() - startedAtMs) / 1000;
    if (done !== doneBefore) {
      emit({ event: "progress", done, total, memories_per_second: done / seconds });
      doneBefore = done;
      movedAtMs = performance.now();
    }
    if (ended.size === jobs.length) return { ended: jobs.flatMap((job) => ended.get(job.taskId) ?? []), seconds };
    if (performance.now() - movedAtMs > STANDSTILL_MS_MAX) {
      throw new DemoFault(`No memory was re-voiced for ${STANDSTILL_MS_MAX / 1000} s, ${done} of ${total} are done.`);
    }
    await delay(POLL_EVERY_MS, undefined, { signal });
  }
}

function doneCount(task: TaskAnswer, job: SubmittedJob): number {
  if (task.status === "complete") return job.source.memories.length;
  return Math.min(task.progress?.done ?? 0, job.source.memories.length);
}

function endJob(job: SubmittedJob, task: TaskAnswer, emit: Emit): EndedJob {
  const { re_voiced, flagged, skipped, failed } = task.result ?? { re_voiced: 0, flagged: 0, skipped: 0, failed: 0 };
  const counts = task.result ? { re_voiced, flagged, skipped, failed } : null;
  emit({
    event: "task-ended",
    task_id: job.taskId,
    agent: job.agent.name,
    collection: job.source.name,
    status: task.status,
    error: task.error === null || task.error === undefined ? null : JSON.stringify(task.error),
    counts,
  });
  return { ...job, status: task.status, counts, targetCollectionId: task.result?.collection_id ?? null };
}
