import { describe, expect, it } from "vitest";
import { arm, firedFaults, resetFaults } from "../../support/faults";
import { type Answer, call } from "../../support/api";
import { idsOf, newCase } from "../../support/memories";
import { markDeleted, newTenant, unknownIds } from "../../support/nouns";

type Found = { memory: { memory_id: string; text: string; importance: number }; matched_terms: unknown[] } & Record<
  "score" | "relevance" | "importance" | "recency",
  number
>;

const BY_RELEVANCE = { importance_alpha: 0, recency_alpha: 0 };
const textsOf = (found: Found[]) => found.map(({ memory }) => memory.text);

/** A collection, and searches of it. */
async function newSearch(...memories: object[]) {
  const made = await newCase();
  if (memories.length > 0) await made.add(...memories);
  const post = (body: object): Promise<Answer> =>
    call("POST", `/v1/collections/${made.collectionId}/search`, { key: made.key, body });
  const search = async (query: string, more: object = {}) => (await post({ query, ...more })).body;
  const kept = async (query: string, more: object = {}) => textsOf((await search(query, more)).filtered_memories);
  return { ...made, post, search, kept };
}

describe("collection-search", () => {
  it("finds a memory by its words, their stems and words of like meaning, and says why", async () => {
    const { search } = await newSearch(
      { text: "Marta sold three boats" },
      { text: "Pavel bought a ship" },
      { text: "It rained" },
    );
    const { filtered_memories, all_memories, degraded, degraded_reason } = await search("Who sold a boat?", {
      memory_settings: BY_RELEVANCE,
    });
    expect(textsOf(filtered_memories)).toEqual(["Marta sold three boats", "Pavel bought a ship"]);
    expect(all_memories).toEqual(filtered_memories);
    expect(filtered_memories[0].matched_terms).toEqual([
      { term: "sold", word: "sold", weight: 1 },
      { term: "boat", word: "boats", weight: 0.95 },
    ]);
    expect(filtered_memories[1].matched_terms).toEqual([
      { term: "sold", word: "bought", weight: expect.closeTo(0.8, 0) },
      { term: "boat", word: "ship", weight: expect.closeTo(0.7, 0) },
    ]);
    expect([degraded, degraded_reason]).toEqual([false, null]);
  });

  it("answers each component, and the mean of them weighted by the alphas", async () => {
    const { search } = await newSearch({ text: "The lighthouse burned", importance: 10 });
    const settings = { relevance_alpha: 2, importance_alpha: 1, recency_alpha: 1 };
    const [found] = (await search("lighthouse", { memory_settings: settings })).all_memories;
    expect(found.importance).toBe(1);
    expect(found.recency).toBeCloseTo(1, 3);
    expect(found.relevance).toBeGreaterThan(0);
    expect(found.score).toBeCloseTo((2 * found.relevance + found.importance + found.recency) / 4, 9);
  });

  it("finds what was just added", async () => {
    const { add, kept } = await newSearch();
    expect(await kept("walrus")).toEqual([]);
    await add({ text: "A walrus slept on the pier" });
    expect(await kept("walrus")).toEqual(["A walrus slept on the pier"]);
  });

  it("never finds a deleted memory, another collection's or another tenant's", async () => {
    const { add, kept, key, collectionId } = await newSearch();
    const stranger = await newSearch({ text: "The stranger's walrus" });
    const [gone] = idsOf(await add({ text: "A walrus" }, { text: "Another walrus" }));
    await markDeleted("memories", gone ?? "");
    expect(await kept("walrus")).toEqual(["Another walrus"]);
    const { status } = await call("POST", `/v1/collections/${stranger.collectionId}/search`, {
      key,
      body: { query: "walrus" },
    });
    expect(status).toBe(404);
    await markDeleted("collections", collectionId);
    const deleted = await call("POST", `/v1/collections/${collectionId}/search`, { key, body: { query: "walrus" } });
    expect([deleted.status, deleted.body.code]).toEqual([410, "collection-deleted"]);
  });

  it("answers empty lists to a query of stop words, of no words, or that nothing answers", async () => {
    const { post } = await newSearch({ text: "A walrus slept on the pier" });
    for (const query of ["what was it?", "?!", "🎉", "zeppelin"]) {
      const { status, body } = await post({ query });
      expect(status).toBe(200);
      expect(body).toMatchObject({ all_memories: [], filtered_memories: [], context: "", context_chunks: [] });
      expect(body.collection_summary).toMatchObject({ memory_count: 1, candidates: 0, earliest_at: null });
    }
  });

  it("scores a memory the same, whatever else is asked for or filtered out", async () => {
    const { search } = await newSearch(
      { text: "The walrus slept", importance: 3 },
      { text: "The walrus swam to the pier", importance: 8 },
    );
    const relevanceOf = async (more: object) => {
      const { all_memories } = await search("walrus on the pier", more);
      return all_memories.find(({ memory }: Found) => memory.importance === 3).relevance;
    };
    const all = await relevanceOf({});
    expect(await relevanceOf({ filters: { importance_max: 5 } })).toBe(all);
    expect(await relevanceOf({ memory_settings: { max_memories: 1, relevance_alpha: 3 } })).toBe(all);
  });
});

describe("collection-search, memory settings", () => {
  const memories = [
    { text: "A walrus, a walrus and a pier", importance: 1 },
    { text: "The walrus ate a herring that the harbour master had thrown", importance: 10 },
    { text: "The pier and the walrus", importance: 4 },
  ] as const;
  const [, herring, pier] = memories.map(({ text }) => text);

  it.each<[string, object, number, number]>([
    ["nothing when not enabled", { enabled: false }, 0, 0],
    ["as many candidates as top_k_vectors", { top_k_vectors: 2 }, 2, 2],
    ["at most max_memories", { max_memories: 1 }, 3, 1],
    ["nothing with max_memories 0", { max_memories: 0 }, 3, 0],
    ["what reaches min_score", { min_score: 1 }, 3, 0],
  ])("keeps %s", async (_, memory_settings, all, filtered) => {
    const { search } = await newSearch(...memories);
    const body = await search("walrus pier", { memory_settings });
    expect([body.all_memories.length, body.filtered_memories.length]).toEqual([all, filtered]);
  });

  it.each([
    ["highest_score", { importance_alpha: 10 }, herring],
    ["most_relevant", { importance_alpha: 10 }, pier],
    ["most_important", { importance_alpha: 0 }, herring],
    ["diverse", { importance_alpha: 10 }, herring],
  ])("keeps the best by %s", async (max_memory_strategy, alphas, expected) => {
    const { kept } = await newSearch(...memories);
    const memory_settings = { max_memory_strategy, max_memories: 1, recency_alpha: 0, ...alphas };
    expect(await kept("walrus pier", { memory_settings })).toEqual([expected]);
  });

  it("keeps the most recent by most_recent: what was last brought up", async () => {
    const { add, get, kept } = await newSearch();
    const [first] = idsOf(await add({ text: "An old walrus" }, { text: "A young walrus" }));
    await kept("old", { memory_settings: { max_memories: 1 } });
    expect((await get(first)).access_count).toBe(1);
    const settings = { max_memory_strategy: "most_recent", max_memories: 1 };
    expect(await kept("walrus", { memory_settings: settings })).toEqual(["An old walrus"]);
  });
});

describe("collection-search, use", () => {
  it("counts as a use of what is kept, and of nothing else", async () => {
    const { add, get, search } = await newSearch();
    const ids = idsOf(await add({ text: "A walrus" }, { text: "A walrus on the pier" }, { text: "Rain" }));
    const { filtered_memories } = await search("walrus", { memory_settings: { max_memories: 1 } });
    expect(filtered_memories[0].memory.access_count).toBe(0);
    const used = await Promise.all(ids.map(async (id) => (await get(id)).access_count));
    expect(used.toSorted()).toEqual([0, 0, 1]);
    const kept = await get(filtered_memories[0].memory.memory_id);
    expect(Date.parse(kept.accessed_at)).toBeGreaterThanOrEqual(Date.parse(kept.created_at));
  });

  it("counts as none with update_access false", async () => {
    const { list, search } = await newSearch({ text: "A walrus" });
    const before = await list();
    expect((await search("walrus", { update_access: false })).filtered_memories).toHaveLength(1);
    expect(await list()).toEqual(before);
  });

  it("answers although the use cannot be noted", async () => {
    const { kept } = await newSearch({ text: "A walrus" });
    resetFaults();
    arm("fails-before", 'update "memories" set "accessed_at_ms"');
    expect(await kept("walrus")).toEqual(["A walrus"]);
    expect(firedFaults()).toHaveLength(1);
    resetFaults();
  });
});

describe("collection-search, context", () => {
  it("tells the kept memories in the order of time, and what was searched", async () => {
    const { search, collectionId } = await newSearch(
      { text: "The walrus came back", occurred_at: "2004-03-01T00:00:00Z" },
      { text: "A walrus came", occurred_at: "2003-03-01T00:00:00Z" },
      { text: "Rain" },
    );
    const body = await search("walrus");
    expect(body.context).toBe("[2003-03-01] A walrus came\n[2004-03-01] The walrus came back");
    expect(body.context_chunks.map((chunk: { text: string }) => chunk.text).join("\n")).toBe(body.context);
    const ids = body.filtered_memories.map(({ memory }: Found) => memory.memory_id);
    expect(ids).toEqual(expect.arrayContaining(body.context_chunks.map((c: { memory_id: string }) => c.memory_id)));
    expect(body.collection_summary).toEqual({
      collections: [
        { collection_id: collectionId, name: "Summers at the harbour", memory_count: 3, candidates: 2, found: 2 },
      ],
      memory_count: 3,
      candidates: 2,
      earliest_at: "2003-03-01T00:00:00.000Z",
      latest_at: "2004-03-01T00:00:00.000Z",
    });
  });

  it("leaves out of the context what does not fit its budget", async () => {
    const { search } = await newSearch({ text: "A walrus" }, { text: `The walrus ${"slept and ".repeat(40)}slept` });
    const { context, filtered_memories } = await search("walrus", { context_token_budget: 10 });
    expect(filtered_memories).toHaveLength(2);
    expect(context).toBe("A walrus");
  });
});

describe("collection-search, refusals", () => {
  it.each<[string, object, string]>([
    ["no query", {}, "/query"],
    ["an empty query", { query: "" }, "/query"],
    ["all alphas 0", { query: "x", memory_settings: { relevance_alpha: 0, ...BY_RELEVANCE } }, "/memory_settings"],
    ["a strange setting", { query: "x", memory_settings: { top_k_vectors: 201 } }, "/memory_settings/top_k_vectors"],
    ["a strange filter", { query: "x", filters: { kind: "x" } }, "/filters/kind"],
    ["a time that is none", { query: "x", filters: { occurred_after: "soon" } }, "/filters/occurred_after"],
    ["an importance out of range", { query: "x", filters: { importance_min: 11 } }, "/filters/importance_min"],
    ["metadata that is no scalar", { query: "x", filters: { metadata: { a: [1] } } }, "/filters/metadata/a"],
    ["a budget below 0", { query: "x", context_token_budget: -1 }, "/context_token_budget"],
  ])("refuses %s, and points to it", async (_, body, pointer) => {
    const { post } = await newSearch();
    const answer = await post(body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map((fault: { pointer: string }) => fault.pointer)).toContain(pointer);
  });

  it("answers one 404 to every id that is not the caller's", async () => {
    const { key } = await newTenant();
    for (const id of unknownIds("collection")) {
      const { status, body } = await call("POST", `/v1/collections/${encodeURIComponent(id)}/search`, {
        key,
        body: { query: "x" },
      });
      expect([status, body.code]).toEqual([404, "collection-not-found"]);
    }
  });
});
