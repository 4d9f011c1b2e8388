import { describe, expect, it } from "vitest";
import { checkPromises } from "../../scripts/chaos/check.ts";
import type { TaskFacts } from "../../scripts/chaos/facts.ts";
import type { Entry, EntryOf } from "../../scripts/chaos/journal.ts";

const SOURCES = ["memory_a", "memory_b"];

const FACTS: TaskFacts = {
  taskId: "task_1",
  requestId: "r-1",
  status: "complete",
  done: 2,
  items: SOURCES.map((sourceMemoryId, index) => ({
    sourceMemoryId,
    memoryId: `told_${sourceMemoryId}`,
    verdict: "re_voiced",
    endedAtMs: 1_000 + index,
  })),
  memories: SOURCES.map((sourceMemoryId) => ({ memoryId: `told_${sourceMemoryId}`, sourceMemoryId, taskId: "task_1" })),
  memoryCount: 2,
  events: [
    { sequence: 1, type: "status", status: "created", done: 0 },
    { sequence: 2, type: "status", status: "running", done: 0 },
    { sequence: 3, type: "progress", status: "running", done: 2 },
    { sequence: 4, type: "end", status: "complete", done: 2 },
  ],
};

const JOURNAL: readonly Entry[] = [
  { kind: "collection", collectionId: "c-1", memoryIds: SOURCES },
  { kind: "requested", requestId: "r-1", collectionId: "c-1" },
  { kind: "acknowledged", requestId: "r-1", taskId: "task_1", replayed: false },
  call("memory_a", 900, "answered"),
  call("memory_b", 900, "answered"),
  { kind: "ended", taskId: "task_1", status: "complete" },
];

function call(memory: string, atMs: number, outcome: EntryOf<"call">["outcome"], life = 0): EntryOf<"call"> {
  return { kind: "call", key: `task_1:${memory}`, life, atMs, overAtMs: atMs + 50, outcome };
}

function killed(atMs: number): EntryOf<"killed"> {
  return { kind: "killed", atMs, whileStarting: false };
}

/** What is violated, by the first words of its promise. */
function brokenBy(more: readonly Entry[], facts: Partial<TaskFacts> = {}): readonly string[] {
  const verdicts = checkPromises([...JOURNAL, ...more], [{ ...FACTS, ...facts }]);
  return verdicts.filter(({ violations }) => violations.length > 0).map(({ promise }) => promise);
}

const ONE_TASK = "every request has one task, and no other task is there";
const ENDS = "every task ended as was acknowledged";
const ONCE = "every memory is once in its target";
const NOT_LATE = "nothing is asked again once its checkpoint is written";
const NOT_NEEDLESS = "nothing that was answered is asked again but after a kill";
const NO_GAP = "events are without a gap, and end with the end";

describe("chaos: what counts as broken", () => {
  it("finds nothing where every promise was kept, and says how much it looked at", () => {
    const verdicts = checkPromises(JOURNAL, [FACTS]);
    expect(verdicts.flatMap(({ violations }) => violations)).toEqual([]);
    expect(verdicts.map(({ checked }) => checked)).toEqual([1, 1, 2, 2, 2, 4]);
  });

  it("sees a second task of one request", () => {
    const other: Entry = { kind: "acknowledged", requestId: "r-1", taskId: "task_2", replayed: true };
    expect(brokenBy([other])).toEqual([ONE_TASK]);
  });

  it("sees a request that was the first twice", () => {
    expect(brokenBy([{ kind: "acknowledged", requestId: "r-1", taskId: "task_1", replayed: false }])).toEqual([
      ONE_TASK,
    ]);
  });

  it("sees an acknowledged request whose task is gone, and a task that nobody asked for", () => {
    expect(brokenBy([], { requestId: "r-9", status: "canceled", memories: [], items: [], memoryCount: 0 })).toContain(
      ONE_TASK,
    );
    const verdicts = checkPromises(JOURNAL, []);
    expect(verdicts[0]?.violations).toEqual(["The request r-1 was acknowledged, and has no task."]);
  });

  it("sees an end that was not what somebody had been told", () => {
    expect(brokenBy([{ kind: "canceled", taskId: "task_1", status: "canceled" }])).toEqual([ENDS]);
  });

  it("takes an end that came before the cancel for what the cancel answered", () => {
    expect(brokenBy([{ kind: "canceled", taskId: "task_1", status: "complete" }])).toEqual([]);
  });

  it("sees a task that ended as an error though nobody was told of an end", () => {
    const quiet = JOURNAL.filter(({ kind }) => kind !== "ended");
    const events = FACTS.events.map((each) => (each.type === "end" ? { ...each, status: "error" } : each));
    const verdicts = checkPromises(quiet, [{ ...FACTS, status: "error", events }]);
    expect(verdicts.flatMap(({ violations }) => violations)).toEqual([
      "The task task_1 is error, and was acknowledged as complete.",
    ]);
  });

  it("sees a memory that is there twice", () => {
    const twice = [...FACTS.memories, { memoryId: "other", sourceMemoryId: "memory_a", taskId: "task_1" }];
    expect(brokenBy([], { memories: twice, memoryCount: 3 })).toEqual([ONCE]);
  });

  it("sees a memory that is missing, a count that is wrong, and an item that says otherwise", () => {
    expect(brokenBy([], { memories: FACTS.memories.slice(1), items: FACTS.items.slice(1), memoryCount: 1 })).toEqual([
      ONCE,
    ]);
    expect(brokenBy([], { memoryCount: 3 })).toEqual([ONCE]);
    expect(brokenBy([], { items: FACTS.items.slice(1) })).toEqual([ONCE]);
  });

  it("lets a canceled task have less, but nothing twice", () => {
    const canceled = FACTS.events.map((each) =>
      each.type === "end" ? { ...each, status: "canceled", done: 1 } : { ...each, done: 0 },
    );
    const less = {
      status: "canceled",
      done: 1,
      items: FACTS.items.slice(1),
      memories: FACTS.memories.slice(1),
      memoryCount: 1,
      events: canceled,
    };
    const told = JOURNAL.map((each): Entry => (each.kind === "ended" ? { ...each, status: "canceled" } : each));
    expect(checkPromises(told, [{ ...FACTS, ...less }]).flatMap(({ violations }) => violations)).toEqual([]);
  });

  it("sees a call after the checkpoint of its memory, whichever life it is of", () => {
    expect(brokenBy([killed(950), call("memory_a", 1_001, "cut", 1)])).toEqual([NOT_LATE]);
  });

  it("sees a repair after the checkpoint too, which has a key of its own", () => {
    const repair: Entry = { ...call("memory_a", 1_001, "cut"), key: "task_1:memory_a:2" };
    expect(brokenBy([repair])).toEqual([NOT_LATE]);
  });

  it("sees an answered call that comes again in the same life of the service", () => {
    expect(brokenBy([killed(940), call("memory_a", 960, "answered")])).toEqual([NOT_NEEDLESS]);
  });

  it("lets a call come again after a kill that took its answer, and after a failure or a hang", () => {
    expect(brokenBy([killed(940), call("memory_a", 960, "answered", 1)])).toEqual([]);
    expect(brokenBy([call("memory_a", 700, "failed"), call("memory_b", 700, "cut")])).toEqual([]);
  });

  it("sees a gap in the events, one that is there twice, and a wrong end", () => {
    const events = FACTS.events;
    expect(brokenBy([], { events: events.toSpliced(1, 1) })).toEqual([NO_GAP]);
    expect(brokenBy([], { events: [...events.slice(0, 2), ...events.slice(1)] })).toEqual([NO_GAP]);
    expect(brokenBy([], { events: events.slice(0, 3) })).toEqual([NO_GAP]);
    expect(
      brokenBy([], {
        events: events.with(1, { ...events[1], sequence: 2, type: "status", status: "running", done: 3 }),
      }),
    ).toEqual([NO_GAP]);
  });

  it("tells ten violations of a promise at most, and how many more there are", () => {
    const many = Array.from({ length: 14 }, (_, index) => call("memory_a", 2_000 + index, "cut"));
    const late = checkPromises([...JOURNAL, ...many], [FACTS]).find(({ promise }) => promise === NOT_LATE);
    expect(late?.violations).toHaveLength(11);
    expect(late?.violations.at(-1)).toBe("… and 4 more");
  });
});
