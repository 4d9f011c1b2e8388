import { describe, expect, it, vi } from "vitest";
import type { TaskEvent } from "../../src/domain/tasks/task-event";
import { type Batch, Watcher } from "../../src/runtime/objects/watching/event-stream";

const LIMITS = { beatMs: 15_000, stalledMs: 60_000 };

function eventOf(sequence: number): TaskEvent {
  const pace = { stage: "re-voicing", rate: null, etaSeconds: null } as const;
  const progress = { done: sequence, failed: 0, total: null };
  const kinds = { kind: "progress", run: 1, status: "running", item: null } as const;
  return { taskId: "task_1", sequence, progress, pace, atMs: sequence, ...kinds };
}

/** A watcher of a history that the test writes, at a time that the test sets. */
function watcherOf(history: TaskEvent[]) {
  const state = { nowMs: 0, over: false, asked: 0, left: 0 };
  const after = (sequence: number): Batch => {
    state.asked += 1;
    const next = history.filter((event) => event.sequence > sequence).slice(0, 2);
    return next.length === 0 && state.over ? "over" : next;
  };
  const leave = () => {
    state.left += 1;
  };
  const watcher = new Watcher({ source: { after }, nowMs: () => state.nowMs, leave, snapshot: null, after: 0 });
  return { watcher, state };
}

async function textOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const { value, done } = await reader.read();
  return done ? "closed" : new TextDecoder().decode(value).trim();
}

const sequencesOf = (text: string) => text.split("\n").map((line) => JSON.parse(line).event.sequence);

describe("the stream of a watcher", () => {
  it("keeps no queue: it takes what comes next when its reader asks", async () => {
    const { watcher, state } = watcherOf([1, 2, 3, 4, 5].map(eventOf));
    watcher.wake();
    await Promise.resolve();
    expect(state.asked).toBe(0);
    const reader = watcher.stream.getReader();
    expect(sequencesOf(await textOf(reader))).toEqual([1, 2]);
    expect(sequencesOf(await textOf(reader))).toEqual([3, 4]);
    expect(state.asked).toBe(2);
  });

  it("waits for what is to come, and closes after the last", async () => {
    const history: TaskEvent[] = [];
    const { watcher, state } = watcherOf(history);
    const reader = watcher.stream.getReader();
    const next = textOf(reader);
    await vi.waitUntil(() => state.asked === 1);
    history.push(eventOf(1));
    state.over = true;
    watcher.wake();
    expect(sequencesOf(await next)).toEqual([1]);
    expect(await textOf(reader)).toBe("closed");
    expect(state.left).toBe(1);
  });

  it("closes also for a reader with a buffer of its own that waits", async () => {
    const { watcher, state } = watcherOf([]);
    const reader = watcher.stream.getReader({ mode: "byob" });
    const next = reader.read(new Uint8Array(100));
    await vi.waitUntil(() => state.asked === 1);
    watcher.end();
    expect((await next).done).toBe(true);
  });

  it("says that it is there after a silence, and not before", async () => {
    const { watcher, state } = watcherOf([]);
    const next = textOf(watcher.stream.getReader());
    await vi.waitUntil(() => state.asked === 1);
    state.nowMs = LIMITS.beatMs - 1;
    watcher.tick(LIMITS);
    await Promise.resolve();
    expect(state.asked).toBe(1);
    state.nowMs = LIMITS.beatMs;
    watcher.tick(LIMITS);
    expect(JSON.parse(await next)).toEqual({ kind: "beat" });
  });

  it("is cut off when its reader takes nothing for long; one that waits for news is not", async () => {
    const [slow, waiting] = [watcherOf([1, 2, 3].map(eventOf)), watcherOf([])];
    const reader = slow.watcher.stream.getReader();
    await textOf(reader);
    void waiting.watcher.stream.getReader().read();
    await vi.waitUntil(() => waiting.state.asked === 1);
    for (const { state, watcher } of [slow, waiting]) {
      state.nowMs = LIMITS.stalledMs;
      watcher.tick(LIMITS);
    }
    expect([slow.state.left, waiting.state.left]).toEqual([1, 0]);
    expect(await textOf(reader)).toBe("closed");
  });

  it("says once that its reader has left, and asks for nothing more", async () => {
    const { watcher, state } = watcherOf([]);
    const reader = watcher.stream.getReader();
    const next = textOf(reader);
    await vi.waitUntil(() => state.asked === 1);
    await reader.cancel();
    expect(await next).toBe("closed");
    watcher.end();
    watcher.wake();
    await Promise.resolve();
    expect([state.left, state.asked]).toEqual([1, 1]);
  });
});
