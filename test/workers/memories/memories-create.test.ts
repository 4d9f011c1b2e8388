import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { idsOf, newCase, resultsOf, verdictsOf } from "../../support/memories";
import { addMemories, newAgent, newCollection } from "../../support/nouns";

describe("collection-memories-create", () => {
  it("answers 201 with a verdict each, in the order sent, and keeps what was given", async () => {
    const { add, get, collectionId, key } = await newCase();
    const agent = await newAgent(key);
    const child = idsOf(await add({ text: "Pavel paid." }))[0];
    const given = {
      text: "On 14 July 2003 Marta sold 3 boats. 🚣 “Zwölf”",
      vector_text: "boats sold",
      type: "integration",
      importance: 9,
      memo: "tape 2",
      metadata: { tape: { side: "B" } },
      occurred_at: "2003-07-14T11:30:00+02:00",
      agent_id: agent.agent_id,
      child_memory_ids: [child],
      external_id: "2/17",
    };
    const answer = await add(given, { text: "Pavel never learned to swim." });
    expect(answer.status).toBe(201);
    expect(answer.body.results).toEqual([
      { index: 0, verdict: "created", memory_id: expect.stringMatching(/^memory_[0-9a-f]{32}$/), problem: null },
      { index: 1, verdict: "created", memory_id: expect.stringMatching(/^memory_[0-9a-f]{32}$/), problem: null },
    ]);
    expect(await get(idsOf(answer)[0])).toEqual({
      ...given,
      occurred_at: "2003-07-14T09:30:00.000Z",
      memory_id: idsOf(answer)[0],
      collection_id: collectionId,
      created_at: expect.any(String),
      accessed_at: null,
      access_count: 0,
      source: null,
      deleted: false,
    });
    expect(await get(idsOf(answer)[1])).toMatchObject({
      vector_text: null,
      type: "observation",
      importance: 5,
      memo: null,
      metadata: {},
      occurred_at: null,
      agent_id: null,
      child_memory_ids: [],
      external_id: null,
    });
  });

  it("skips what is there already, with its id, and answers 200", async () => {
    const { add, list, count } = await newCase();
    const memories = [{ text: "a" }, { text: "b", external_id: "b", metadata: { x: 1, y: 2 } }];
    const first = await add(...memories);
    const before = await list();
    const second = await add({ text: "a" }, { text: "b", external_id: "b", metadata: { y: 2, x: 1 } });
    expect(second.status).toBe(200);
    expect(verdictsOf(second)).toEqual(["skipped", "skipped"]);
    expect(idsOf(second)).toEqual(idsOf(first));
    expect(await list()).toEqual(before);
    expect(await count()).toBe(2);
  });

  it("updates a known external id as a whole, and its neighbours not", async () => {
    const { add, get, count } = await newCase();
    const [changes, stays] = idsOf(
      await add({ text: "old", importance: 9, memo: "m", external_id: "1" }, { text: "other", external_id: "2" }),
    );
    const neighbour = await get(stays);
    const before = await get(changes);
    const answer = await add({ text: "new", external_id: "1" });
    expect([answer.status, verdictsOf(answer), idsOf(answer)]).toEqual([200, ["updated"], [changes]]);
    expect(await get(changes)).toEqual({ ...before, text: "new", importance: 5, memo: null });
    expect(await get(stays)).toEqual(neighbour);
    expect(await count()).toBe(2);
  });

  it("tells memories without an external id apart by text, type, time and agent, and by no more", async () => {
    const { add, key } = await newCase();
    const { agent_id } = await newAgent(key);
    const base = { text: "Same words." };
    const answer = await add(
      base,
      { ...base, type: "integration" },
      { ...base, occurred_at: "2003-07-14T09:30:00Z" },
      { ...base, agent_id },
      { ...base, external_id: "1" },
      { ...base, occurred_at: "2003-07-14T11:30:00+02:00", importance: 9, memo: "same time", metadata: { a: 1 } },
    );
    const created = ["created", "created", "created", "created", "created"];
    expect(verdictsOf(answer)).toEqual([...created, "skipped"]);
    expect(idsOf(answer)[5]).toBe(idsOf(answer)[2]);
  });

  it("skips the second of two equal memories in one call, and shows the first one's id", async () => {
    const { add, count } = await newCase();
    const answer = await add(
      { text: "a" },
      { text: "a" },
      { text: "b", external_id: "1" },
      { text: "b", external_id: "1" },
    );
    expect(verdictsOf(answer)).toEqual(["created", "skipped", "created", "skipped"]);
    expect(idsOf(answer)[1]).toBe(idsOf(answer)[0]);
    expect(idsOf(answer)[3]).toBe(idsOf(answer)[2]);
    expect(await count()).toBe(2);
  });

  it("refuses the second of two contents under one external id in one call", async () => {
    const { add, list } = await newCase();
    const answer = await add({ text: "a", external_id: "1" }, { text: "b", external_id: "1" });
    expect(verdictsOf(answer)).toEqual(["created", "refused"]);
    expect(resultsOf(answer)[1]?.problem?.errors[0]?.pointer).toBe("/memories/1/external_id");
    expect((await list()).map((memory: { text: string }) => memory.text)).toEqual(["a"]);
  });

  it("keeps one external id apart in two collections", async () => {
    const { add, key } = await newCase();
    const { collection_id } = await newCollection(key);
    await add({ text: "a", external_id: "1" });
    expect(verdictsOf(await addMemories(key, collection_id, [{ text: "b", external_id: "1" }]))).toEqual(["created"]);
  });

  it("keeps the word index in step with an update", async () => {
    const { add, collectionId } = await newCase();
    await add({ text: "the lighthouse burned", external_id: "1" });
    await add({ text: "the windmill turned", external_id: "1" });
    const hits = async (word: string) => {
      const query = env.DB.prepare("SELECT count(*) AS n FROM memory_words WHERE memory_words MATCH ?");
      return query.bind(`scope : "${collectionId.slice("collection_".length)}" AND words : ${word}`).first("n");
    };
    expect([await hits("lighthouse"), await hits("windmill")]).toEqual([0, 1]);
  });
});
