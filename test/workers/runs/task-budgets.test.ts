import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { failIfExhausted, yieldPart } from "../../../src/data/parts/part-store";
import { call } from "../../support/api";
import { BudgetPlay, PLAYED_STEPS, type Played } from "../../support/budget-play";
import { resetFaults } from "../../support/faults";
import { db, LEASE_MS, leasedPart, RING_MS } from "../../support/leased-part";
import { type Consumer, consumerOf, generatorOn, silentTask } from "../../support/model-consumer";
import { onceEach, reVoiced, rows, scene, taskOf } from "../../support/scene";
import { type Act, fails, retells, says, scriptedModel } from "../../support/scripted-model";

beforeEach(() => resetFaults());

const BELLS_MAX = 30;

/** Rings, some bells at once, until the task has ended. */
async function endBy(consumer: Consumer, id: string, atOnce = 1): Promise<any> {
  for (let bell = 0; bell < BELLS_MAX; bell += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, () => consumer.ring(id)));
    consumer.pass(700);
    const task = await taskOf(id);
    if (task.ended_at !== null) return task;
  }
  throw new Error("The task did not end.");
}

const losesFacts: Act = says(JSON.stringify({ text: "I fed them." }));

describe("max_model_calls", () => {
  it("is never passed by parts side by side: the task ends as error, and keeps what is done", async () => {
    const { id } = await silentTask(60, { max_model_calls: 40 });
    const model = scriptedModel(retells());
    const task = await endBy(consumerOf(generatorOn(model)), id, 4);
    expect(model.asked).toHaveLength(40);
    expect(task).toMatchObject({
      status: "error",
      error: { code: "budget-exhausted" },
      progress: { done: 40, failed: 0, total: 60 },
      usage: { model_calls: 40 },
      result: { re_voiced: 40 },
    });
    expect(task.error.detail).toContain("its max_model_calls of 40: 40 calls were begun");
    expect(task.error.detail).toContain("Memories still to be done: 20.");
    expect(await reVoiced(id)).toHaveLength(40);
  });

  it("that is just enough lets the task complete", async () => {
    const { from, id } = await silentTask(30, { max_model_calls: 30 });
    const task = await endBy(consumerOf(generatorOn(scriptedModel(retells()))), id, 2);
    expect(await onceEach(from, task)).toBe(true);
  });

  it("leaves a repair out that it has no call for: the first text is kept, and marked", async () => {
    const { id } = await silentTask(1, { max_model_calls: 1 });
    const model = scriptedModel(losesFacts, retells());
    const task = await endBy(consumerOf(generatorOn(model)), id);
    expect(task).toMatchObject({ status: "complete", result: { re_voiced: 1, flagged: 1 }, usage: { model_calls: 1 } });
    expect(model.asked).toHaveLength(1);
  });

  it("leaves a memory open whose first answer was of no use, and that has no call left", async () => {
    const { id } = await silentTask(1, { max_model_calls: 1 });
    const task = await endBy(consumerOf(generatorOn(scriptedModel(says("no form"), retells()))), id);
    expect(task).toMatchObject({
      status: "error",
      error: { code: "budget-exhausted" },
      progress: { done: 0, failed: 0 },
    });
    expect(task.usage).toEqual({ model_calls: 1, input_tokens: 70, output_tokens: 30 });
  });

  it("counts a call that the model did not answer, which the usage does not", async () => {
    const { id } = await silentTask(3, { max_model_calls: 3 });
    const model = scriptedModel(retells(), fails(500), retells());
    const task = await endBy(consumerOf(generatorOn(model), { modelCallsPerInvocation: 1 }), id);
    expect(task).toMatchObject({
      error: { code: "budget-exhausted" },
      usage: { model_calls: 2 },
      progress: { done: 2 },
    });
    expect(model.asked).toHaveLength(3);
  });

  it("holds over all runs: an invoke ends at once, without a call", async () => {
    const { id } = await silentTask(4, { max_model_calls: 2 });
    const model = scriptedModel(retells());
    const consumer = consumerOf(generatorOn(model));
    await endBy(consumer, id);
    expect((await call("PATCH", `/v1/checkmate/tasks/${id}/invoke`)).status).toBe(202);
    const task = await endBy(consumer, id);
    expect(task).toMatchObject({ status: "error", error: { code: "budget-exhausted" }, progress: { done: 2 } });
    expect(model.asked).toHaveLength(2);
  });

  it("stops no task whose open memories need no call, because they are gone", async () => {
    const { from, id } = await silentTask(3, { max_model_calls: 2 });
    const consumer = consumerOf(generatorOn(scriptedModel(retells())), { partSeconds: 0, modelCallsPerInvocation: 1 });
    await consumer.ring(id);
    await consumer.ring(id);
    const [open] = await rows(
      "SELECT source_memory_id AS source FROM task_items WHERE task_id = ? AND verdict IS NULL",
      id,
    );
    expect(from.memoryIds).toContain(open?.["source"]);
    await rows("UPDATE memories SET deleted_at_ms = 1 WHERE id = ?", open?.["source"]);
    expect(await endBy(consumer, id)).toMatchObject({ status: "complete", result: { re_voiced: 2, skipped: 1 } });
  });

  it("reserved by one part lets another wait: without an attempt, without an end, until the lease is over", async () => {
    const { id, namespaceId, claim, lease, state } = await leasedPart(60, { max_model_calls: 5 });
    expect((await state()).parts.map((part) => part["calls_limit"])).toEqual([5, null, null]);
    const before = await state();
    expect(await claim("token-2")).toBeUndefined();
    expect(await failIfExhausted(db, { id, namespaceId })).toBe(false);
    expect(await state()).toEqual(before);
    await yieldPart(db, lease, { restMs: 0, isUntouched: false, ringMs: RING_MS });
    expect(await claim("token-3")).toMatchObject({ part: 0, callsLeft: 5 });
    expect(await claim("token-4", LEASE_MS)).toMatchObject({ part: 0, callsLeft: 5 });
  });

  it("reserves no more than the memories of a part may need", async () => {
    const { claim, state } = await leasedPart(60, { max_model_calls: 1_000 });
    await claim("token-2");
    expect((await state()).parts.map((part) => part["calls_limit"])).toEqual([51, 51, null]);
  });
});

describe("max_tokens", () => {
  it("is looked at before each call: what is counted then ends the task, and what is done is kept", async () => {
    const { id } = await silentTask(10, { max_tokens: 250 });
    const model = scriptedModel(retells());
    const task = await endBy(consumerOf(generatorOn(model), { modelCallsPerInvocation: 1 }), id);
    expect(task).toMatchObject({
      error: { code: "budget-exhausted" },
      progress: { done: 3 },
      usage: { model_calls: 3, input_tokens: 210, output_tokens: 90 },
    });
    expect(task.error.detail).toContain("its max_tokens of 250: 300 tokens are counted");
    expect(model.asked).toHaveLength(3);
  });
});

describe("a budget", () => {
  it.each([
    ["max_model_calls", 0],
    ["max_model_calls", 1.5],
    ["max_model_calls", 10_000_001],
    ["max_tokens", -1],
    ["max_tokens", "many"],
  ])("of %s = %s is refused, and the answer points to it", async (field, value) => {
    const body = { operation: "re-voice", agent_id: "a", collection_id: "c", target: { name: "t" }, [field]: value };
    const answer = await call("PUT", "/v1/batches", { body, headers: { requestId: crypto.randomUUID() } });
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map(({ pointer }: any) => pointer)).toContain(`/${field}`);
  });

  it("bounds what a dry run says that the task may call", async () => {
    const { agentId, collectionId } = await scene(3);
    const path = `/v1/agents/${agentId}/collections/${collectionId}/re-voice?dry_run=true&preview=0`;
    const body = { target: { name: "t" }, max_model_calls: 4 };
    expect((await call("PUT", path, { body })).body).toMatchObject({ memories: 3, model_calls_max: 4 });
  });
});

/*
 * The arithmetic of the reservations: consumers that claim, call, write, yield, fall silent and wake again in any order.
 */

const OFTEN: Partial<Record<Played[0], number>> = { begin: 12, answer: 6, claim: 3, write: 3, yield: 3 };
const step = fc.oneof(...PLAYED_STEPS.map((each) => ({ weight: OFTEN[each] ?? 1, arbitrary: fc.constant(each) })));
const steps: fc.Arbitrary<readonly Played[]> = fc.array(fc.tuple(step, fc.nat({ max: 3 })), {
  minLength: 20,
  maxLength: 50,
});

const times = (count: number, ...played: Played): readonly Played[] => Array.from({ length: count }, () => played);

/** Two sleep through their leases; another reserves what they had, and then they wake and are extended. */
const wakesLate: readonly Played[] = [
  ["claim", 0],
  ["claim", 1],
  ["claim", 2],
  ...times(5, "begin", 0),
  ...times(5, "answer", 0),
  ["yield", 0],
  ...times(2, "sleep", 0),
  ["claim", 0],
  ["beat", 0],
  ...times(5, "begin", 0),
  ...times(5, "begin", 1),
];

describe("the calls that a budget reserves", () => {
  it("never let more be begun than it has, however claims, calls, yields, crashes and long sleeps follow each other", async () => {
    const isKept = fc.asyncProperty(steps, fc.integer({ min: 1, max: 14 }), async (played, max) => {
      const play = await BudgetPlay.begin(max);
      for (const each of played) {
        await play.play(each);
        if (play.begun > max + play.lost) return false;
      }
      // What nobody holds any more can be had again, to the last call.
      const { given, due } = await play.end();
      return given === due;
    });
    expect(await fc.check(isKept, { numRuns: 20, examples: [[wakesLate, 14]] })).toMatchObject({
      failed: false,
      counterexample: null,
    });
  });
});
