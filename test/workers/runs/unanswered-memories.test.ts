import { beforeEach, describe, expect, it } from "vitest";
import { ITEM_STRIKES_MAX } from "../../../src/services/operations/re-voicing/unanswered-memories";
import { call } from "../../support/api";
import { resetFaults } from "../../support/faults";
import { type Consumer, consumerOf, generatorOn, silentTask } from "../../support/model-consumer";
import { onceEach, reVoiced, rows, taskOf } from "../../support/scene";
import {
  type Act,
  type AskedModel,
  breaksOff,
  fails,
  retells,
  saysNothing,
  scriptedModel,
} from "../../support/scripted-model";

/*
 * A memory that the model never answers for is the matter of that memory. A model that answers nothing is no memory's matter.
 */

beforeEach(() => resetFaults());

const BELLS_MAX = 30;
const POISON = "I drank the poison of the 7 sisters.";
const isPoison = ({ data }: AskedModel) => data.memory.text.startsWith(POISON);
const isCheck = ({ data }: AskedModel) => data.memory.text.startsWith("I looked at the clock");

/** Answers as `poison` does for the poison, and well for all else. */
const poisoned =
  (poison: Act): Act =>
  (asked) =>
    isPoison(asked) ? poison(asked) : retells()(asked);

/** In the order of the task. */
const inOrder = (texts: readonly string[]) =>
  texts.map((text, i) => ({ text, occurred_at: `2001-01-${String(i + 1).padStart(2, "0")}T00:00:00Z` }));
const withPoisonAt = (index: number, memories: number) =>
  inOrder(Array.from({ length: memories }, (_, i) => (i === index ? POISON : `I fed ${i + 2} dogs in Lisbon.`)));

/** Rings and lets time pass, until the task has ended. */
async function endBy(consumer: Consumer, id: string): Promise<any> {
  for (let bell = 0; bell < BELLS_MAX; bell++) {
    await consumer.ring(id);
    const task = await taskOf(id);
    if (task.ended_at !== null) return task;
    consumer.pass(700);
  }
  throw new Error("The task did not end.");
}

async function problemsOf(taskId: string): Promise<any[]> {
  return (await call("GET", `/v1/checkmate/tasks/${taskId}/items?verdict=failed`)).body.items;
}

const strikesOf = (taskId: string) =>
  rows("SELECT position, strikes FROM task_items WHERE task_id = ? AND strikes > 0", taskId);

describe("a memory that the model never answers for", () => {
  it.each([
    ["answers 500 to", fails(500)],
    ["breaks off at", breaksOff],
    ["says nothing to", saysNothing],
  ])("ends as failed, and says why; the others are retold (the model %s it)", async (_, poison) => {
    const { id } = await silentTask(withPoisonAt(1, 5));
    const model = scriptedModel(poisoned(poison));
    const consumer = consumerOf(generatorOn(model), { modelTimeoutSeconds: 0.1, modelCallsPerInvocation: 2 });
    const task = await endBy(consumer, id);
    expect(task).toMatchObject({ status: "complete", result: { re_voiced: 4, failed: 1 } });
    const [failed] = await problemsOf(id);
    expect(failed).toMatchObject({ position: 1, memory_id: null, problem: { code: "memory-unanswered" } });
    expect(model.asked.filter(isPoison).length).toBeGreaterThanOrEqual(ITEM_STRIKES_MAX);
    expect(await reVoiced(id)).toHaveLength(4);
  });

  it("ends as failed also where it is the only one: the model is asked to retell a sentence of ours, which is kept nowhere", async () => {
    const { id } = await silentTask([{ text: POISON }]);
    const model = scriptedModel(poisoned(fails(500)));
    const task = await endBy(consumerOf(generatorOn(model)), id);
    expect(task).toMatchObject({ status: "complete", result: { re_voiced: 0, failed: 1 } });
    const checks = model.asked.filter(isCheck);
    expect(checks).toHaveLength(ITEM_STRIKES_MAX);
    // Another question each time: no cache before the model answers it.
    expect(new Set(checks.map(({ data }) => data.memory.text)).size).toBe(checks.length);
    expect(new Set(checks.map(({ headers }) => headers.get("idempotency-key"))).size).toBe(checks.length);
    expect(task.usage).toEqual({ model_calls: 6, input_tokens: 420, output_tokens: 180 });
    expect(await reVoiced(id)).toEqual([]);
  });

  it("ends its task as error where the task is to fail with an item, and keeps what is done", async () => {
    const { id } = await silentTask(withPoisonAt(0, 3), { on_item_error: "fail" });
    const task = await endBy(consumerOf(generatorOn(scriptedModel(poisoned(fails(500))))), id);
    expect(task).toMatchObject({
      status: "error",
      error: { code: "item-failed" },
      result: { re_voiced: 2, failed: 1 },
    });
  });

  it("holds up no other: it is asked for last in its part", async () => {
    const { id } = await silentTask(withPoisonAt(0, 8));
    const model = scriptedModel(poisoned(fails(500)));
    const consumer = consumerOf(generatorOn(model), { modelCallsPerInvocation: 1 });
    await consumer.ring(id);
    consumer.pass(3);
    await consumer.ring(id);
    expect((await taskOf(id)).progress).toMatchObject({ done: 7, failed: 0 });
    expect(model.asked.map(isPoison)).toEqual([true, ...Array(7).fill(false), true]);
  });

  it("is one of several: each ends by itself, and none of the others with them", async () => {
    const texts = Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? `${POISON} ${i}` : `I fed ${i} dogs.`));
    const { id } = await silentTask(inOrder(texts));
    const task = await endBy(consumerOf(generatorOn(scriptedModel(poisoned(fails(500))))), id);
    expect(task).toMatchObject({ status: "complete", result: { re_voiced: 3, failed: 3 } });
    expect((await problemsOf(id)).map(({ position }) => position)).toEqual([0, 2, 4]);
  });

  it("is one of more than there are slots: each ends by itself all the same", async () => {
    const texts = Array.from({ length: 4 }, (_, i) => (i > 0 ? `${POISON} ${i}` : "I fed 2 dogs."));
    const { id } = await silentTask(inOrder(texts));
    const generator = generatorOn(scriptedModel(poisoned(fails(500))));
    const task = await endBy(consumerOf(generator, { modelCallsPerInvocation: 1 }), id);
    expect(task).toMatchObject({ status: "complete", result: { re_voiced: 1, failed: 3 } });
  });

  it("is tried again by an invoke, with all its strikes gone", async () => {
    const { from, id } = await silentTask(withPoisonAt(1, 3), { on_item_error: "fail" });
    let isUp = false;
    const act: Act = (asked) => (isUp ? retells() : poisoned(fails(500)))(asked);
    const consumer = consumerOf(generatorOn(scriptedModel(act)));
    await endBy(consumer, id);
    isUp = true;
    await call("PATCH", `/v1/checkmate/tasks/${id}/invoke`);
    expect(await strikesOf(id)).toEqual([]);
    const task = await endBy(consumer, id);
    expect(await onceEach(from, task)).toBe(true);
  });
});

describe("a model that answers nothing", () => {
  it.each([
    ["from the start", 0],
    ["from the middle of a task", 4],
  ])(
    "%s makes no memory failed: after its attempts the task ends as error, and an invoke completes it",
    async (_, good) => {
      const { from, id } = await silentTask(9);
      let isUp = false;
      let answered = 0;
      const act: Act = (asked) => (isUp || ++answered <= good ? retells() : fails(503))(asked);
      const consumer = consumerOf(generatorOn(scriptedModel(act)), { modelCallsPerInvocation: 3 });
      const task = await endBy(consumer, id);
      expect(task).toMatchObject({ status: "error", error: { code: "attempts-exhausted" }, progress: { failed: 0 } });
      expect(task.progress.done).toBe(good);
      expect(await strikesOf(id)).toEqual([]);
      isUp = true;
      await call("PATCH", `/v1/checkmate/tasks/${id}/invoke`);
      expect(await onceEach(from, await endBy(consumer, id))).toBe(true);
    },
  );

  it("for the last memory of a task makes it no failed one either", async () => {
    const { id } = await silentTask(2);
    let answered = 0;
    const act: Act = (asked) => (++answered === 1 ? retells() : fails(500))(asked);
    const task = await endBy(consumerOf(generatorOn(scriptedModel(act)), { modelCallsPerInvocation: 1 }), id);
    expect(task).toMatchObject({ status: "error", error: { code: "attempts-exhausted" } });
    expect(task.progress).toMatchObject({ done: 1, failed: 0 });
  });

  it("and asks to be left alone is asked for nothing of ours", async () => {
    const { id } = await silentTask(1);
    const model = scriptedModel(fails(503, { "retry-after": "1" }));
    await endBy(consumerOf(generatorOn(model)), id);
    expect(model.asked.filter(isCheck)).toEqual([]);
  });

  it("now and then gives a memory one strike at most for each time, and all are retold", async () => {
    const { from, id } = await silentTask(20);
    let asked = 0;
    // Every third call fails, whichever memory it is for.
    const act: Act = (each) => (++asked % 3 === 0 ? fails(500) : retells())(each);
    const task = await endBy(consumerOf(generatorOn(scriptedModel(act)), { modelCallsPerInvocation: 4 }), id);
    expect(await onceEach(from, task)).toBe(true);
  });
});

describe("the usage of a task", () => {
  it("counts a first answer whose repair was not answered, and the calls of later turns", async () => {
    const { from, id } = await silentTask([{ text: "I paid Anna 40 euros." }]);
    const losesFacts = retells(() => "I paid Anna.");
    const model = scriptedModel(losesFacts, fails(500), retells());
    const consumer = consumerOf(generatorOn(model));
    await consumer.ring(id);
    expect(await taskOf(id)).toMatchObject({ status: "retry", usage: { model_calls: 1, input_tokens: 70 } });
    consumer.pass(3);
    await consumer.ring(id);
    const task = await taskOf(id);
    expect(await onceEach(from, task)).toBe(true);
    expect(task.usage).toEqual({ model_calls: 2, input_tokens: 140, output_tokens: 60 });
  });

  it("keeps what a failed memory used up when a further run tries it again", async () => {
    const { from, id } = await silentTask(1, { on_item_error: "fail" });
    const refusal = retells(() => "I'm sorry, but I can't help with that.");
    const consumer = consumerOf(generatorOn(scriptedModel(refusal, retells())));
    expect((await endBy(consumer, id)).usage).toMatchObject({ model_calls: 1 });
    await call("PATCH", `/v1/checkmate/tasks/${id}/invoke`);
    const task = await endBy(consumer, id);
    expect(await onceEach(from, task)).toBe(true);
    expect(task.usage).toEqual({ model_calls: 2, input_tokens: 140, output_tokens: 60 });
  });
});
