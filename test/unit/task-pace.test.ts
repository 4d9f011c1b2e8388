import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TASK_STATUSES } from "../../src/domain/tasks/task";
import { OPERATIONS } from "../../src/domain/tasks/operations";
import { type StoredEvent, taskEventsOf } from "../../src/domain/tasks/task-event";
import { paceOf, TASK_STAGES } from "../../src/domain/tasks/task-pace";

const running = {
  status: "running",
  operation: "re-voice",
  progress: { done: 30, failed: 2, total: 100 },
  runStartedAtMs: 10_000,
  runBase: 0,
  atMs: 18_000,
} as const;

describe("the pace of a task", () => {
  it("is what ended in this run over its time, and what is left at that rate in whole seconds", () => {
    expect(paceOf(running)).toEqual({ stage: "re-voicing", rate: 4, etaSeconds: 17 });
    expect(paceOf({ ...running, runBase: 16 })).toEqual({ stage: "re-voicing", rate: 2, etaSeconds: 34 });
  });

  it("has no rate before anything has ended in this run, and so says nothing of what is left", () => {
    const unknown = { stage: "re-voicing", rate: null, etaSeconds: null };
    expect(paceOf({ ...running, runBase: 32 })).toEqual(unknown);
    expect(paceOf({ ...running, runStartedAtMs: null })).toEqual(unknown);
    expect(paceOf({ ...running, atMs: 10_000 })).toEqual(unknown);
  });

  it("has a rate, and nothing left to say, where the total is not known, or the task has ended", () => {
    const progress = { ...running.progress, total: null };
    expect(paceOf({ ...running, progress })).toEqual({ stage: "re-voicing", rate: 4, etaSeconds: null });
    expect(paceOf({ ...running, status: "canceled" })).toEqual({ stage: "ended", rate: 4, etaSeconds: null });
  });

  it("keeps a rate far below one in a second", () => {
    const slow = { ...running, progress: { done: 1, failed: 0, total: 11 }, atMs: 910_000 };
    expect(paceOf(slow)).toEqual({ stage: "re-voicing", rate: 0.00111, etaSeconds: 9_000 });
  });

  it("names the stage by the status, and while it runs by the operation", () => {
    expect(TASK_STATUSES.map((status) => paceOf({ ...running, status }).stage)).toEqual([
      "waiting",
      "waiting",
      "re-voicing",
      "retrying",
      "ended",
      "ended",
      "ended",
    ]);
    const stages = OPERATIONS.map((operation) => paceOf({ ...running, operation }).stage);
    expect(new Set(stages).size).toBe(OPERATIONS.length);
  });

  it("is never negative, infinite, or a stage that nobody knows", () => {
    const count = fc.nat(10_000);
    const moment = fc.record({
      status: fc.constantFrom(...TASK_STATUSES),
      operation: fc.constantFrom(null, ...OPERATIONS),
      progress: fc.record({ done: count, failed: count, total: fc.option(count) }),
      runStartedAtMs: fc.option(fc.nat()),
      runBase: count,
      atMs: fc.nat(),
    });
    fc.assert(
      fc.property(moment, (given) => {
        const { stage, rate, etaSeconds } = paceOf(given);
        expect(TASK_STAGES).toContain(stage);
        expect(rate === null || (rate > 0 && Number.isFinite(rate))).toBe(true);
        expect(etaSeconds === null || (etaSeconds >= 0 && Number.isSafeInteger(etaSeconds))).toBe(true);
      }),
    );
  });
});

const task = {
  id: "task_1",
  operation: "re-voice",
  status: "running",
  createdAtMs: 1,
  run: 2,
  runStartedAtMs: 1_000,
  runBase: 10,
} as const;

function stored(sequence: number, more: Partial<StoredEvent> = {}): StoredEvent {
  const counts = { done: 20, failed: 0, total: 100 };
  const kinds = { kind: "progress", run: 2, status: "running", previousStatus: null } as const;
  return { sequence, ...kinds, ...counts, item: null, atMs: 2_000, ...more };
}

function sequences(after: number, ...of: number[]): readonly number[] {
  const events = of.map((each) => stored(each));
  return taskEventsOf(task, events, after).map(({ sequence }) => sequence);
}

describe("the first event of a task", () => {
  it("is what the task was before its second", () => {
    const second = stored(2, { kind: "status", previousStatus: "unbound" });
    const [first] = taskEventsOf(task, [second, stored(3)], 0);
    expect(first).toMatchObject({ sequence: 1, kind: "status", status: "unbound", run: 1, atMs: 1 });
    expect(first?.progress).toEqual({ done: 0, failed: 0, total: null });
  });

  it("is what the task is where there is no second: also an end", () => {
    const born = taskEventsOf({ ...task, status: "canceled", run: 1 }, [], 0);
    expect(born).toMatchObject([{ sequence: 1, kind: "end", status: "canceled" }]);
  });

  it("is not made up where the second is gone, nor told to who has it", () => {
    expect(sequences(0, 7)).toEqual([7]);
    expect(sequences(1, 2, 3)).toEqual([2, 3]);
    expect(sequences(1)).toEqual([]);
  });
});

describe("the rate in an event", () => {
  it("is reckoned for the present run, and is not known of those before", () => {
    const [before, now] = taskEventsOf(task, [stored(8, { run: 1 }), stored(9)], 7);
    expect(before?.pace.rate).toBeNull();
    expect(now?.pace).toEqual({ stage: "re-voicing", rate: 10, etaSeconds: 8 });
  });
});
