import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { newCase } from "../../support/memories";

interface Sizes {
  readonly memories: number;
  readonly characters: number;
}

const NONE: Sizes = { memories: 0, characters: 0 };

/** What the triggers keep, and what they should: the same counted anew. */
async function kept(collectionId: string) {
  const columns = "memories, characters";
  const counted = `count(*) AS memories, coalesce(sum(length(text) + coalesce(length(vector_text), 0)), 0) AS characters`;
  const [own, all] = await env.DB.batch<Sizes>([
    env.DB.prepare(`SELECT ${columns} FROM collection_texts WHERE collection_id = ?`).bind(collectionId),
    env.DB.prepare(`SELECT ${counted} FROM memories WHERE collection_id = ? AND deleted_at_ms IS NULL`).bind(
      collectionId,
    ),
  ]);
  return { own: own?.results[0] ?? NONE, all: all?.results[0] };
}

const run = (sql: string, ...values: unknown[]) =>
  env.DB.prepare(sql)
    .bind(...values)
    .run();

describe("collection-texts", () => {
  it("follow every write: an add, an update, a soft deletion, its undoing, and a removal", async () => {
    const { add, collectionId } = await newCase();
    const steps = [
      () => add({ text: "one", external_id: "1" }, { text: "two, ü", vector_text: "zwei", external_id: "2" }),
      () => add({ text: "one, longer", external_id: "1" }),
      () => run("UPDATE memories SET deleted_at_ms = 1 WHERE collection_id = ? AND external_id = '1'", collectionId),
      () => run("UPDATE memories SET text = 'unseen' WHERE collection_id = ? AND external_id = '1'", collectionId),
      () => run("UPDATE memories SET deleted_at_ms = NULL WHERE collection_id = ?", collectionId),
      () => run("DELETE FROM memories WHERE collection_id = ? AND external_id = '1'", collectionId),
    ];
    const sizes: unknown[] = [];
    for (const step of steps) {
      await step();
      const { own, all } = await kept(collectionId);
      expect(own).toEqual(all);
      sizes.push(own.memories);
    }
    expect(sizes).toEqual([2, 2, 1, 1, 2, 1]);
  });

  it("leave no row behind for a collection without memories", async () => {
    const { add, collectionId } = await newCase();
    await add({ text: "one" });
    await run("DELETE FROM memories WHERE collection_id = ?", collectionId);
    const row = await env.DB.prepare("SELECT * FROM collection_texts WHERE collection_id = ?")
      .bind(collectionId)
      .first();
    expect(row).toBeNull();
  });

  it.each(["all at once", "one by one"])("leave none when what was deleted softly goes for good, %s", async (how) => {
    const { add, key, collectionId } = await newCase();
    const { results } = (await add({ text: "one" }, { text: "two" })).body;
    const own = `/v1/collections/${collectionId}/memories`;
    const paths =
      how === "all at once" ? [own] : results.map((each: { memory_id: string }) => `${own}/${each.memory_id}`);
    for (const path of paths) await call("DELETE", path, { key });
    expect((await kept(collectionId)).own).toEqual(NONE);
    for (const path of paths) expect((await call("DELETE", `${path}?hard=true`, { key })).status).toBe(204);
    const left = await env.DB.prepare("SELECT * FROM collection_texts WHERE collection_id = ?")
      .bind(collectionId)
      .all();
    expect(left.results).toEqual([]);
  });
});
