import { randomUUID } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { serveModel } from "./model-server.ts";
import { type Act, breaksOff, endless, fails, retells, saysNothing, scriptedModel } from "../support/scripted-model.ts";
import { Service } from "../support/service.ts";
import { makeScene, putBatch, readTask, reVoicing, taskWhen } from "./re-voicing-scene.ts";

/*
 * Real sockets between the Worker and a model's server.
 */

const WORK_MS_MAX = 30_000;
const HANG_UP_MS_MAX = 2_000;

async function serviceOn(variables: Readonly<Record<string, string>>): Promise<Service> {
  const service = new Service({ variables });
  onTestFinished(() => service.stop());
  await service.start();
  return service;
}

describe("npm run dev with MODEL_PROVIDER=openai-compatible", () => {
  it("re-voices with the server that is named, whatever that does in between, and each memory once", async () => {
    // Between the faults a memory is retold, so that the waits stay short.
    const faults = [fails(429, { "retry-after": "1" }), breaksOff, fails(500)];
    const model = scriptedModel(...faults.flatMap((fault) => [fault, retells()]), retells());
    const service = await serviceOn({
      MODEL_PROVIDER: "openai-compatible",
      MODEL_BASE_URL: await serveModel(model),
      MODEL_API_KEY: "a-key-of-the-server",
      MODEL_NAME: "scripted-1",
      MODEL_CALLS_PER_INVOCATION: "1",
    });
    const policies = await service.call("GET", "/v1/policies");
    expect(policies.body).toMatchObject({ model_provider: "openai-compatible", model_name: "scripted-1" });
    expect(JSON.stringify(policies.body)).not.toContain("a-key-of-the-server");

    const scene = await makeScene(service, 4);
    const { body } = await putBatch(service, randomUUID(), reVoicing(scene, "retold"));
    const task = await taskWhen(service, body.id, (task) => task.ended_at !== null);
    expect(task).toMatchObject({ status: "complete", result: { re_voiced: 4, flagged: 0, failed: 0 } });
    expect(task.usage).toEqual({ model_calls: 4, input_tokens: 280, output_tokens: 120 });
    expect(model.asked).toHaveLength(7);
    expect(model.asked.every(({ headers }) => headers.get("authorization") === "Bearer a-key-of-the-server")).toBe(
      true,
    );
    expect(service.output).not.toContain("a-key-of-the-server");
  });

  it("shows in a dry run what the model would write, and hangs up on one that does not end", async () => {
    const goesOn: Act & { sentCharacters: () => number } = endless();
    const model = scriptedModel(retells(), goesOn);
    const service = await serviceOn({
      MODEL_PROVIDER: "openai-compatible",
      MODEL_BASE_URL: await serveModel(model),
      MODEL_NAME: "scripted-1",
      MODEL_CALLS_PER_INVOCATION: "1",
    });
    const { agentId, collectionId } = await makeScene(service, 2);
    const path = `/v1/agents/${agentId}/collections/${collectionId}/re-voice?dry_run=true&preview=2`;
    const { status, body } = await service.call("PUT", path, { body: { target: { name: "retold" } } });
    expect(status).toBe(200);
    expect(body).toMatchObject({ memories: 2, model_calls_max: 4 });
    const [good, cut] = body.preview;
    expect(good).toMatchObject({ text: `Aye: ${good.source.text}`, guard: { verdict: "re_voiced", problem: null } });
    expect(cut).toMatchObject({ text: null, guard: { verdict: "failed", problem: { code: "generation-failed" } } });
    await expect.poll(() => model.asked[1]?.signal.aborted).toBe(true);
    expect((await service.call("GET", "/v1/checkmate/tasks")).body.items).toEqual([]);
  });

  it("hangs up within 2 s of a cancel on the model that is at work, which has no further call after that", async () => {
    const model = scriptedModel(saysNothing);
    const service = await serviceOn({
      MODEL_PROVIDER: "openai-compatible",
      MODEL_BASE_URL: await serveModel(model),
      MODEL_NAME: "scripted-1",
      MODEL_CALLS_PER_INVOCATION: "3",
    });
    const { body } = await putBatch(service, randomUUID(), reVoicing(await makeScene(service, 5), "retold"));
    await expect.poll(() => model.asked.length, { timeout: WORK_MS_MAX }).toBe(3);
    expect(model.asked.some(({ signal }) => signal.aborted)).toBe(false);
    await service.call("PATCH", `/v1/checkmate/tasks/${body.id}/cancel`);
    // The bound is the promise here.
    const hungUp = () => model.asked.every(({ signal }) => signal.aborted);
    await expect.poll(hungUp, { timeout: HANG_UP_MS_MAX, interval: 20 }).toBe(true);
    const task = await readTask(service, body.id);
    expect(task).toMatchObject({ status: "canceled", usage: { model_calls: 0 }, progress: { done: 0, failed: 0 } });
    expect(model.asked).toHaveLength(3);
  });

  it("says at once which variable is missing, and who needs it", async () => {
    const service = new Service({ variables: { MODEL_PROVIDER: "openai-compatible" } });
    onTestFinished(() => service.stop());
    await expect(service.start()).rejects.toThrow(/MODEL_PROVIDER=openai-compatible needs it[^]*MODEL_BASE_URL/);
  });
});

describe("npm run dev with MODEL_PROVIDER=workers-ai, offline", () => {
  it("starts and serves; a task waits in retry for the model, and says so", async () => {
    const service = await serviceOn({ MODEL_PROVIDER: "workers-ai" });
    expect((await service.call("GET", "/readyz")).status).toBe(200);
    expect((await service.call("GET", "/v1/policies")).body).toMatchObject({ model_provider: "workers-ai" });
    const { body } = await putBatch(service, randomUUID(), reVoicing(await makeScene(service, 1), "retold"));
    const task = await taskWhen(service, body.id, ({ status }) => status === "retry");
    expect(task).toMatchObject({ progress: { done: 0, failed: 0, total: 1 }, error: null });
  });
});
