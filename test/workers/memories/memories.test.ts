import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type Answer, call } from "../../support/api";
import { idsOf, many, newCase } from "../../support/memories";
import { addMemories, markDeleted, newCollection, newTenant, problemOf, sorted, unknownIds } from "../../support/nouns";

describe("collection-memories-list", () => {
  it("shows the collection's memories once each, newest first, over pages", async () => {
    const { add, key, collectionId } = await newCase();
    const made = [idsOf(await add(...many(5))), idsOf(await add({ text: "later" }))].flat();
    const seen: string[] = [];
    for (let path: string | undefined = `/v1/collections/${collectionId}/memories?limit=2`; path !== undefined;) {
      const answer: Answer = await call("GET", path, { key });
      seen.push(...answer.body.items.map((item: { memory_id: string }) => item.memory_id));
      path = /<(.*)>; rel="next"/.exec(answer.headers.get("link") ?? "")?.[1];
    }
    expect(sorted(seen)).toEqual(sorted(made));
  });

  it("filters by type, source memory and task", async () => {
    const { add, list } = await newCase();
    const [a, b] = idsOf(await add({ text: "a" }, { text: "b", type: "integration" }));
    await env.DB.prepare("UPDATE memories SET source_memory_id = 'memory_s', task_id = 'task_t' WHERE id = ?")
      .bind(a)
      .run();
    const filtered = async (query: string) =>
      (await list(query)).map((memory: { memory_id: string }) => memory.memory_id);
    expect(await filtered("&type=integration")).toEqual([b]);
    expect(await filtered("&source_memory_id=memory_s")).toEqual([a]);
    expect(await filtered("&task_id=task_t")).toEqual([a]);
    expect(await filtered("&task_id=task_t&type=integration")).toEqual([]);
    expect((await list("&task_id=task_t"))[0].source).toEqual({ memory_id: "memory_s", task_id: "task_t" });
  });

  it("leaves deleted memories out, unless asked for them", async () => {
    const { add, list } = await newCase();
    const [stays, goes] = idsOf(await add({ text: "a" }, { text: "b" }));
    await markDeleted("memories", String(goes));
    expect((await list()).map((memory: { memory_id: string }) => memory.memory_id)).toEqual([stays]);
    expect(await list("&include_deleted=true")).toHaveLength(2);
  });

  it("answers 404 for a foreign collection and 410 for a deleted one", async () => {
    const { key, collectionId } = await newCase();
    const { key: other } = await newTenant();
    expect((await call("GET", `/v1/collections/${collectionId}/memories`, { key: other })).status).toBe(404);
    await markDeleted("collections", collectionId);
    expect((await call("GET", `/v1/collections/${collectionId}/memories`, { key })).status).toBe(410);
    const all = await call("GET", `/v1/collections/${collectionId}/memories?include_deleted=true`, { key });
    expect(all.status).toBe(200);
  });
});

describe("collection-memory-get", () => {
  it("answers the same 404 for a foreign id, one of another collection, an unknown one and one of a wrong form", async () => {
    const { key, collectionId } = await newCase();
    const other = await newCase();
    const foreign = idsOf(await other.add({ text: "foreign" }))[0];
    const { collection_id: nextDoor } = await newCollection(key);
    const elsewhere = idsOf(await addMemories(key, nextDoor, [{ text: "next door" }]))[0];
    const answers = await Promise.all(
      [foreign, elsewhere, ...unknownIds("memory")].map((id) =>
        call("GET", `/v1/collections/${collectionId}/memories/${id}`, { key }),
      ),
    );
    expect(answers[0]).toMatchObject({ status: 404, body: { code: "memory-not-found" } });
    expect(new Set(answers.map((answer) => JSON.stringify(problemOf(answer)))).size).toBe(1);
  });

  it("answers 410 for a deleted memory, and shows it with include_deleted", async () => {
    const { add, key, collectionId } = await newCase();
    const id = idsOf(await add({ text: "a" }))[0];
    await markDeleted("memories", String(id));
    const path = `/v1/collections/${collectionId}/memories/${id}`;
    expect(await call("GET", path, { key })).toMatchObject({ status: 410, body: { code: "memory-deleted" } });
    const shown = await call("GET", `${path}?include_deleted=true`, { key });
    expect(shown).toMatchObject({ status: 200, body: { memory_id: id, deleted: true } });
  });
});
