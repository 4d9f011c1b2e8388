import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { embeddedRulesGenerator } from "../../../src/providers/embedded/rules-generator";
import { call } from "../../support/api";
import { denseCase, denseWorker } from "../../support/dense";
import { arm, resetFaults } from "../../support/faults";
import { idsOf } from "../../support/memories";
import { consumerOf } from "../../support/model-consumer";
import { rows } from "../../support/scene";
import { embeds, refuses, scriptedEmbedder } from "../../support/scripted-embedder";

beforeEach(() => resetFaults());
afterEach(() => vi.unstubAllGlobals());

const TUSKS = "Two long tusks, and whiskers";
const BREAD = "Pavel baked a loaf";

/** A collection with memories that were stored while the embedder was down, and a consumer with that embedder. */
async function newCase() {
  const server = scriptedEmbedder(refuses(503));
  const worker = denseWorker(server);
  const dense = await denseCase(worker, [TUSKS, BREAD]);
  expect(await dense.embedder()).toMatchObject({ needs_rebuild: true });
  const consumer = consumerOf(embeddedRulesGenerator(), {}, worker.services());
  return { ...dense, server, consumer };
}

describe("collection-rebuild, with an embedder of texts", () => {
  it("makes the vectors that are missing, and the collection needs no more", async () => {
    const { server, key, collectionId, consumer, embedder, found } = await newCase();
    server.play(embeds());
    arm("drops", "queue: sendBatch", 10_000);
    const { body } = await call("PATCH", `/v1/collections/${collectionId}/rebuild`, { key });
    await consumer.ring(body.task_id);
    const task = await call("GET", `/v1/checkmate/tasks/${body.task_id}`, { key });
    expect(task.body).toMatchObject({ status: "complete", result: { memories: 2 } });
    expect(await embedder()).toMatchObject({ needs_rebuild: false });
    expect((await found("walrus"))[0]).toBe(TUSKS);
  });

  it("waits in retry while the embedder is down, and goes on when it is back", async () => {
    const { server, key, collectionId, consumer, embedder } = await newCase();
    arm("drops", "queue: sendBatch", 10_000);
    const { body } = await call("PATCH", `/v1/collections/${collectionId}/rebuild`, { key });
    await consumer.ring(body.task_id);
    const read = async () => (await call("GET", `/v1/checkmate/tasks/${body.task_id}`, { key })).body;
    expect(await read()).toMatchObject({ status: "retry", progress: { done: 0 } });
    server.play(embeds());
    consumer.pass(60);
    await consumer.ring(body.task_id);
    expect(await read()).toMatchObject({ status: "complete", result: { memories: 2 } });
    expect(await embedder()).toMatchObject({ needs_rebuild: false });
  });
});

async function newMemory() {
  const dense = await denseCase(denseWorker(scriptedEmbedder()));
  const [id] = idsOf(await dense.add(TUSKS));
  return { ...dense, path: `/v1/collections/${dense.collectionId}/memories/${id}` };
}

describe("a memory that is changed or comes back", () => {
  it("has the vector of its new text", async () => {
    const { call, path, found, embedder } = await newMemory();
    expect((await call("PATCH", path, { text: "A gale blew" })).status).toBe(200);
    expect(await found("a storm")).toEqual(["A gale blew"]);
    expect(await embedder()).toMatchObject({ needs_rebuild: false });
  });

  it("is found by its vector again after it was deleted, and not before", async () => {
    const { call, path, found, embedder } = await newMemory();
    expect((await call("DELETE", path)).status).toBe(204);
    expect(await found("walrus")).toEqual([]);
    expect(await embedder()).toMatchObject({ needs_rebuild: false });
    expect((await call("PATCH", `${path}/undelete`)).status).toBe(200);
    expect(await found("walrus")).toEqual([TUSKS]);
    expect(await embedder()).toMatchObject({ needs_rebuild: false });
  });

  it("leaves no vector behind when it, or all, are removed for good", async () => {
    const { call, path, collectionId, add } = await newMemory();
    await add(BREAD);
    expect((await call("DELETE", `${path}?hard=true`)).status).toBe(204);
    const blocks = () => rows("SELECT 1 FROM memory_vector_blocks WHERE collection_id = ?", collectionId);
    expect(await blocks()).toHaveLength(1);
    expect((await call("DELETE", `/v1/collections/${collectionId}/memories`)).status).toBe(204);
    expect(await blocks()).toHaveLength(0);
  });
});

describe("collection-import, with an embedder of texts", () => {
  it("makes the vectors of what it adds", async () => {
    const server = scriptedEmbedder();
    const worker = denseWorker(server);
    const { key, collectionId, embedder, found } = await denseCase(worker);
    arm("drops", "queue: sendBatch", 10_000);
    const { body } = await call("PUT", `/v1/collections/${collectionId}/import`, {
      key,
      body: `${JSON.stringify({ text: TUSKS })}\n${JSON.stringify({ text: BREAD })}\n`,
      headers: { "content-type": "application/x-ndjson" },
    });
    await consumerOf(embeddedRulesGenerator(), {}, worker.services()).ring(body.task_id);
    expect(await embedder()).toMatchObject({ needs_rebuild: false });
    expect((await found("walrus"))[0]).toBe(TUSKS);
  });
});
