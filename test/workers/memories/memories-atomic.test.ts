import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../../src/data/database/database";
import type { MemoryContent } from "../../../src/domain/memories/memory";
import { openServices } from "../../../src/runtime/composition";
import type { CallContext } from "../../../src/services/context";
import { createMemories } from "../../../src/services/memories/memories";
import { succeed } from "../../../src/services/errors/outcome";
import type { Answer } from "../../support/api";
import { idsOf, many, newCase, resultsOf, verdictsOf } from "../../support/memories";
import { addMemories, markDeleted, newTenant, sorted } from "../../support/nouns";

/** A caller of the service itself, whose database does `batch` in its own way. */
async function callerWith(collectionId: string, batch: D1Database["batch"]): Promise<CallContext> {
  const query = env.DB.prepare("SELECT namespace_id FROM collections WHERE id = ?").bind(collectionId);
  const namespaceId = String(await query.first("namespace_id"));
  const binding = new Proxy(env.DB, {
    get: (db, name) => (name === "batch" ? batch : Reflect.get(db, name, db).bind?.(db)),
  });
  const db = openDatabase(binding);
  return { ...openServices(env), log: () => {}, db, namespaceId, keyId: "key_test", admin: false };
}

const PLAIN: MemoryContent = {
  text: "plain",
  vectorText: null,
  type: "observation",
  importance: 5,
  memo: null,
  metadata: {},
  occurredAtMs: null,
  agentId: null,
  childMemoryIds: [],
  externalId: null,
};

const longText = (i: number) => `${i} `.padEnd(8_000, "漢");

describe("collection-memories-create", () => {
  it("stores 100 of the longest memories that the limits allow", async () => {
    const { add, count, get } = await newCase();
    const memories = Array.from({ length: 100 }, (_, i) => ({ text: longText(i), vector_text: "😀".repeat(100) }));
    const answer = await add(...memories);
    expect([answer.status, await count()]).toEqual([201, 100]);
    expect((await get(idsOf(answer)[99])).text).toBe(longText(99));
    expect(new Set(verdictsOf(await add(...memories)))).toEqual(new Set(["skipped"]));
  });

  it("makes each memory once when the same call is sent ten times at once, and counts right", async () => {
    const { add, list, count } = await newCase();
    const memories = [...many(30), ...Array.from({ length: 30 }, (_, i) => ({ text: `plain ${i}` }))];
    const answers = await Promise.all(Array.from({ length: 10 }, () => add(...memories)));
    const first = idsOf(answers[0] as Answer);
    expect(new Set(first).size).toBe(60);
    for (const answer of answers) expect(idsOf(answer)).toEqual(first);
    const created = answers.flatMap(verdictsOf).filter((verdict) => verdict === "created");
    expect(created).toHaveLength(60);
    expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThan(0);
    expect(await list()).toHaveLength(60);
    expect(await count()).toBe(60);
  });

  it("counts right when different calls overlap", async () => {
    const { add, count } = await newCase();
    const slices = Array.from({ length: 8 }, (_, i) => many(60).slice(i * 5, i * 5 + 20));
    await Promise.all(slices.map((memories) => add(...memories)));
    expect(await count()).toBe(55);
  });

  it("writes nothing into a collection that is deleted, foreign or not there", async () => {
    const { add, collectionId, count } = await newCase();
    const { key } = await newTenant();
    expect((await addMemories(key, collectionId, [{ text: "a" }])).status).toBe(404);
    expect((await addMemories(key, "no-id-of-ours", [{ text: "a" }])).status).toBe(404);
    expect(await count()).toBe(0);
    await markDeleted("collections", collectionId);
    expect((await add({ text: "a" })).status).toBe(410);
    const rows = await env.DB.prepare("SELECT id FROM memories WHERE collection_id = ?").bind(collectionId).all();
    expect(rows.results).toEqual([]);
  });

  it("says that sending again is safe when the database lost its answer, and stores nothing twice then", async () => {
    const { collectionId, add, count } = await newCase();
    const ctx = await callerWith(collectionId, async (statements) => {
      await env.DB.batch(statements);
      throw new Error("D1_ERROR: the connection was lost");
    });
    await expect(createMemories(ctx, collectionId, [succeed(PLAIN)])).rejects.toMatchObject({
      value: { kind: "unavailable", code: "write-unconfirmed" },
    });
    expect(verdictsOf(await add({ text: "plain" }))).toEqual(["skipped"]);
    expect(await count()).toBe(1);
  });

  it("writes nothing when the collection is deleted between the checks and the write", async () => {
    const { collectionId } = await newCase();
    const ctx = await callerWith(collectionId, async (statements) => {
      await markDeleted("collections", collectionId);
      return env.DB.batch(statements);
    });
    await expect(createMemories(ctx, collectionId, [succeed(PLAIN)])).rejects.toMatchObject({
      value: { kind: "gone", code: "collection-deleted" },
    });
    const rows = await env.DB.prepare("SELECT id FROM memories WHERE collection_id = ?").bind(collectionId).all();
    expect(rows.results).toEqual([]);
  });

  it("answers so too when the memory was there before the collection was deleted", async () => {
    const { collectionId, add } = await newCase();
    await add({ text: "plain" });
    const ctx = await callerWith(collectionId, async (statements) => {
      await markDeleted("collections", collectionId);
      return env.DB.batch(statements);
    });
    const given = [succeed(PLAIN), succeed({ ...PLAIN, text: "new" })];
    await expect(createMemories(ctx, collectionId, given)).rejects.toMatchObject({
      value: { kind: "gone", code: "collection-deleted" },
    });
  });

  it("keeps order and counts under any mix of good, faulty and repeated memories", async () => {
    const faulty = [{ text: "" }, { text: 7 }, null, { text: "a", importance: 0 }, { text: "a", agent_id: "nobody" }];
    const memory = fc.oneof(
      fc.record({ text: fc.constantFrom("a", "b", "c") }),
      fc.record({ text: fc.constantFrom("a", "b"), external_id: fc.constantFrom("1", "2", "3") }),
      fc.constantFrom(...faulty),
    );
    const calls = fc.array(fc.array(memory, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(calls, async (bodies) => {
        const { add, list, count } = await newCase();
        const created: (string | null)[] = [];
        for (const memories of bodies) {
          const answer = await add(...memories);
          const allFaulty = memories.every((given) => faulty.some((fault) => fault === given));
          const results = allFaulty ? [] : resultsOf(answer);
          const fresh = results.filter(({ verdict }) => verdict === "created").map((result) => result.memory_id);
          expect(answer.status).toBe(allFaulty ? 422 : fresh.length > 0 ? 201 : 200);
          expect(results.map(({ index }) => index)).toEqual(allFaulty ? [] : memories.map((_, index) => index));
          for (const { verdict, memory_id, problem } of results) {
            expect(memory_id === null).toBe(verdict === "refused");
            expect(problem === null).toBe(verdict !== "refused");
          }
          created.push(...fresh);
        }
        expect(new Set(created).size).toBe(created.length);
        const listed = (await list()).map((item: { memory_id: string }) => item.memory_id);
        expect(sorted(listed)).toEqual(sorted(created));
        expect(await count()).toBe(created.length);
      }),
      { numRuns: 25 },
    );
  });
});
