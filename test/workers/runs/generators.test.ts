import { env } from "cloudflare:workers";
import pLimit from "p-limit";
import { beforeEach, describe, expect, it } from "vitest";
import { openServices } from "../../../src/runtime/composition";
import { ServiceError } from "../../../src/services/errors/errors";
import { LeaseKeeper } from "../../../src/services/parts/lease-keeper";
import { ModelCalls } from "../../../src/services/model/call-slots";
import type { ReVoiceRequest, TextGenerator } from "../../../src/services/ports/ports";
import { answerBell } from "../../../src/services/runs/answer-bell";
import { call, until } from "../../support/api";
import { arm, resetFaults } from "../../support/faults";
import { withFaults } from "../../support/faulty-bindings";
import { batchOf, onceEach, putBatch, reVoiced, rows, scene, taskOf } from "../../support/scene";

beforeEach(() => resetFaults());

type Script = (request: ReVoiceRequest, signal: AbortSignal) => Promise<string>;

/** A consumer with a generator of our own. Its bells go nowhere: each test answers them one by one. */
function consumerWith(script: Script, limits: Partial<ReturnType<typeof openServices>["limits"]> = {}) {
  const services = openServices(withFaults(env));
  const generator: TextGenerator = {
    id: "scripted",
    reVoice: async (request, { signal }) => ({
      text: await script(request, signal),
      usage: { inputTokens: 7, outputTokens: 3 },
    }),
  };
  const merged = { ...services.limits, ...limits };
  const run = {
    ...services,
    generator,
    limits: merged,
    modelCalls: new ModelCalls({ ...services, limits: merged }),
    stepSlot: pLimit(1),
    recallSlot: pLimit(1),
    leases: new LeaseKeeper({ ...services, limits: merged }, merged.heartbeatSeconds),
  };
  return (taskId: string) => answerBell(run, taskId);
}

async function silentTask(memories: number, more: object = {}) {
  arm("drops", "queue: sendBatch", 10_000);
  const from = await scene(memories);
  const { id } = (await putBatch(crypto.randomUUID(), batchOf(from, more))).body;
  return { from, id };
}

const echo: Script = async (request) => request.memory.text;

describe("a generator", () => {
  it("that is slow makes the part yield after its time, with every memory that was paid for kept", async () => {
    const { from, id } = await silentTask(10);
    const bell = consumerWith(echo, { partSeconds: 0, modelCallsPerInvocation: 1 });
    for (let turn = 1; turn <= 10; turn++) {
      await bell(id);
      expect((await taskOf(id)).progress.done).toBe(turn);
    }
    const task = await taskOf(id);
    expect(await onceEach(from, task)).toBe(true);
    expect(task.usage).toEqual({ model_calls: 10, input_tokens: 70, output_tokens: 30 });
  });

  it("is not asked for a memory that was deleted after the task began: its item is skipped and says so", async () => {
    const { id } = await silentTask(3);
    const bell = consumerWith(echo, { partSeconds: 0, modelCallsPerInvocation: 1 });
    await bell(id);
    const pending = await rows("SELECT source_memory_id FROM task_items WHERE task_id = ? AND verdict IS NULL", id);
    const [deleted] = pending.map((item) => item["source_memory_id"]);
    await rows("UPDATE memories SET deleted_at_ms = 1 WHERE id = ?", deleted);
    await bell(id);
    await bell(id);
    expect((await taskOf(id)).result).toMatchObject({ re_voiced: 2, skipped: 1 });
    const items = await call("GET", `/v1/checkmate/tasks/${id}/items?verdict=skipped`);
    expect(items.body.items).toMatchObject([
      { source_memory_id: deleted, memory_id: null, problem: { code: "memory-gone" } },
    ]);
  });

  it("that fails on one memory fails that memory alone, when the task is to continue", async () => {
    const { from, id } = await silentTask(5);
    const poison = from.memoryIds[2];
    await consumerWith((request) =>
      request.memory.memoryId === poison ? Promise.reject(new Error()) : echo(request, new AbortController().signal),
    )(id);
    const task = await taskOf(id);
    expect(task).toMatchObject({ status: "complete", result: { re_voiced: 4, failed: 1 } });
    const items = await call("GET", `/v1/checkmate/tasks/${id}/items?verdict=failed`);
    expect(items.body.items).toMatchObject([{ source_memory_id: poison, problem: { code: "generation-failed" } }]);
  });

  it("that fails on one memory ends the task, when it is to fail, and keeps what is done", async () => {
    const { from, id } = await silentTask(5, { on_item_error: "fail" });
    const poison = from.memoryIds[2];
    const bell = consumerWith(
      (request, signal) => (request.memory.memoryId === poison ? Promise.reject(new Error()) : echo(request, signal)),
      { modelCallsPerInvocation: 1 },
    );
    await bell(id);
    const task = await taskOf(id);
    expect(task).toMatchObject({ status: "error", error: { code: "item-failed" } });
    expect(task.result.re_voiced).toBe((await reVoiced(id)).length);
    expect(task.result.failed).toBe(1);
  });

  it("that is unavailable puts the task into retry, and later it goes on from its checkpoints", async () => {
    const { from, id } = await silentTask(6);
    const calls: string[] = [];
    let up = false;
    const bell = consumerWith(
      async (request) => {
        calls.push(request.memory.memoryId);
        if (!up && calls.length > 3) throw new ServiceError("unavailable", "model-unavailable", "Busy.");
        return request.memory.text;
      },
      { modelCallsPerInvocation: 1 },
    );
    await bell(id);
    expect(await taskOf(id)).toMatchObject({ status: "retry", progress: { done: 3, failed: 0, total: 6 } });
    up = true;
    await until(
      async () => {
        await bell(id);
        return taskOf(id);
      },
      (task) => Boolean(task.ended_at),
    );
    const task = await taskOf(id);
    expect(await onceEach(from, task)).toBe(true);
    expect(task.attempts).toBe(2);
    // Nothing that was checkpointed was asked for again: six memories, and two calls that failed.
    expect(calls).toHaveLength(8);
  });

  it("that stays unavailable ends the task with the reason, after eight attempts without progress", async () => {
    const { id } = await silentTask(2);
    const bell = consumerWith(() => Promise.reject(new ServiceError("unavailable", "model-unavailable", "Busy.")));
    for (let attempt = 1; attempt <= 8; attempt++) {
      expect((await taskOf(id)).ended_at).toBeNull();
      // The waits between are long; they are cut short here, the attempts are real.
      await rows("UPDATE task_parts SET not_before_ms = 0 WHERE task_id = ?", id);
      await bell(id);
    }
    const task = await taskOf(id);
    expect(task).toMatchObject({ status: "error", error: { code: "attempts-exhausted" } });
    expect(task.error.detail).toContain("Busy.");
    expect(await rows("SELECT attempts FROM task_parts WHERE task_id = ?", id)).toEqual([{ attempts: 8 }]);
  });

  it("has no more calls open than the invocation may have", async () => {
    const { id } = await silentTask(25);
    let [open, most] = [0, 0];
    const bell = consumerWith(
      async (request) => {
        most = Math.max(most, ++open);
        await new Promise((resolve) => setTimeout(resolve, 5));
        open -= 1;
        return request.memory.text;
      },
      { modelCallsPerInvocation: 6 },
    );
    await bell(id);
    expect(most).toBe(6);
  });

  it("is told to stop when the task is canceled while it is at work, and its late text is not written", async () => {
    const { id } = await silentTask(3);
    let aborted = 0;
    const bell = consumerWith((_, signal) => {
      const stopped = new Promise<string>((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          aborted += 1;
          reject(new Error("aborted"));
        });
      });
      return stopped;
    });
    const working = bell(id);
    await until(
      () => taskOf(id),
      (task) => task.status === "running",
    );
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    await until(
      async () => aborted,
      (count) => count === 3,
    );
    await working;
    expect(await reVoiced(id)).toEqual([]);
    expect((await taskOf(id)).status).toBe("canceled");
  });

  it("that answers for a former run of the task writes nothing into the run that an invoke opened", async () => {
    const { from, id } = await silentTask(1);
    const texts = new Map<string, (text: string) => void>();
    // No heartbeat tells the consumer of the former run that its lease is gone.
    const consumerOf = (run: string) =>
      consumerWith(() => new Promise((resolve) => void texts.set(run, resolve)), { heartbeatSeconds: 1_000 })(id);
    const asked = (run: string) =>
      until(
        async () => texts.has(run),
        (known) => known,
      );
    const former = consumerOf("former");
    await asked("former");
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    await call("PATCH", `/v1/checkmate/tasks/${id}/invoke`);
    const present = consumerOf("present");
    await asked("present");
    texts.get("former")?.("I fed 2 dogs in Lisbon on 3 May 2001, as the former run has it.");
    await former;
    expect(await reVoiced(id)).toEqual([]);
    texts.get("present")?.("I fed 2 dogs in Lisbon on 3 May 2001.");
    await present;
    expect(await onceEach(from, await taskOf(id))).toBe(true);
  });

  it("gets what the recalls bring up, never the memory itself, and never the task's own target", async () => {
    const { from, id } = await silentTask(6);
    const asked: ReVoiceRequest[] = [];
    await consumerWith(async (request) => {
      asked.push(request);
      return request.memory.text;
    })(id);
    expect(asked).toHaveLength(6);
    for (const request of asked) {
      const ids = request.sourceContext.map((memory) => memory.memoryId);
      expect(ids.length).toBeGreaterThan(0);
      expect(ids).not.toContain(request.memory.memoryId);
      expect(ids.every((memoryId) => from.memoryIds.includes(memoryId))).toBe(true);
      expect(request.agentContext).toEqual([]);
    }
  });

  it("gets the agent's own memories from its bound collections", async () => {
    const own = await scene([{ text: "I once fed 99 dogs in Lisbon." }]);
    arm("drops", "queue: sendBatch", 10_000);
    const from = await scene(2);
    await call("PATCH", `/v1/agents/${from.agentId}/collections/${own.collectionId}/bind`);
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(from))).body;
    const asked: ReVoiceRequest[] = [];
    await consumerWith(async (request) => {
      asked.push(request);
      return request.memory.text;
    })(id);
    expect(asked.map((request) => request.agentContext.map((memory) => memory.memoryId))).toEqual([
      own.memoryIds,
      own.memoryIds,
    ]);
  });

  it("gets no context where the settings say so", async () => {
    const { id } = await silentTask(4, { source_memory_settings: { enabled: false } });
    const asked: ReVoiceRequest[] = [];
    await consumerWith(async (request) => {
      asked.push(request);
      return request.memory.text;
    })(id);
    expect(asked.flatMap((request) => request.sourceContext)).toEqual([]);
  });
});
