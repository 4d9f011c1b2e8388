import { createMessageBatch } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { serviceClock } from "../../../src/runtime/clock";
import { openServices } from "../../../src/runtime/composition";
import { objectGate } from "../../../src/runtime/adapters/model-gate-client";
import { consumeBells } from "../../../src/runtime/consumers/task-consumer";
import type { Services } from "../../../src/services/context";
import { ServiceError } from "../../../src/services/errors/errors";
import type { ReVoiceRequest, TextGenerator } from "../../../src/services/ports/ports";
import { until } from "../../support/api";
import { loggedCalls, resetFaults, watchCalls } from "../../support/faults";
import { withFaults } from "../../support/faulty-bindings";
import { consumerOf, silentTask } from "../../support/model-consumer";
import { onceEach, reVoiced, rows, taskOf } from "../../support/scene";

beforeEach(() => resetFaults());

type Answer = (request: ReVoiceRequest) => Promise<unknown>;

function generatorOf(answer: Answer): TextGenerator {
  return {
    id: "scripted",
    reVoice: async (request) => {
      await answer(request);
      return { text: request.memory.text, usage: { inputTokens: 7, outputTokens: 3 } };
    },
  };
}

/** One invocation with the bells of these tasks. */
async function consume(taskIds: readonly string[], answer: Answer, more: Partial<Services> = {}): Promise<void> {
  const services = openServices(withFaults(env));
  const bodies = taskIds.map((task_id) => ({ v: 1, task_id }));
  const messages = bodies.map((body, at) => ({ id: `m${at}`, timestamp: new Date(), attempts: 1, body }));
  const batch = createMessageBatch("refrain-task-bells", messages);
  await consumeBells({ ...services, generator: generatorOf(answer), ...more }, batch);
}

const partsOf = (taskId: string) =>
  rows(
    "SELECT part, status, attempts, not_before_ms, lease_token FROM task_parts WHERE task_id = ? ORDER BY part",
    taskId,
  );

describe("the turn of a task", () => {
  it("goes on from part to part: one bell is enough for a task that is done in its time", async () => {
    const { from, id } = await silentTask(60);
    await consumerOf(generatorOf(async () => undefined)).ring(id);
    expect(await onceEach(from, await taskOf(id))).toBe(true);
    expect(await partsOf(id)).toMatchObject([0, 1, 2].map((part) => ({ part, status: "done" })));
  });

  it("begins the next part while calls of the one before are open", async () => {
    const { from, id } = await silentTask(30);
    const [gate, asked] = [Promise.withResolvers<void>(), new Set<number>()];
    const ringing = consumerOf(
      generatorOf(({ position }) => {
        asked.add(position);
        return position < 25 ? gate.promise : Promise.resolve();
      }),
      { modelCallsPerInvocation: 30 },
    ).ring(id);
    // All 25 of the first part are open, and the five of the second are asked for.
    await until(
      async () => asked.size,
      (size) => size === 30,
    );
    gate.resolve();
    await ringing;
    expect(await onceEach(from, await taskOf(id))).toBe(true);
  });

  it("ends when its time is up: it gives its parts back, and rings for them", async () => {
    const { id } = await silentTask(60);
    await consumerOf(
      generatorOf(async () => undefined),
      { partSeconds: 0, modelCallsPerInvocation: 1 },
    ).ring(id);
    expect((await taskOf(id)).progress).toMatchObject({ done: 1, total: 60 });
    const parts = await partsOf(id);
    expect(parts).toMatchObject([0, 1, 2].map((part) => ({ part, status: "open", attempts: 0, lease_token: null })));
    const rings = loggedCalls().filter((label) => label.startsWith("queue: sendBatch"));
    expect(rings.length).toBeGreaterThan(0);
  });

  it("holds no more parts than may be at work at once, however many slots there are", async () => {
    const { id } = await silentTask(60);
    const [gate, asked] = [Promise.withResolvers<void>(), new Set<number>()];
    const limits = { modelCallsPerInvocation: 100, parallelParts: 2 };
    const hold = generatorOf(({ position }) => {
      asked.add(position);
      return gate.promise;
    });
    const ringing = consumerOf(hold, limits).ring(id);
    await until(
      async () => asked.size,
      (size) => size === 50,
    );
    const held = (await partsOf(id)).map((part) => part["lease_token"] !== null);
    expect(held).toEqual([true, true, false]);
    gate.resolve();
    await ringing;
    expect((await taskOf(id)).status).toBe("complete");
  });

  it("costs at most one round trip to D1 and 0.2 queue operations a memory", async () => {
    const { from, id } = await silentTask(100);
    const before = loggedCalls().length;
    await consumerOf(generatorOf(() => new Promise((resolve) => setTimeout(resolve, 1)))).ring(id);
    const calls = loggedCalls().slice(before);
    expect(calls.filter((label) => label.startsWith("db: ")).length).toBeLessThanOrEqual(100);
    expect(calls.filter((label) => label.startsWith("queue: ")).length).toBeLessThanOrEqual(20);
    expect(await onceEach(from, await taskOf(id))).toBe(true);
  });
});

describe("the bells of several tasks", () => {
  it("are no more after each turn, though each turn waits behind those of the others", async () => {
    const tasks = await Promise.all(Array.from({ length: 5 }, () => silentTask(100)));
    const [services, queue] = [openServices(withFaults(env)), [] as { body: unknown; timestamp: Date }[]];
    const ring = async (task_id: string, { times }: { times: number }) =>
      void queue.push(...Array.from({ length: times }, () => ({ body: { v: 1, task_id }, timestamp: new Date() })));
    const generator = generatorOf(() => new Promise((resolve) => setTimeout(resolve, 20)));
    const limits = { ...services.limits, partSeconds: 0.1 };
    const run = { ...services, generator, limits, bells: { ...services.bells, ring } };
    for (const { id } of tasks) await ring(id, { times: 1 });
    let most = 0;
    // As the local queue does it: one batch after the other, of ten bells each.
    for (let batch = 0; batch < 10; batch++) {
      const messages = queue.splice(0, 10).map((message, at) => ({ id: `${batch}.${at}`, attempts: 1, ...message }));
      await consumeBells(run, createMessageBatch("refrain-task-bells", messages));
      most = Math.max(most, queue.length);
    }
    expect(most).toBeLessThanOrEqual(60);
    expect(queue.length).toBeGreaterThan(0);
  });
});

describe("one invocation", () => {
  it.each([6, 16])("holds at most %i calls open, over all the bells of its batch", async (most) => {
    const tasks = [await silentTask(30), await silentTask(20)];
    let [open, mostOpen] = [0, 0];
    const limits = { ...openServices(env).limits, modelCallsPerInvocation: most };
    const full = Promise.withResolvers<void>();
    await consume(
      tasks.flatMap(({ id }) => [id, id]),
      async () => {
        mostOpen = Math.max(mostOpen, ++open);
        if (open === most) full.resolve();
        // None ends before all slots are taken; were there more, they would be taken too.
        await full.promise;
        await new Promise((resolve) => setTimeout(resolve, 5));
        open -= 1;
      },
      { limits },
    );
    expect(mostOpen).toBe(most);
    for (const { from, id } of tasks) expect(await onceEach(from, await taskOf(id))).toBe(true);
  });
});

describe("invocations with one gate", () => {
  it("hold no more calls open together than it grants, and it is free after them", async () => {
    const tasks = [await silentTask(30), await silentTask(30)];
    let [open, mostOpen] = [0, 0];
    const modelGate = objectGate(env.MODEL_GATE, `model of ${crypto.randomUUID()}`);
    const limits = { ...openServices(env).limits, modelCallsPerInvocation: 12 };
    const answer = async () => {
      mostOpen = Math.max(mostOpen, ++open);
      await new Promise((resolve) => setTimeout(resolve, 5));
      open -= 1;
    };
    await Promise.all(tasks.map(({ id }) => consume([id], answer, { limits, modelGate })));
    expect(mostOpen).toBeGreaterThan(0);
    expect(mostOpen).toBeLessThanOrEqual(16);
    for (const { from, id } of tasks) expect(await onceEach(from, await taskOf(id))).toBe(true);
    const probe = {
      holderId: "probe",
      tokensPerCall: 1,
      answered: 0,
      unused: { requests: 0, tokens: 0 },
      throttled: null,
    };
    const answered = await modelGate.report({ ...probe, demands: [{ namespaceId: "n", kept: 0, wanted: 99 }] });
    expect(answered.slots).toEqual([{ namespaceId: "n", slots: 16 }]);
  });

  it("leave a model alone that wants a long rest: what was not asked for is no attempt, and comes back after it", async () => {
    const { from, id } = await silentTask(60);
    const modelGate = objectGate(env.MODEL_GATE, `model of ${crypto.randomUUID()}`);
    let calls = 0;
    const busy = async () => {
      calls += 1;
      throw new ServiceError("unavailable", "model-unavailable", "Busy.", { retryAfterSeconds: 600 });
    };
    const limits = { ...openServices(env).limits, modelCallsPerInvocation: 1 };
    await consume([id], busy, { limits, modelGate });
    expect(calls).toBe(1);
    expect((await partsOf(id))[0]).toMatchObject({ attempts: 1, status: "open", lease_token: null });
    const before = await partsOf(id);
    await consume([id], busy, { limits, modelGate });
    expect(calls).toBe(1);
    const after = await partsOf(id);
    expect(after.map((part) => part["attempts"])).toEqual([1, 0, 0]);
    const restsUntil = Number(before[0]?.["not_before_ms"]);
    expect(Number(after[1]?.["not_before_ms"])).toBeGreaterThan(restsUntil - 60_000);
    expect(await reVoiced(id)).toEqual([]);
    expect(from.memoryIds).toHaveLength(60);
  });

  it("make room where they get no call for a long time: what was not asked for is no attempt, and is rung for", async () => {
    const { id } = await silentTask(3);
    const answer = { slots: [], requests: null, tokens: null, restMs: 0, askAgainMs: 10 };
    const modelGate = { report: async () => answer };
    const consumer = consumerOf(
      generatorOf(async () => undefined),
      {},
      { ...openServices(withFaults(env)), modelGate },
    );
    const called = watchCalls([id]);
    const ringing = consumer.ring(id);
    await until(
      async () => (await partsOf(id))[0]?.["lease_token"],
      (token) => typeof token === "string",
    );
    consumer.pass(120);
    await ringing;
    const [part] = await partsOf(id);
    expect(part).toMatchObject({ status: "open", attempts: 0, lease_token: null });
    expect(part?.["not_before_ms"]).toBeLessThanOrEqual(serviceClock.nowMs());
    expect(called.filter((label) => label.startsWith("queue: sendBatch"))).toHaveLength(1);
  });

  it("wait out a short rest within the turn: the part is not given back", async () => {
    const { from, id } = await silentTask(3);
    const modelGate = objectGate(env.MODEL_GATE, `model of ${crypto.randomUUID()}`);
    let calls = 0;
    await consume(
      [id],
      async () => {
        calls += 1;
        if (calls === 2)
          throw new ServiceError("unavailable", "model-unavailable", "Busy.", { retryAfterSeconds: 0.1 });
      },
      { modelGate },
    );
    expect(await onceEach(from, await taskOf(id))).toBe(true);
    expect((await taskOf(id)).attempts).toBe(1);
    expect(calls).toBe(4);
  });
});
