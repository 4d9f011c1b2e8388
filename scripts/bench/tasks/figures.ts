import { median } from "../statistics.ts";
import type { Target } from "../targets.ts";
import { costOfMillion, type Used } from "./costs.ts";
import { objectRequests, queueOperations, rowsRead, rowsWritten, sum, tripsByPurpose, type Written } from "./counts.ts";
import type { SubjectFigures } from "./events.ts";
import type { TaskSample, TaskSubject } from "./round.ts";

export const IDEAL_TIMES_MAX = 1.15;
export const ROUND_TRIPS_MAX = 1;
export const QUEUE_OPERATIONS_MAX = 0.2;

/** What stands for the rounds of a subject: their median time, and the counts of the round that lay there. */
export function subjectFigures(subject: TaskSubject, samples: readonly TaskSample[], memories: number): SubjectFigures {
  const times = samples.map((sample) => sample.fromCreationMs / 1_000);
  const seconds = median(times);
  const middle = samples.toSorted((a, b) => a.fromCreationMs - b.fromCreationMs)[Math.floor((samples.length - 1) / 2)];
  if (middle === undefined) throw new Error("Nothing was measured.");
  const written = rowsWritten(middle.counts.statements, middle.newRows);
  const used = usedBy(middle, sum(written.map(({ rows }) => rows)));
  return {
    subject: subject.name,
    seconds,
    slowest: Math.max(...times),
    fastest: Math.min(...times),
    memories_per_second: memories / seconds,
    model: modelFigures(subject, samples, memories),
    counted: perMemory(counted(middle, used), memories),
    rows_written: eachMemory(written, memories),
    round_trips: eachMemory(tripsByPurpose(middle.counts.statements), memories).filter(({ rows }) => rows > 0),
    million: costOfMillion(used, memories),
  };
}

function modelFigures(
  { model }: TaskSubject,
  samples: readonly TaskSample[],
  memories: number,
): SubjectFigures["model"] {
  if (model === null) return null;
  const times = samples.flatMap(({ fromFirstCallMs }) => (fromFirstCallMs === null ? [] : [fromFirstCallMs / 1_000]));
  const of = (read: (counts: NonNullable<TaskSample["model"]>) => number): readonly number[] =>
    samples.flatMap((sample) => (sample.model === null ? [] : [read(sample.model)]));
  const seconds = median(times);
  return {
    seconds_from_first_call: seconds,
    // Never more at once than the service may hold open, nor than the model takes.
    ideal_seconds: (memories * model.latencyMs) / 1_000 / Math.min(model.limit, model.callsPerInvocation),
    calls: median(of(({ calls }) => calls)),
    refused: Math.max(...of(({ refused }) => refused)),
    idle_share: median(of(({ idleMs }) => idleMs)) / 1_000 / seconds,
    partly_share: median(of(({ partlyMs }) => partlyMs)) / 1_000 / seconds,
    most_open: Math.max(...of(({ mostOpen }) => mostOpen)),
  };
}

function usedBy({ counts, cpuMs }: TaskSample, written: number): Used {
  return {
    worker_requests: counts.fetches + counts.queueRuns,
    worker_cpu_ms: cpuMs ?? 0,
    d1_rows_read: rowsRead(counts),
    d1_rows_written: written,
    queue_operations: queueOperations(counts),
    object_requests: objectRequests(counts),
    object_rows_read: counts.objectRows.read,
    object_rows_written: counts.objectRows.written,
    bucket_class_a: counts.bucket.a,
    bucket_class_b: counts.bucket.b,
  };
}

function counted({ counts, cpuMs }: TaskSample, used: Used): Readonly<Record<string, number>> {
  return {
    "D1 round trips": counts.d1.roundTrips,
    "D1 statements": sum(counts.statements.map(({ calls }) => calls)),
    "D1 rows read": used.d1_rows_read,
    "D1 rows written": used.d1_rows_written,
    "queue operations": used.queue_operations,
    "queue: messages written": counts.queue.written,
    "queue: messages read": counts.queue.read,
    "queue: messages deleted": counts.queue.deleted,
    "queue: invocations": counts.queueRuns,
    ...prefixed("object call ", counts.objectCalls),
    ...prefixed("object alarm ", counts.objectAlarms),
    "object rows written": used.object_rows_written,
    "object rows read": used.object_rows_read,
    "R2 operations": counts.bucket.a + counts.bucket.b,
    ...(cpuMs === null ? {} : { "processor ms, at most": cpuMs }),
  };
}

function prefixed(prefix: string, counts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [prefix + name, count]));
}

function perMemory(counts: Readonly<Record<string, number>>, memories: number): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count / memories]));
}

function eachMemory(rows: readonly Written[], memories: number): readonly Written[] {
  return rows.map(({ what, rows: count }) => ({ what, rows: count / memories }));
}

/** What each subject has to reach. */
export function taskTargets(subjects: readonly SubjectFigures[]): readonly Target[] {
  return subjects.flatMap(({ subject, seconds, model, counted: figures }) => [
    ...(model === null
      ? []
      : [
          atMost(
            `${subject}: time from the first call / ideal`,
            model.seconds_from_first_call / model.ideal_seconds,
            IDEAL_TIMES_MAX,
          ),
          atMost(`${subject}: time from creation / ideal`, seconds / model.ideal_seconds, IDEAL_TIMES_MAX),
        ]),
    atMost(`${subject}: D1 round trips a memory`, figures["D1 round trips"], ROUND_TRIPS_MAX),
    atMost(`${subject}: queue operations a memory`, figures["queue operations"], QUEUE_OPERATIONS_MAX),
  ]);
}

function atMost(text: string, value = Number.NaN, bound: number): Target {
  return { text, value, bound: `<= ${bound}`, ok: value <= bound };
}
