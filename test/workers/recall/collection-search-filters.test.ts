import { describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { newCase } from "../../support/memories";

const MEMORIES = [
  {
    text: "walrus one",
    type: "observation",
    importance: 2,
    occurred_at: "2001-01-01T00:00:00Z",
    metadata: { tape: 1 },
  },
  {
    text: "walrus two",
    type: "integration",
    importance: 5,
    occurred_at: "2002-01-01T00:00:00Z",
    metadata: { tape: "1" },
  },
  {
    text: "walrus three",
    type: "observation",
    importance: 9,
    occurred_at: "2003-01-01T00:00:00Z",
    metadata: { tape: true, by: null },
  },
  { text: "walrus four", importance: 5, metadata: { tape: { side: 1 }, by: "Marta" } },
];

async function newSearch(memories: object[] = MEMORIES) {
  const { key, collectionId, add } = await newCase();
  await add(...memories);
  return async (filters: object, more: object = {}) => {
    const body = { query: "walrus", filters, update_access: false, ...more };
    const answer = await call("POST", `/v1/collections/${collectionId}/search`, { key, body });
    expect(answer.status).toBe(200);
    const texts = answer.body.all_memories.map(({ memory }: { memory: { text: string } }) => memory.text.split(" ")[1]);
    return texts.toSorted() as string[];
  };
}

describe("collection-search, filters", () => {
  it.each<[string, object, string[]]>([
    ["nothing asked", {}, ["four", "one", "three", "two"]],
    ["a type", { type: "integration" }, ["two"]],
    ["from a time on", { occurred_after: "2003-01-01T00:00:00Z" }, ["four", "three"]],
    ["before a time", { occurred_before: "2002-01-01T00:00:00Z" }, ["one"]],
    [
      "between two times",
      { occurred_after: "2001-06-01T02:00:00+02:00", occurred_before: "2003-01-01T00:00:00Z" },
      ["two"],
    ],
    ["an importance from", { importance_min: 5 }, ["four", "three", "two"]],
    ["an importance up to", { importance_max: 5, importance_min: 3 }, ["four", "two"]],
    ["a number", { metadata: { tape: 1 } }, ["one"]],
    ["a text, which is no number", { metadata: { tape: "1" } }, ["two"]],
    ["true, which is not 1", { metadata: { tape: true } }, ["three"]],
    ["null, which is not nothing", { metadata: { by: null } }, ["three"]],
    ["a key at the top alone", { metadata: { side: 1 } }, []],
    ["several keys", { metadata: { tape: true, by: null } }, ["three"]],
    ["a key like an operator", { metadata: { "$.tape": 1, "' OR 1": 1 } }, []],
    ["several filters", { type: "observation", importance_min: 3, metadata: { by: "Marta" } }, ["four"]],
  ])("pass by %s", async (_, filters, expected) => {
    const search = await newSearch();
    expect(await search(filters)).toEqual(expected);
  });

  it("take five keys of metadata, and refuse a sixth in words that say what to do", async () => {
    const metadata = { a: 1, b: 2, c: 3, d: 4, e: 5 };
    const { key, collectionId, add } = await newCase();
    await add({ text: "walrus one", metadata: { ...metadata, f: 6 } });
    const search = (asked: object) =>
      call("POST", `/v1/collections/${collectionId}/search`, {
        key,
        body: { query: "walrus", filters: { metadata: asked } },
      });
    expect((await search(metadata)).body.all_memories).toHaveLength(1);
    const { status, body } = await search({ ...metadata, f: 6 });
    expect([status, body.code]).toEqual([422, "validation-failed"]);
    expect(body.errors).toEqual([{ pointer: "/filters/metadata", detail: "Must have at most 5 keys. Ask for fewer." }]);
  });

  it("are asked before top_k_vectors cuts, so that they never empty an answer", async () => {
    const better = Array.from({ length: 30 }, (_, i) => ({ text: `walrus ${i}`, importance: 3 }));
    const search = await newSearch([
      ...better,
      { text: "walrus last of the long line of those that swam to the pier", importance: 4 },
    ]);
    const settings = { top_k_vectors: 1, importance_alpha: 0, recency_alpha: 0 };
    expect(await search({ importance_min: 4 }, { memory_settings: settings })).toEqual(["last"]);
  });
});
