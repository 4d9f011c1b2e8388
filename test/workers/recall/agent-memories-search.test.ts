import { describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { fill } from "../../support/collection-files";
import { addMemories, markDeleted, newAgent, newCollection, newTenant, unknownIds } from "../../support/nouns";

type Found = { memory: { text: string; collection_id: string } };

async function newScene(settings: object = {}) {
  const { key } = await newTenant();
  const agent = (await newAgent(key, { memory_settings: settings })).agent_id;
  const post = (body: object) => call("POST", `/v1/agents/${agent}/memories/search`, { key, body });
  return {
    key,
    agent,
    post,
    bound: async (...texts: string[]) => {
      const id = (await newCollection(key)).collection_id;
      if (texts.length > 0)
        await addMemories(
          key,
          id,
          texts.map((text) => ({ text })),
        );
      await call("PATCH", `/v1/agents/${agent}/collections/${id}/bind`, { key });
      return id as string;
    },
    texts: async (query: string, more: object = {}) => {
      const { body } = await post({ query, ...more });
      return body.all_memories.map(({ memory }: Found) => memory.text).toSorted() as string[];
    },
  };
}

describe("agent-memories-search", () => {
  it("finds what all bound collections hold, and in which", async () => {
    const { bound, post, key } = await newScene();
    const [one, two] = [await bound("A walrus came"), await bound("The walrus went")];
    await addMemories(key, (await newCollection(key)).collection_id, [{ text: "An unbound walrus" }]);
    const { status, body } = await post({ query: "walrus" });
    expect(status).toBe(200);
    const found = body.filtered_memories.map(({ memory }: Found) => [memory.text, memory.collection_id]);
    expect(new Map(found)).toEqual(
      new Map([
        ["A walrus came", one],
        ["The walrus went", two],
      ]),
    );
    const { collections, ...sums } = body.collection_summary;
    expect(collections.map((each: { collection_id: string }) => each.collection_id).toSorted()).toEqual(
      [one, two].toSorted(),
    );
    expect(sums).toMatchObject({ memory_count: 2, candidates: 2 });
  });

  it("asks top_k_vectors of each collection", async () => {
    const { bound, texts } = await newScene();
    await bound("walrus a", "walrus b");
    await bound("walrus c", "walrus d");
    expect(await texts("walrus", { memory_settings: { top_k_vectors: 1 } })).toHaveLength(2);
  });

  it("asks less of each of many collections, so that one answer of the database has room for all", async () => {
    const { bound, texts } = await newScene();
    const most = { memory_settings: { top_k_vectors: 200 }, update_access: false };
    await fill(await bound(), 200);
    expect(await texts("memory", most)).toHaveLength(200);
    for (let more = 0; more < 10; more += 1) await bound();
    expect(await texts("memory", most)).toHaveLength(Math.floor(2_000 / 11));
  });

  it("takes from the agent's own settings what the body does not give", async () => {
    const { bound, post } = await newScene({ max_memories: 1, min_score: 0.01 });
    await bound("walrus a", "walrus b", "walrus c");
    const kept = async (body: object) => (await post({ query: "walrus", ...body })).body.filtered_memories.length;
    expect(await kept({})).toBe(1);
    expect(await kept({ memory_settings: { recency_alpha: 0 } })).toBe(1);
    expect(await kept({ memory_settings: { max_memories: 2 } })).toBe(2);
  });

  it("refuses alphas that are all 0 only together with the agent's own", async () => {
    const { post } = await newScene({ relevance_alpha: 0, importance_alpha: 0 });
    const { status, body } = await post({ query: "walrus", memory_settings: { recency_alpha: 0, relevance_alpha: 0 } });
    expect(status).toBe(422);
    expect(body.errors[0].pointer).toBe("/memory_settings");
  });

  it("no longer finds what is in a deleted or an unbound collection", async () => {
    const { bound, texts, key, agent } = await newScene();
    const [gone, unbound] = [await bound("A walrus gone"), await bound("A walrus unbound")];
    await bound("A walrus");
    await markDeleted("collections", gone);
    await call("PATCH", `/v1/agents/${agent}/collections/${unbound}/unbind`, { key });
    expect(await texts("walrus")).toEqual(["A walrus"]);
  });

  it("finds nothing for an agent without collections", async () => {
    const { post } = await newScene();
    const { status, body } = await post({ query: "walrus" });
    expect(status).toBe(200);
    expect(body).toMatchObject({ all_memories: [], filtered_memories: [], collection_summary: { collections: [] } });
  });

  it("answers one 404 to every id that is not the caller's, and 410 to a deleted agent", async () => {
    const { key, agent } = await newScene();
    const other = await newScene();
    for (const id of [...unknownIds("agent"), other.agent]) {
      const answer = await call("POST", `/v1/agents/${encodeURIComponent(id)}/memories/search`, {
        key,
        body: { query: "x" },
      });
      expect([answer.status, answer.body.code]).toEqual([404, "agent-not-found"]);
    }
    await call("DELETE", `/v1/agents/${agent}`, { key });
    const deleted = await call("POST", `/v1/agents/${agent}/memories/search`, { key, body: { query: "x" } });
    expect([deleted.status, deleted.body.code]).toEqual([410, "agent-deleted"]);
  });
});
