import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../../src/data/database/database";
import { findPostings } from "../../../src/data/recall/posting-store";
import { findMemoriesBySeq, ROWS_PER_BATCH_MAX } from "../../../src/data/recall/row-store";
import { newId } from "../../../src/domain/ids";
import { parseOwnJson } from "../../../src/domain/basics/own-json";
import { newPlace } from "../../support/memories";
import { recallAll, remember, type Row, rowsAt } from "../../support/recalling";

type Told = Readonly<{ sql: string; params: readonly unknown[] }>;

/** A D1 binding that can only run batches, and writes down the round trips and the statements in each. */
function watched() {
  const trips: Told[][] = [];
  const binding = {
    prepare: (sql: string) => ({ bind: (...params: unknown[]): Told => ({ sql, params }) }),
    batch(statements: Told[]) {
      trips.push(statements);
      return env.DB.batch(statements.map(({ sql, params }) => env.DB.prepare(sql).bind(...params)));
    },
  };
  return { db: openDatabase(binding as unknown as D1Database), trips };
}

describe("recall, round trips", () => {
  const place = newPlace();
  const mine = [place.collectionId];
  const lessons = Array.from({ length: 39 }, (_, index) => `Cello lesson ${index}`);
  let rows: Row[];
  beforeAll(async () => {
    rows = await remember(place, "Cello lesson", ...lessons);
  });

  it("takes two for the 25 memories of a part against three collections", async () => {
    const { db, trips } = watched();
    const part = rows.slice(0, 25);
    const bound = [...mine, newId("collection"), newId("collection")];
    const recalled = await recallAll(part, [{ collectionIds: mine }, { collectionIds: bound }], db);
    // What the index says of each collection, then the memories of the one that has any.
    expect(trips.map(({ length }) => length)).toEqual([6, 1]);
    expect(recalled.map((groups) => groups.map(({ length }) => length))).toEqual(part.map(() => [10, 10]));
    const itself = recalled.filter((groups, index) => groups.flat().some((one) => one.memoryId === part[index]?.id));
    expect(itself).toEqual([]);
  });

  it("takes none when no group asks, no memory has words, or there is no memory", async () => {
    const { db, trips } = watched();
    const off = [{ enabled: false }, { maxMemories: 0 }].map((settings) => ({ collectionIds: mine, settings }));
    expect(await recallAll(rows.slice(0, 1), off, db)).toEqual([[[], []]]);
    const [mute] = await remember(place, "It was.");
    expect(await recallAll([mute], [{ collectionIds: mine }], db)).toEqual([[[]]]);
    expect(await recallAll([], [{ collectionIds: mine }], db)).toEqual([]);
    expect(trips).toEqual([]);
  });

  it("takes more where one answer would weigh too much, and loses nothing", async () => {
    const { db, trips } = watched();
    const stored = await rowsAt(place);
    const known = new Map(stored.map(({ seq, id }) => [seq, id]));
    const last = Math.max(...known.keys());
    const absent = Array.from({ length: ROWS_PER_BATCH_MAX }, (_, index) => last + 1_000 + index);
    const [first = 0, ...others] = known.keys();
    const { namespaceId, collectionId } = place;
    const queries = [
      { collectionId, seqs: [first, ...absent] },
      { collectionId, seqs: others },
    ];
    const found = await findMemoriesBySeq(db, namespaceId, queries);
    expect(trips.map(({ length }) => length)).toEqual([1, 2]);
    expect(new Map([...found].map(([seq, { id }]) => [seq, id]))).toEqual(known);
  });

  it("asks less of each of many collections: what it looks up and reads has a bound for all together", async () => {
    const { db, trips } = watched();
    const part = rows.slice(0, 25);
    const bound = Array.from({ length: 399 }, () => newId("collection"));
    const recalled = await recallAll(part, [{ collectionIds: [...mine, ...bound] }], db);
    const [index = [], ...read] = trips;
    const asked = index.filter(({ sql }) => sql.includes("memory_words"));
    const lookedUp = asked.map(
      ({ params: [limit, groups] }) => Number(limit) * parseOwnJson<string[]>(String(groups)).length,
    );
    expect(lookedUp).toHaveLength(400);
    expect(lookedUp.reduce((sum, each) => sum + each)).toBeLessThanOrEqual(500_000);
    // Of few collections it reads all 40.
    expect(read.flat().flatMap(({ params }) => parseOwnJson<number[]>(String(params[0]))).length).toBeLessThan(
      rows.length,
    );
    expect(recalled.filter(([found = []]) => found.length === 0)).toEqual([]);
  });

  it.each([
    ["few", 10, 20_000],
    ["many", 100, 2_000],
  ])("looks through a bounded whole under a filter: %s groups of words", async (_, count, each) => {
    const { db, trips } = watched();
    const groups = Array.from({ length: count }, (__, index) => [`word${index}`]);
    await findPostings(db, [{ collectionId: place.collectionId, groups, filters: { importanceMin: 2 }, limit: 7 }]);
    const filtered = trips.flat().find(({ sql }) => sql.includes("CROSS JOIN"));
    expect(filtered?.params).toContain(each);
  });

  it("reads the index and then single memories, and never scans or sorts memories", async () => {
    const { db, trips } = watched();
    await recallAll(rows.slice(0, 1), [{ collectionIds: mine }], db);
    expect(trips.map(({ length }) => length)).toEqual([2, 1]);
    for (const { sql, params } of trips.flat()) {
      const explained = env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`).bind(...params);
      const steps = (await explained.all<{ detail: string }>()).results.map(({ detail }) => detail);
      const plan = steps.join("\n");
      expect(plan).toMatch(
        /SEARCH collection_texts|memory_words VIRTUAL TABLE INDEX|SEARCH memories USING INTEGER PRIMARY KEY/u,
      );
      expect(plan).not.toMatch(/SCAN memories|SCAN collection_texts/u);
    }
  });
});
