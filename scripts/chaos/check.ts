import type { TaskFacts } from "./facts.ts";
import { entriesOf, type Entry } from "./journal.ts";

/** Violations told of one kind; more would only hide them. */
const TOLD_MAX = 10;
const MADE: ReadonlySet<string> = new Set(["re_voiced", "flagged"]);

/** What was promised, and what of it was not kept: one sentence a violation. */
export interface Verdict {
  readonly promise: string;
  readonly checked: number;
  readonly violations: readonly string[];
}

/** Compares what the service says at the end with what it acknowledged, and with what the model was asked. */
export function checkPromises(entries: readonly Entry[], facts: readonly TaskFacts[]): readonly Verdict[] {
  return [
    verdict("every request has one task, and no other task is there", facts.length, requestFaults(entries, facts)),
    verdict("every task ended as was acknowledged", facts.length, endFaults(entries, facts)),
    verdict(
      "every memory is once in its target",
      made(facts),
      facts.flatMap((task) => memoryFaults(entries, task)),
    ),
    verdict("nothing is asked again once its checkpoint is written", calls(entries), lateCalls(entries, facts)),
    verdict("nothing that was answered is asked again but after a kill", calls(entries), needlessCalls(entries)),
    verdict("events are without a gap, and end with the end", events(facts), facts.flatMap(eventFaults)),
  ];
}

function verdict(promise: string, checked: number, faults: readonly string[]): Verdict {
  const more = faults.length - TOLD_MAX;
  return { promise, checked, violations: more > 0 ? [...faults.slice(0, TOLD_MAX), `… and ${more} more`] : faults };
}

function calls(entries: readonly Entry[]): number {
  return entriesOf(entries, "call").length;
}

function made(facts: readonly TaskFacts[]): number {
  return facts.reduce((sum, { memories }) => sum + memories.length, 0);
}

function events(facts: readonly TaskFacts[]): number {
  return facts.reduce((sum, task) => sum + task.events.length, 0);
}

function requestFaults(entries: readonly Entry[], facts: readonly TaskFacts[]): readonly string[] {
  const known = Map.groupBy(facts, ({ requestId }) => requestId);
  const answered = Map.groupBy(entriesOf(entries, "acknowledged"), ({ requestId }) => requestId);
  const faults = [...answered].flatMap(([requestId, answers]) => {
    const ids = new Set([...answers, ...(known.get(requestId) ?? [])].map(({ taskId }) => taskId));
    const firsts = answers.filter(({ replayed }) => !replayed).length;
    return [
      ...(ids.size === 1 ? [] : [`The request ${requestId} has ${ids.size} tasks.`]),
      ...(known.has(requestId) ? [] : [`The request ${requestId} was acknowledged, and has no task.`]),
      ...(firsts > 1 ? [`The request ${requestId} was the first ${firsts} times.`] : []),
    ];
  });
  const requested = new Set(entriesOf(entries, "requested").map(({ requestId }) => requestId));
  const strangers = facts.filter(({ requestId }) => !requested.has(requestId));
  const unanswered = [...requested].filter((requestId) => !answered.has(requestId));
  return [
    ...faults,
    ...strangers.map(({ taskId }) => `Nobody asked for the task ${taskId}.`),
    ...unanswered.map((requestId) => `The request ${requestId} was never acknowledged.`),
  ];
}

/** An end that was seen stays; a task that nobody canceled completes. */
function endFaults(entries: readonly Entry[], facts: readonly TaskFacts[]): readonly string[] {
  const seen = [...entriesOf(entries, "canceled"), ...entriesOf(entries, "ended")];
  const seenOf = Map.groupBy(seen, ({ taskId }) => taskId);
  return facts.flatMap(({ taskId, status }) => {
    const statuses = [...new Set((seenOf.get(taskId) ?? []).map((each) => each.status))];
    const expected = statuses.length === 0 ? ["complete"] : statuses;
    if (expected.length === 1 && expected[0] === status) return [];
    return [`The task ${taskId} is ${status}, and was acknowledged as ${expected.join(" and as ")}.`];
  });
}

function memoryFaults(entries: readonly Entry[], task: TaskFacts): readonly string[] {
  const faults: string[] = [];
  const bySource = Map.groupBy(task.memories, ({ sourceMemoryId }) => sourceMemoryId);
  for (const [source, twins] of bySource) {
    if (twins.length > 1) faults.push(`The task ${task.taskId} made ${twins.length} memories of ${source}.`);
  }
  if (task.memoryCount !== task.memories.length)
    faults.push(`The target of ${task.taskId} counts ${task.memoryCount} memories, and has ${task.memories.length}.`);
  if (task.memories.some(({ taskId }) => taskId !== task.taskId))
    faults.push(`The target of ${task.taskId} holds memories of another task.`);
  const told = new Set(task.items.flatMap((item) => (MADE.has(item.verdict) ? [item.sourceMemoryId] : [])));
  const unlike = told.symmetricDifference(new Set(bySource.keys())).size;
  if (unlike > 0) faults.push(`The items of ${task.taskId} and its target differ in ${unlike} memories.`);
  if (task.status !== "complete") return faults;
  const request = entriesOf(entries, "requested").find(({ requestId }) => requestId === task.requestId);
  const sources = entriesOf(entries, "collection").find(
    (each) => each.collectionId === request?.collectionId,
  )?.memoryIds;
  const missing = (sources ?? []).filter((source) => !bySource.has(source)).length;
  if (missing > 0) faults.push(`The task ${task.taskId} is complete, and ${missing} memories are missing.`);
  if (task.done !== sources?.length)
    faults.push(`The task ${task.taskId} says that ${task.done} of ${sources?.length} are done.`);
  return faults;
}

/** The key of a call names its task and its memory; that of a repair says so behind them. */
function itemOf(key: string): string {
  return key.split(":").slice(0, 2).join(":");
}

/** A checkpoint is stamped before it is written: a call that comes after the stamp of one that stands was not needed. */
function lateCalls(entries: readonly Entry[], facts: readonly TaskFacts[]): readonly string[] {
  const stamps = new Map<string, number>(
    facts.flatMap(({ taskId, items }) =>
      items.flatMap((item) =>
        item.endedAtMs === null ? [] : [[`${taskId}:${item.sourceMemoryId}`, item.endedAtMs] as const],
      ),
    ),
  );
  return entriesOf(entries, "call").flatMap(({ key, atMs }) => {
    const stamp = stamps.get(itemOf(key));
    return stamp === undefined || atMs <= stamp ? [] : [`${key} was asked ${atMs - stamp} ms after its checkpoint.`];
  });
}

/**
 * What the model answered is written down, unless a kill comes between: so within one life of the service a call may only
 * come again after a failure, or after one whose asker had gone.
 */
function needlessCalls(entries: readonly Entry[]): readonly string[] {
  const byKey = Map.groupBy(entriesOf(entries, "call"), ({ key, life }) => `${key} of life ${life}`);
  return [...byKey].flatMap(([key, some]) => {
    const inOrder = some.toSorted((a, b) => a.atMs - b.atMs);
    const needless = inOrder.slice(1).filter((_, index) => inOrder[index]?.outcome === "answered");
    return needless.map(({ atMs }) => `${key} was answered, and asked again at ${new Date(atMs).toISOString()}.`);
  });
}

function eventFaults({ taskId, status, done, events: told }: TaskFacts): readonly string[] {
  const faults: string[] = [];
  const gap = told.findIndex(({ sequence }, index) => sequence !== index + 1);
  if (gap !== -1) faults.push(`The events of ${taskId} have ${told[gap]?.sequence} where ${gap + 1} should be.`);
  const last = told.at(-1);
  if (last?.type !== "end" || last.status !== status)
    faults.push(
      `The task ${taskId} is ${status}, and its last event is ${last?.type ?? "none"} with ${last?.status ?? "nothing"}.`,
    );
  if (told.filter(({ type }) => type === "end").length > 1) faults.push(`The task ${taskId} ended more than once.`);
  if (told.some((event, index) => event.done < (told[index - 1]?.done ?? 0)))
    faults.push(`The events of ${taskId} go backwards.`);
  if (last !== undefined && last.done !== done)
    faults.push(`The events of ${taskId} end with ${last.done} done, its row with ${done}.`);
  return faults;
}
