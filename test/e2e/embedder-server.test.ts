import { describe, expect, it, onTestFinished } from "vitest";
import { scriptedEmbedder } from "../support/scripted-embedder.ts";
import { Service } from "../support/service.ts";
import { serveModel } from "./model-server.ts";

/*
 * Real sockets between the Worker and an embedder's server; and none where there is none.
 */

async function serviceOn(variables: Readonly<Record<string, string>>): Promise<Service> {
  const service = new Service({ variables });
  onTestFinished(() => service.stop());
  await service.start();
  return service;
}

/** A collection with two memories, and what a search for walruses finds in it. */
async function remembered(service: Service) {
  const made = await service.call("PUT", "/v1/collections", { body: { name: "Summers at the harbour" } });
  const path = `/v1/collections/${made.body.collection_id}`;
  const memories = [
    { text: "Two long tusks, and whiskers" },
    { text: "A walrus slept" },
    { text: "Pavel baked a loaf" },
  ];
  const { status } = await service.call("PUT", `${path}/memories`, { body: { memories } });
  expect(status).toBe(201);
  const { body } = await service.call("POST", `${path}/search`, { body: { query: "walrus" } });
  const texts: string[] = body.all_memories.map(({ memory }: { memory: { text: string } }) => memory.text);
  return { ...body, texts, embedder: (await service.call("GET", path)).body.embedder };
}

describe("npm run dev with EMBEDDER=openai-compatible", () => {
  it("finds by the vectors of the server that is named what shares no word", async () => {
    const server = scriptedEmbedder();
    const service = await serviceOn({
      EMBEDDER: "openai-compatible",
      EMBEDDER_BASE_URL: await serveModel(server),
      EMBEDDER_API_KEY: "a-key-of-the-server",
      EMBEDDER_NAME: "scripted-embedder",
      EMBEDDER_DIMENSIONS: "8",
    });
    const { texts, degraded, embedder } = await remembered(service);
    expect(texts.slice(0, 2)).toEqual(["A walrus slept", "Two long tusks, and whiskers"]);
    expect(degraded).toBe(false);
    const id = "openai-compatible:scripted-embedder";
    expect(embedder).toEqual({ id, dimensions: 8, needs_rebuild: false });
    const policies = await service.call("GET", "/v1/policies");
    expect(policies.body).toMatchObject({ embedder: id, vector_index: "d1" });
    expect(server.asked.map(({ headers }) => headers.get("authorization"))).toEqual([
      "Bearer a-key-of-the-server",
      "Bearer a-key-of-the-server",
    ]);
    expect(service.output).not.toContain("a-key-of-the-server");
  });

  it("says at once which variables are missing, and who needs them", async () => {
    const service = new Service({ variables: { EMBEDDER: "openai-compatible" } });
    onTestFinished(() => service.stop());
    await expect(service.start()).rejects.toThrow(/EMBEDDER=openai-compatible needs it[^]*EMBEDDER_BASE_URL/);
  });

  it("says at once that Vectorize needs its binding", async () => {
    const service = new Service({ variables: { EMBEDDER: "workers-ai", VECTOR_INDEX: "vectorize" } });
    onTestFinished(() => service.stop());
    await expect(service.start()).rejects.toThrow("VECTOR_INDEX=vectorize needs the binding VECTORIZE");
  });
});

describe("npm run dev with EMBEDDER=workers-ai, offline", () => {
  it("keeps memories, finds them by words, and says that it is degraded", async () => {
    const { texts, degraded, embedder } = await remembered(await serviceOn({ EMBEDDER: "workers-ai" }));
    expect(texts).toEqual(["A walrus slept"]);
    expect([degraded, embedder.needs_rebuild]).toEqual([true, true]);
  });
});
