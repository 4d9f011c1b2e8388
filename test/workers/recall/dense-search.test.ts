import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type DenseCase, denseCase, denseWorker } from "../../support/dense";
import { resetFaults } from "../../support/faults";
import { idsOf } from "../../support/memories";
import { markDeleted, sorted } from "../../support/nouns";
import { embeds, isSilent, refuses, scriptedEmbedder } from "../../support/scripted-embedder";

beforeEach(() => resetFaults());
afterEach(() => vi.unstubAllGlobals());

const BY_RELEVANCE = { memory_settings: { importance_alpha: 0, recency_alpha: 0 } };
const WALRUS = "A walrus slept near the pier";
const TUSKS = "Two long tusks, and whiskers";
const BREAD = "Pavel baked a loaf";

async function newCase(...memories: readonly (string | object)[]) {
  const server = scriptedEmbedder();
  return { server, ...(await denseCase(denseWorker(server), memories)) };
}

describe("collection-search, with vectors", () => {
  it("finds a memory that shares no word with the query, nor one of like meaning", async () => {
    const { search } = await newCase(WALRUS, TUSKS, BREAD);
    const { all_memories, degraded, degraded_reason } = await search("walrus", BY_RELEVANCE);
    expect(all_memories.slice(0, 2).map(({ memory }: any) => memory.text)).toEqual([WALRUS, TUSKS]);
    expect(all_memories[1]).toMatchObject({ matched_terms: [], cosine: expect.closeTo(1, 1) });
    expect([degraded, degraded_reason]).toEqual([false, null]);
  });

  it("raises by nearness what words find, and never lowers it", async () => {
    const dense = await newCase(WALRUS, BREAD);
    const words = await denseCase(denseWorker(scriptedEmbedder(), { EMBEDDER: "embedded" }), [WALRUS, BREAD]);
    const relevanceIn = async ({ search }: Pick<DenseCase, "search">) => {
      const { all_memories } = await search("a pier", BY_RELEVANCE);
      return all_memories.find(({ memory }: any) => memory.text === WALRUS);
    };
    const [near, byWords] = [await relevanceIn(dense), await relevanceIn(words)];
    expect(byWords).toMatchObject({ cosine: null });
    expect(near.matched_terms).toEqual(byWords.matched_terms);
    expect(near.relevance).toBeGreaterThanOrEqual(byWords.relevance);
    expect(near.relevance).toBeLessThanOrEqual(1);
  });

  it("answers a query of stop words by vectors alone", async () => {
    const { found } = await newCase(WALRUS, "What is it?");
    expect(await found("what was it?")).toContain("What is it?");
  });

  it("sends the query and the new memories to the embedder, each once", async () => {
    const { server, search, add } = await newCase(WALRUS, { text: BREAD, vector_text: "quay" });
    await search("tusks");
    await add(WALRUS);
    expect(sorted(server.texts())).toEqual(sorted([WALRUS, `${BREAD} quay`, "tusks"]));
    expect(server.asked[0]?.url).toBe("http://embedder.test/v1/embeddings");
    expect(server.asked.map(({ body }) => body.input.length)).toEqual([2, 1]);
  });

  it("asks the embedder nothing where the collection has no vectors", async () => {
    const { server, search } = await newCase();
    expect(await search("tusks")).toMatchObject({ all_memories: [], degraded: false });
    expect(server.asked).toEqual([]);
  });

  it("finds by vectors only what passes the filters", async () => {
    const { found } = await newCase(
      { text: TUSKS, importance: 2 },
      { text: "Old tusks", importance: 9, metadata: { of: "a king" } },
    );
    expect(await found("walrus", { filters: { importance_min: 5 } })).toEqual(["Old tusks"]);
    expect(await found("walrus", { filters: { metadata: { of: "a king" } } })).toEqual(["Old tusks"]);
    expect(await found("walrus", { filters: { importance_max: 1 } })).toEqual([]);
  });

  it("never finds a deleted memory, another collection's or another tenant's", async () => {
    const { found, add, collectionId, call } = await newCase();
    const stranger = await newCase(TUSKS);
    const [gone] = idsOf(await add(TUSKS, "Old tusks"));
    await markDeleted("memories", gone ?? "");
    expect(await found("walrus")).toEqual(["Old tusks"]);
    const { status } = await call("POST", `/v1/collections/${stranger.collectionId}/search`, { query: "walrus" });
    expect(status).toBe(404);
    expect(collectionId).not.toBe(stranger.collectionId);
  });

  it("finds a memory by its new text, and no longer by its old", async () => {
    const { found, add, embedder } = await newCase({ text: TUSKS, external_id: "1" }, BREAD);
    await add({ text: "A gale blew", external_id: "1" });
    expect((await found("a storm", BY_RELEVANCE))[0]).toBe("A gale blew");
    expect(await found("walrus", { memory_settings: { top_k_vectors: 1 } })).not.toContain(TUSKS);
    expect(await embedder()).toMatchObject({ needs_rebuild: false });
  });

  it("recalls over all collections of an agent", async () => {
    const one = await newCase(TUSKS);
    const { body: other } = await one.call("PUT", "/v1/collections", { name: "other" });
    await one.call("PUT", `/v1/collections/${other.collection_id}/memories`, { memories: [{ text: "Old tusks" }] });
    const { body: agent } = await one.call("PUT", "/v1/agents", { name: "Mara" });
    for (const id of [one.collectionId, other.collection_id])
      await one.call("PATCH", `/v1/agents/${agent.agent_id}/collections/${id}/bind`);
    const { body } = await one.call("POST", `/v1/agents/${agent.agent_id}/memories/search`, { query: "walrus" });
    expect(body.all_memories.map(({ memory }: any) => memory.text).toSorted()).toEqual(["Old tusks", TUSKS]);
  });
});

describe("an embedder that is down", () => {
  it.each([
    ["that answers 429", refuses(429, { "retry-after": "30" })],
    ["that answers 500", refuses(500)],
    ["that answers 401", refuses(401)],
    ["that refuses every text", refuses(400)],
    ["that answers no JSON", () => new Response("<html>")],
    ["that answers too few vectors", embeds((data) => data.slice(1))],
    ["that answers too many vectors", embeds((data) => [...data, ...data])],
    ["that answers vectors of other dimensions", embeds((data) => data, 5)],
    ["that answers no numbers", embeds((data) => data.map((entry) => ({ ...entry, embedding: [null, "x"] })))],
    ["that answers zeros", embeds((data) => data.map((entry) => ({ ...entry, embedding: Array(8).fill(0) })))],
  ])("%s loses no memory: words find it, and both the search and the collection say so", async (_, act) => {
    const { server, add, search, found, embedder } = await newCase(TUSKS);
    server.play(act);
    const added = await add(WALRUS);
    expect([added.status, added.body.results[0].verdict]).toEqual([201, "created"]);
    expect(await found("walrus")).toEqual([WALRUS]);
    const { degraded, degraded_reason } = await search("walrus");
    expect(degraded).toBe(true);
    expect(degraded_reason).toContain("openai-compatible:scripted-embedder");
    expect(degraded_reason).not.toContain("secret");
    expect(await embedder()).toMatchObject({ needs_rebuild: true });
  });

  it("that says nothing is not waited for longer than it may take", async () => {
    const server = scriptedEmbedder();
    const dense = await denseCase(denseWorker(server, { EMBEDDER_TIMEOUT_SECONDS: "0.2" }), [TUSKS]);
    server.play(isSilent);
    expect((await dense.add(WALRUS)).status).toBe(201);
    expect(await dense.search("walrus")).toMatchObject({ degraded: true });
    expect(server.asked.at(-1)?.signal?.aborted).toBe(true);
  });

  it("and comes back, embeds what the next call of the same memories brings", async () => {
    const { server, add, found, embedder } = await newCase();
    server.play(refuses(503));
    await add(TUSKS);
    server.play(embeds());
    expect((await add(TUSKS)).body.results[0].verdict).toBe("skipped");
    expect(await embedder()).toMatchObject({ needs_rebuild: false });
    expect(await found("walrus")).toEqual([TUSKS]);
  });

  it("and comes back, leaves what it missed to words, and the search says so", async () => {
    const { server, add, search } = await newCase(WALRUS);
    server.play(refuses(503));
    await add(TUSKS);
    server.play(embeds());
    const { all_memories, degraded, degraded_reason } = await search("walrus");
    expect(all_memories.map(({ memory }: any) => memory.text)).toEqual([WALRUS]);
    expect([degraded, degraded_reason]).toEqual([true, expect.stringContaining("/rebuild")]);
  });
});

describe("the embedder of a collection", () => {
  const IDENTITY = { id: "openai-compatible:scripted-embedder", dimensions: 8 };

  it("is named, and needs no rebuild while all memories have a vector", async () => {
    const { embedder, call, collectionId } = await newCase(TUSKS, BREAD);
    expect(await embedder()).toEqual({ ...IDENTITY, needs_rebuild: false });
    const { body } = await call("GET", "/v1/collections");
    expect(body.items.map((each: any) => [each.collection_id, each.embedder])).toEqual([
      [collectionId, { ...IDENTITY, needs_rebuild: false }],
    ]);
  });

  it("needs no rebuild where there is no memory, and with the embedded words never", async () => {
    expect(await (await newCase()).embedder()).toMatchObject({ needs_rebuild: false });
    const words = await denseCase(denseWorker(scriptedEmbedder(), { EMBEDDER: "embedded" }), [TUSKS]);
    expect(await words.embedder()).toMatchObject({ dimensions: 100, needs_rebuild: false });
    const none = await denseCase(denseWorker(scriptedEmbedder(), { EMBEDDER: "none" }), [TUSKS]);
    expect(await none.embedder()).toBeNull();
  });

  it.each([
    ["another model", { EMBEDDER_NAME: "another" }],
    ["other dimensions of the same model", { EMBEDDER_DIMENSIONS: "6" }],
  ])("needs one after a change to %s: until then words answer, and old vectors never", async (_, change) => {
    const server = scriptedEmbedder();
    const before = await denseCase(denseWorker(server), [TUSKS, WALRUS]);
    const after = denseWorker(server, change);
    const path = `/v1/collections/${before.collectionId}`;
    const { body } = await after.call("GET", path, undefined, before.key);
    expect(body.embedder.needs_rebuild).toBe(true);
    const asked = server.asked.length;
    const search = await after.call("POST", `${path}/search`, { query: "walrus" }, before.key);
    expect([search.body.degraded, search.body.degraded_reason]).toEqual([true, expect.stringContaining("/rebuild")]);
    expect(search.body.all_memories.map(({ memory }: any) => memory.text)).toEqual([WALRUS]);
    expect(server.asked.length).toBe(asked);
    expect(await before.embedder()).toMatchObject({ needs_rebuild: false });
  });
});
