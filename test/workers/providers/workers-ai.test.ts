import { beforeEach, describe, expect, it } from "vitest";
import { workersAiGenerator } from "../../../src/providers/workers-ai/workers-ai-generator";
import { openServices } from "../../../src/runtime/composition";
import type { ServiceError } from "../../../src/services/errors/errors";
import { envWith } from "../../support/env-with";
import { resetFaults } from "../../support/faults";
import { consumerOf, generatorOn, silentTask } from "../../support/model-consumer";
import { RE_VOICE_REQUEST } from "../../support/re-voice-request";
import { onceEach, taskOf } from "../../support/scene";
import { retells, scriptedModel } from "../../support/scripted-model";

/*
 * Against a binding that behaves as Cloudflare documents it. The real one needs an account.
 */

beforeEach(() => resetFaults());

const USAGE = { prompt_tokens: 40, completion_tokens: 9, total_tokens: 49 };
const MODEL = "@cf/some/model";

function ask(run: (inputs: any) => unknown, signal = new AbortController().signal) {
  const asked: { model: string; inputs: any }[] = [];
  const binding = {
    run: async (model: string, inputs: Record<string, unknown>) => {
      asked.push({ model, inputs });
      return run(inputs);
    },
  };
  return { asked, result: workersAiGenerator(binding, MODEL).reVoice(RE_VOICE_REQUEST, { signal }) };
}

function throws(message: string) {
  return ask(() => {
    throw new Error(message);
  }).result;
}

const errorOf = (result: Promise<unknown>): Promise<ServiceError["value"]> =>
  result.then(
    () => expect.fail("It answered."),
    (error: ServiceError) => error.value,
  );

describe("a model of Workers AI", () => {
  it("is asked with the same prompt as any other, bounded", async () => {
    const { asked, result } = ask(() => ({ response: '{"text": "The sea, I saw it."}', usage: USAGE }));
    expect(await result).toEqual({ text: "The sea, I saw it.", usage: { inputTokens: 40, outputTokens: 9 } });
    expect(asked).toMatchObject([{ model: MODEL, inputs: { messages: [{ role: "system" }, { role: "user" }] } }]);
    expect(asked[0]?.inputs.max_tokens).toBeGreaterThan(100);
    expect(asked[0]?.inputs.seed).toBeGreaterThanOrEqual(0);
  });

  it.each([
    ["as an object that the binding has parsed", { response: { text: "The sea, I saw it." }, usage: USAGE }],
    ["in OpenAI's form", { choices: [{ message: { content: '{"text": "The sea, I saw it."}' } }], usage: USAGE }],
    ["without a count", { response: '{"text": "The sea, I saw it."}' }],
  ])("may answer %s", async (_, answer) => {
    expect(await ask(() => answer).result).toMatchObject({ text: "The sea, I saw it." });
  });

  it.each([
    ["in no form that is known", { answer: 42 }, { again: true }],
    ["with prose", { response: "The sea." }, { again: true }],
    ["with a refusal", { response: '{"refusal": "no"}' }, { again: false }],
    ["with OpenAI's refusal", { choices: [{ message: { content: null, refusal: "no" } }] }, { again: false }],
    ["with what was cut off", { choices: [{ message: { content: "{" }, finish_reason: "length" }] }, { again: false }],
    ["without an end", { response: "x".repeat(70_000) }, { again: false }],
  ])("that answers %s has no text", async (_, answer, expected) => {
    expect(await ask(() => answer).result).toMatchObject({ text: null, ...expected });
  });

  it.each(["3040: Capacity temporarily exceeded, please try again.", "3007: Request timeout", "Network lost"])(
    "that throws “%s” is unavailable, in our own words",
    async (message) => {
      const error = await errorOf(throws(message));
      expect(error).toMatchObject({ kind: "unavailable", code: "model-unavailable" });
      expect(error.message).not.toContain("please");
    },
  );

  it("whose allowance of the day is used up is asked again after an hour", async () => {
    const message = "3036: You have used up your daily free allocation of 10,000 neurons.";
    expect(await errorOf(throws(message))).toMatchObject({ kind: "unavailable", retryAfterSeconds: 3_600 });
  });

  it.each([5007, 3042, 5016])("that the account does not have (%i) is a matter of the settings", async (code) => {
    const error = await errorOf(throws(`${code}: No such model ${MODEL} or task`));
    expect(error).toMatchObject({ kind: "unavailable" });
    expect(error.message).toContain("MODEL_NAME");
  });

  it("that does not take this memory fails it alone", async () => {
    expect(await throws("3006: Request is too large")).toMatchObject({ text: null, again: false });
  });

  it("is not waited for when nobody wants its answer any more", async () => {
    const controller = new AbortController();
    const reason = new Error("lease lost");
    const { result } = ask(() => new Promise(() => undefined), controller.signal);
    controller.abort(reason);
    await expect(result).rejects.toBe(reason);
  });
});

describe("Workers AI, where it has no network or no account", () => {
  it("puts the task into retry: nothing is lost, and with another model it is completed", async () => {
    const { from, id } = await silentTask(2);
    const { generator } = openServices(envWith({ MODEL_PROVIDER: "workers-ai" }));
    expect(generator.id).toMatch(/^workers-ai:@cf\//);
    const offline = consumerOf(generator);
    await offline.ring(id);
    expect(await taskOf(id)).toMatchObject({ status: "retry", progress: { done: 0, failed: 0, total: 2 } });
    const other = consumerOf(generatorOn(scriptedModel(retells())));
    other.pass(3);
    await other.ring(id);
    expect(await onceEach(from, await taskOf(id))).toBe(true);
  });
});
