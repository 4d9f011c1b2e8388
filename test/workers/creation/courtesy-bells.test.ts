import { describe, expect, it } from "vitest";
import { afterAnswer } from "../../../src/runtime/adapters/task-bells";
import { deliveriesAfterAnswer } from "../../../src/runtime/adapters/webhook-bells";
import type { Log } from "../../../src/services/context";

/** What the runtime was asked to keep a call alive for, and what was logged. */
function call() {
  const kept: Promise<unknown>[] = [];
  const logged: unknown[] = [];
  const log: Log = (level, event, fields) => void logged.push([level, event, fields]);
  return { kept, logged, log, waitUntil: (work: Promise<unknown>) => void kept.push(work) };
}

/** Both kinds of bells over one send, and what the log says of one that is lost. */
const BELLS = [
  {
    name: "ring of a task",
    about: ["bell-not-rung", { task_id: "task_1" }],
    ring: (send: () => Promise<void>, { waitUntil, log }: ReturnType<typeof call>) =>
      afterAnswer({ ring: send, ringOnce: send }, waitUntil, log).ring("task_1", { times: 2, delaySeconds: 0 }),
  },
  {
    name: "ring of several new tasks",
    about: ["bell-not-rung", { count: 2 }],
    ring: (send: () => Promise<void>, { waitUntil, log }: ReturnType<typeof call>) =>
      afterAnswer({ ring: send, ringOnce: send }, waitUntil, log).ringOnce(["task_1", "task_2"]),
  },
  {
    name: "ring of deliveries",
    about: ["delivery-bell-lost", { count: 1 }],
    ring: (send: () => Promise<void>, { waitUntil, log }: ReturnType<typeof call>) =>
      deliveriesAfterAnswer({ ring: send }, waitUntil, log).ring(["delivery_1"], 0),
  },
] as const;

describe.each(BELLS)("a courtesy bell, the $name", ({ ring, about: [event, about] }) => {
  it("is started, and returns before the queue has taken it", async () => {
    let sends = 0;
    const within = call();
    await ring(() => {
      sends += 1;
      return new Promise<void>(() => undefined);
    }, within);
    expect(sends).toBe(1);
    expect(within.kept).toHaveLength(1);
  });

  it("keeps its call alive until the queue has taken it", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const within = call();
    const steps: string[] = [];
    await ring(async () => {
      await promise;
      steps.push("taken");
    }, within);
    const ended = Promise.all(within.kept).then(() => steps.push("ended"));
    resolve();
    await ended;
    expect(steps).toEqual(["taken", "ended"]);
    expect(within.logged).toEqual([]);
  });

  it("is logged when it fails, and fails nothing else", async () => {
    const within = call();
    await ring(() => Promise.reject(new Error("The queue is full.")), within);
    await Promise.all(within.kept);
    expect(within.logged).toEqual([["warn", event, { ...about, error: "Error: The queue is full." }]]);
  });
});
