import { describe, expect, it } from "vitest";
import { vectorizeVectors } from "../../../src/providers/vectorize/vectorize-vectors";
import { errorOf } from "../../support/service-error";

/*
 * Against a binding that behaves as Cloudflare documents it. The real one needs an account.
 */

const SPACE = { embedderId: "workers-ai:@cf/baai/bge-base-en-v1.5", dimensions: 2, storedIn: "vectorize" } as const;
const vector = Float32Array.of(1, 0);
const place = { namespaceId: "namespace_1", collectionId: "collection_1" };

function indexOn(answer: () => unknown) {
  const calls: any[] = [];
  const note = async (...values: unknown[]) => {
    calls.push(values);
    return answer();
  };
  return { calls, vectors: vectorizeVectors({ upsert: note, query: note, deleteByIds: note }) };
}

describe("Vectorize", () => {
  it("keeps tenants apart by its namespaces, collections and embedders by its filter", async () => {
    const { calls, vectors } = indexOn(() => ({ mutationId: "1" }));
    await vectors.upsert(SPACE, [{ ...place, memoryId: "memory_1", vector }]);
    const metadata = { collection: "collection_1", embedder: `${SPACE.embedderId}:2` };
    expect(calls[0]).toEqual([[{ id: "memory_1", namespace: "namespace_1", values: vector, metadata }]]);
    await vectors.nearest(SPACE, { ...place, vector }).catch(() => undefined);
    expect(calls[1]?.[1]).toEqual({
      topK: 100,
      namespace: "namespace_1",
      filter: metadata,
      returnValues: false,
      returnMetadata: "none",
    });
  });

  it("tells embedders apart whose names are longer than it filters", async () => {
    const { calls, vectors } = indexOn(() => ({ mutationId: "1" }));
    for (const end of ["a", "b"]) {
      const space = { ...SPACE, embedderId: `openai-compatible:${"x".repeat(100)}${end}` };
      await vectors.upsert(space, [{ ...place, memoryId: "memory_1", vector }]);
    }
    const [first, second] = calls.map(([records]) => records[0].metadata.embedder);
    expect(first.length).toBeLessThanOrEqual(64);
    expect(first).not.toBe(second);
  });

  it("answers the nearest with their cosines, within −1 and 1", async () => {
    const matches = [
      { id: "memory_1", score: 1.0000001 },
      { id: "memory_2", score: 0.4 },
    ];
    const { vectors } = indexOn(() => ({ count: 2, matches }));
    expect(await vectors.nearest(SPACE, { ...place, vector })).toEqual([
      { memoryId: "memory_1", cosine: 1 },
      { memoryId: "memory_2", cosine: 0.4 },
    ]);
  });

  it("removes by the ids of memories", async () => {
    const { calls, vectors } = indexOn(() => ({ mutationId: "1" }));
    await vectors.remove(["memory_1", "memory_2"]);
    expect(calls).toEqual([[["memory_1", "memory_2"]]]);
  });

  it.each([
    ["throws", () => Promise.reject(new Error("VECTOR_QUERY_ERROR (code = 40006)"))],
    ["answers another form", () => ({ matches: [{ id: 1 }] })],
  ])("that %s is unavailable", async (_, answer) => {
    const error = await errorOf(indexOn(answer).vectors.nearest(SPACE, { ...place, vector }));
    expect(error).toMatchObject({ kind: "unavailable", code: "index-unavailable" });
  });
});
