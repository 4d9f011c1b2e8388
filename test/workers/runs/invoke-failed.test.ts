import { beforeEach, describe, expect, it } from "vitest";
import { openNextRun } from "../../../src/data/tasks/run-store";
import type { TextGenerator } from "../../../src/services/ports/ports";
import { call } from "../../support/api";
import { arm, resetFaults } from "../../support/faults";
import { db } from "../../support/leased-part";
import { consumerOf, silentTask } from "../../support/model-consumer";
import { refusalOf } from "../../support/refusal";
import { refuses } from "../../support/refused";
import { reserved } from "../../support/reserve";
import { onceEach, reVoiced, rows, scene, taskOf } from "../../support/scene";

beforeEach(() => resetFaults());

const invoke = (id: string, headers: Record<string, string> = {}, query = "?from=failed") =>
  call("PATCH", `/v1/checkmate/tasks/${id}/invoke${query}`, { headers });
const cancel = (id: string) => call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);

/** A generator that fails on the memories it is told to, and what it was asked. */
function faulty(failing: readonly string[], limits: Parameters<typeof consumerOf>[1] = {}) {
  const asked: string[] = [];
  const generator: TextGenerator = {
    id: "faulty",
    reVoice: async ({ memory }) => {
      asked.push(memory.memoryId);
      if (failing.includes(memory.memoryId)) throw new Error("It cannot be told.");
      return { text: memory.text, usage: { inputTokens: 7, outputTokens: 3 } };
    },
  };
  return { asked, ring: consumerOf(generator, limits).ring };
}

/** A task that is complete, but for the memories that failed. */
async function withFailed(memories: number, failedAt: readonly number[]) {
  const { from, id } = await silentTask(memories);
  const failedIds = failedAt.map((index) => from.memoryIds[index] ?? "");
  const { ring } = faulty(failedIds);
  while ((await taskOf(id)).ended_at === null) await ring(id);
  return { from, id, failedIds };
}

const EVERYTHING = [
  "SELECT * FROM tasks WHERE id = ?",
  "SELECT * FROM task_parts WHERE task_id = ?",
  "SELECT * FROM task_items WHERE task_id = ?",
  "SELECT * FROM memories WHERE task_id = ?",
];
const everythingOf = (id: string) => Promise.all(EVERYTHING.map((sql) => rows(sql, id)));

describe("checkmate-task-invoke from failed", () => {
  it("redoes what failed in a complete task, and nothing else", async () => {
    const { from, id, failedIds } = await withFailed(60, [3, 41]);
    const before = await taskOf(id);
    expect(before).toMatchObject({ status: "complete", progress: { done: 58, failed: 2 } });
    const told = await reVoiced(id);
    const answer = await invoke(id);
    expect([answer.status, answer.body.task_id]).toEqual([202, id]);
    expect(await taskOf(id)).toMatchObject({
      status: "retry",
      progress: { done: 58, failed: 0, total: 60 },
      usage: before.usage,
      result: null,
      ended_at: null,
    });
    const { asked, ring } = faulty([]);
    while ((await taskOf(id)).ended_at === null) await ring(id);
    expect(asked.toSorted()).toEqual(failedIds.toSorted());
    const task = await taskOf(id);
    expect(await onceEach(from, task)).toBe(true);
    expect(await rows("SELECT run FROM tasks WHERE id = ?", id)).toEqual([{ run: 2 }]);
    const kept = new Set((await reVoiced(id)).map((memory) => JSON.stringify(memory)));
    expect(told.filter((memory) => !kept.has(JSON.stringify(memory)))).toEqual([]);
  });

  it("adds to the usage what the new run cost, and keeps what the first had cost", async () => {
    const { id } = await withFailed(5, [0, 2]);
    const { usage: before } = await taskOf(id);
    await invoke(id);
    await faulty([]).ring(id);
    const { usage } = await taskOf(id);
    expect(before.model_calls).toBeGreaterThanOrEqual(5);
    expect(usage).toEqual({
      model_calls: before.model_calls + 2,
      input_tokens: before.input_tokens + 14,
      output_tokens: before.output_tokens + 6,
    });
  });

  it("leaves the new collection bound to its agent while it runs, and afterwards", async () => {
    const { from, id } = await withFailed(2, [1]);
    const bound = async () =>
      (await call("GET", `/v1/agents/${from.agentId}/collections`)).body.items.map((item: any) => item.collection_id);
    const before = await bound();
    expect(before).toHaveLength(1);
    await invoke(id);
    expect(await bound()).toEqual(before);
    await faulty([]).ring(id);
    expect(await bound()).toEqual(before);
  });

  it("may be done again and again, while something fails", async () => {
    const { from, id, failedIds } = await withFailed(3, [0, 1]);
    for (const stillFailing of [failedIds, failedIds.slice(1), []]) {
      expect((await invoke(id)).status).toBe(202);
      await faulty(stillFailing).ring(id);
      expect((await taskOf(id)).progress).toMatchObject({ done: 3 - stillFailing.length, failed: stillFailing.length });
    }
    expect(await onceEach(from, await taskOf(id))).toBe(true);
    expect(await rows("SELECT run FROM tasks WHERE id = ?", id)).toEqual([{ run: 4 }]);
  });

  it.each(["error", "canceled"])(
    "redoes what failed in a task that ended as %s with nothing else left",
    async (end) => {
      const { from, id, failedIds } = await withFailed(2, [0]);
      await rows("UPDATE tasks SET status = ? WHERE id = ?", end, id);
      expect((await invoke(id)).status).toBe(202);
      const { asked, ring } = faulty([]);
      await ring(id);
      expect(asked).toEqual(failedIds);
      expect(await onceEach(from, await taskOf(id))).toBe(true);
    },
  );

  it("leaves an open task as it is", async () => {
    const { id } = await silentTask(1);
    const before = await everythingOf(id);
    const answer = await invoke(id);
    expect([answer.status, answer.body.status]).toEqual([202, "created"]);
    expect(await everythingOf(id)).toEqual(before);
  });

  it("opens one run for ten calls at once with the same requestId, and none for a repeat after that run", async () => {
    const { id } = await withFailed(2, [0]);
    const requestId = crypto.randomUUID();
    const answers = await Promise.all(Array.from({ length: 10 }, () => invoke(id, { requestId })));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    await faulty([]).ring(id);
    const before = await everythingOf(id);
    const repeat = await invoke(id, { requestId });
    expect([repeat.status, repeat.body.status]).toEqual([202, "complete"]);
    expect(refusalOf(await invoke(id, { requestId: crypto.randomUUID() }))).toBe("409 nothing-failed");
    expect(await everythingOf(id)).toEqual(before);
    expect(before[0]).toMatchObject([{ run: 2 }]);
  });

  it("answers a repeat though its run failed on the same memory, and opens no further one", async () => {
    const { id, failedIds } = await withFailed(2, [0]);
    const requestId = crypto.randomUUID();
    await invoke(id, { requestId });
    await faulty(failedIds).ring(id);
    const before = await everythingOf(id);
    expect((await invoke(id, { requestId })).status).toBe(202);
    expect(await everythingOf(id)).toEqual(before);
  });

  it("answers 503 when D1 does not, and opens one run for the retry", async () => {
    const { id } = await withFailed(2, [0]);
    const requestId = crypto.randomUUID();
    arm("fails-before", "SET run = run + 1");
    expect((await invoke(id, { requestId })).status).toBe(503);
    expect((await invoke(id, { requestId })).status).toBe(202);
    expect(await rows("SELECT run FROM tasks WHERE id = ?", id)).toEqual([{ run: 2 }]);
  });

  it("honours If-Match", async () => {
    const { id } = await withFailed(1, [0]);
    const stale = await invoke(id, { "If-Match": '"2"' });
    expect(refusalOf(stale)).toBe("412 version-changed");
    expect((await invoke(id, { "If-Match": '"1"' })).status).toBe(202);
  });
});

describe("checkmate-task-invoke from failed: what is refused", () => {
  it("is a task that was canceled with memories left, which a plain invoke carries on", async () => {
    const { from, id } = await silentTask(30);
    const { ring } = faulty(from.memoryIds, { partSeconds: 0, modelCallsPerInvocation: 1 });
    await ring(id);
    await cancel(id);
    expect((await taskOf(id)).progress).toMatchObject({ done: 0, failed: 1, total: 30 });
    const before = await everythingOf(id);
    const refused = await invoke(id);
    expect([refusalOf(refused), refused.body.detail]).toEqual([
      "409 task-unfinished",
      expect.stringContaining("without from=failed"),
    ]);
    expect(await everythingOf(id)).toEqual(before);
    expect((await invoke(id, {}, "")).status).toBe(202);
    const later = faulty([]);
    while ((await taskOf(id)).ended_at === null) await later.ring(id);
    expect(await onceEach(from, await taskOf(id))).toBe(true);
  });

  it("is a task that had not begun when it ended", async () => {
    const { id } = await silentTask(2);
    await cancel(id);
    expect(refusalOf(await invoke(id))).toBe("409 task-unfinished");
  });

  it("is a task in which nothing failed, also at the database itself", async () => {
    const { id } = await withFailed(2, []);
    const before = await everythingOf(id);
    expect(refusalOf(await invoke(id))).toBe("409 nothing-failed");
    const namespaceId = String(before[0]?.[0]?.["namespace_id"]);
    const run = { id, namespaceId, expectedRun: 1, revision: Number(before[0]?.[0]?.["revision"]), claim: null };
    for (const from of ["failed", "checkpoints"] as const)
      expect((await openNextRun(db, { ...run, from }, 5)).opened).toBeUndefined();
    expect(await everythingOf(id)).toEqual(before);
  });

  it("is work that has no items", async () => {
    const { collectionId } = await scene(1);
    arm("drops", "queue: sendBatch", 1_000);
    const { body } = await call("PATCH", `/v1/collections/${collectionId}/rebuild`);
    await cancel(body.task_id);
    const refused = await invoke(body.task_id);
    expect([refusalOf(refused), refused.body.detail]).toEqual([
      "409 nothing-failed",
      expect.stringContaining("Only a re-voicing"),
    ]);
    expect((await invoke(body.task_id, {}, "")).body.status).toBe("created");
  });

  it("is a reserved id that nobody has filled", async () => {
    const held = await reserved();
    await cancel(held.id);
    expect(refusalOf(await invoke(held.id))).toBe("409 task-unfilled");
  });

  it("is a complete task without it, though something failed", async () => {
    const { id } = await withFailed(2, [0]);
    const before = await everythingOf(id);
    expect(refusalOf(await invoke(id, {}, ""))).toBe("409 task-complete");
    expect(await everythingOf(id)).toEqual(before);
  });

  refuses(
    ["?from=", "?from=everything", "?from=FAILED", "?from=failed&from=failed"].map((query) => ({
      what: `another word than failed: ${query}`,
      send: async () => invoke(`task_${"0".repeat(32)}`, {}, query),
      refusal: "422 validation-failed",
      pointers: ["/query/from"],
    })),
  );
});
