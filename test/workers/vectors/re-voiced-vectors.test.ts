import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { call } from "../../support/api";
import { denseWorker } from "../../support/dense";
import { resetFaults } from "../../support/faults";
import { consumerOf, generatorOn, silentTask } from "../../support/model-consumer";
import { onceEach, taskOf } from "../../support/scene";
import { refuses, scriptedEmbedder } from "../../support/scripted-embedder";
import { retells, scriptedModel } from "../../support/scripted-model";

beforeEach(() => resetFaults());
afterEach(() => vi.unstubAllGlobals());

const MEMORIES = [{ text: "Two long tusks, and whiskers" }, { text: "Pavel baked a loaf" }];

async function reVoiced(server: ReturnType<typeof scriptedEmbedder>) {
  const { from, id } = await silentTask(MEMORIES);
  const worker = denseWorker(server);
  const generator = generatorOn(scriptedModel(retells((text) => `Aye: ${text}`)));
  await consumerOf(generator, {}, worker.services()).ring(id);
  const task = await taskOf(id);
  expect(await onceEach(from, task)).toBe(true);
  const path = `/v1/collections/${task.result.collection_id}`;
  return { path, worker, embedder: (await worker.call("GET", path)).body.embedder };
}

describe("a re-voiced memory", () => {
  it("has a vector of its new text", async () => {
    const server = scriptedEmbedder();
    const { path, worker, embedder } = await reVoiced(server);
    expect(server.texts().toSorted()).toEqual(MEMORIES.map(({ text }) => `Aye: ${text}`).toSorted());
    expect(embedder.needs_rebuild).toBe(false);
    const { body } = await worker.call("POST", `${path}/search`, { query: "walrus" });
    expect(body.all_memories[0].memory.text).toBe(`Aye: ${MEMORIES[0]?.text}`);
  });

  it("stands without one where the embedder is down, and its collection needs a rebuild", async () => {
    const { path, embedder } = await reVoiced(scriptedEmbedder(refuses(500)));
    expect(embedder.needs_rebuild).toBe(true);
    const { body } = await call("GET", path);
    expect(body.memory_count).toBe(2);
  });
});
