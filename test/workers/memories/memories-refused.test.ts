import { describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { idsOf, many, newCase, resultsOf, verdictsOf } from "../../support/memories";
import { addMemories, markDeleted, newAgent, newCollection, sorted, unknownIds } from "../../support/nouns";

describe("collection-memories-create", () => {
  it("refuses each memory that has faults, with pointers from the root, and keeps the others", async () => {
    const { add, list } = await newCase();
    const answer = await add(
      { text: "good" },
      { text: "x".repeat(8_001), importance: 11, colour: "red" },
      "no object",
      { text: "", type: "dream", occurred_at: "yesterday", external_id: "e".repeat(201), memo: "m".repeat(2_001) },
      { text: "x".repeat(8_000), vector_text: "x".repeat(8_001) },
      { text: "x".repeat(8_000), occurred_at: "2003-02-30T00:00:00Z" },
      { text: "good too", occurred_at: null, memo: null },
    );
    expect(answer.status).toBe(201);
    expect(verdictsOf(answer)).toEqual(["created", ...Array.from({ length: 5 }, () => "refused"), "created"]);
    const pointers = resultsOf(answer).map(({ problem }) =>
      sorted(problem?.errors.map(({ pointer }) => pointer) ?? []),
    );
    expect(pointers).toEqual([
      [],
      ["/memories/1/colour", "/memories/1/importance", "/memories/1/text"],
      ["/memories/2"],
      [3].flatMap((i) => ["external_id", "memo", "occurred_at", "text", "type"].map((f) => `/memories/${i}/${f}`)),
      ["/memories/4/vector_text"],
      ["/memories/5/occurred_at"],
      [],
    ]);
    expect(resultsOf(answer)[1]?.problem).toMatchObject({ code: "validation-failed", status: 422, retryable: false });
    expect(await list()).toHaveLength(2);
  });

  it("refuses agents and children that are unknown, foreign or of a wrong form with one answer, and deleted ones", async () => {
    const { add, key, collectionId } = await newCase();
    const other = await newCase();
    const agents = [(await newAgent(other.key)).agent_id, ...unknownIds("agent")];
    const { collection_id: nextDoor } = await newCollection(key);
    const elsewhere = idsOf(await addMemories(key, nextDoor, [{ text: "next door" }]))[0];
    const children = [elsewhere, idsOf(await other.add({ text: "foreign" }))[0], ...unknownIds("memory")];
    const answer = await add(
      { text: "good" },
      ...agents.map((agent_id, i) => ({ text: `agent ${i}`, agent_id })),
      ...children.map((id, i) => ({ text: `child ${i}`, child_memory_ids: [id] })),
    );
    const [good, ...bad] = resultsOf(answer);
    expect(good?.verdict).toBe("created");
    const codes = bad.map(({ problem }) => problem?.code);
    expect(codes).toEqual([...agents.map(() => "agent-not-found"), ...children.map(() => "memory-not-found")]);
    expect(bad[0]?.problem?.errors[0]?.pointer).toBe("/memories/1/agent_id");
    expect(bad.at(-1)?.problem?.errors[0]?.pointer).toBe(`/memories/${bad.length}/child_memory_ids/0`);

    const { agent_id } = await newAgent(key);
    await call("DELETE", `/v1/agents/${agent_id}`, { key });
    await markDeleted("memories", String(good?.memory_id));
    const child_memory_ids = [good?.memory_id];
    const deleted = await addMemories(key, collectionId, [
      { text: "1", agent_id },
      { text: "2", child_memory_ids },
      { text: "3" },
    ]);
    const after = resultsOf(deleted).map(({ problem }) => problem?.code);
    expect(after).toEqual(["agent-deleted", "memory-deleted", undefined]);
  });

  it("answers 422 for all, with every fault, when every memory is refused", async () => {
    const { add, count } = await newCase();
    const { status, body } = await add({ text: "" }, { text: "a", agent_id: "x" }, {});
    expect(status).toBe(422);
    expect(body.code).toBe("validation-failed");
    expect(body.errors.map((fault: { pointer: string }) => fault.pointer)).toEqual([
      "/memories/0/text",
      "/memories/1/agent_id",
      "/memories/2/text",
    ]);
    expect(await count()).toBe(0);
  });

  it("answers 422 for all when the envelope is wrong, and writes nothing", async () => {
    const { key, collectionId, count, add } = await newCase();
    const path = `/v1/collections/${collectionId}/memories`;
    const good = { text: "good" };
    for (const body of [{}, { memories: good }, { memories: [] }, { memories: [good], more: 1 }, []])
      expect([body, (await call("PUT", path, { key, body })).status]).toEqual([body, 422]);
    const tooMany = await add(...many(101));
    expect([tooMany.status, tooMany.body.errors[0].pointer]).toEqual([422, "/memories"]);
    expect(await count()).toBe(0);
  });

  it("refuses a body over 8 MiB", async () => {
    const { key, collectionId } = await newCase();
    const body = JSON.stringify({ memories: [{ text: "a", memo: "x".repeat(8_388_608) }] });
    const answer = await call("PUT", `/v1/collections/${collectionId}/memories`, { key, body });
    expect(answer).toMatchObject({ status: 413, body: { code: "body-too-large" } });
  });
});
