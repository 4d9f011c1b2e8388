import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/data/database";
import { ROWS_PER_BATCH_MAX } from "../../src/data/memory-word-store";
import { memories } from "../../src/data/schema";
import { newId } from "../../src/domain/ids";
import { DEFAULT_MEMORY_SETTINGS, type MemorySettings } from "../../src/domain/memory-settings";
import { recallForMemories, type RecalledMemory } from "../../src/services/recall";
import { ensureCollection, newPlace, type Place } from "../support/memories";

const NOW_MS = Date.UTC(2026, 10, 1);
const db = openDatabase(env.DB);

type Row = typeof memories.$inferInsert;
type Given = Partial<Row> & { readonly text: string };

const textsOf = (recalled: readonly RecalledMemory[]) => recalled.map(({ text }) => text);
const dayMs = (daysAgo: number) => NOW_MS - daysAgo * 86_400_000;
const rowsAt = ({ collectionId }: Place) => db.select().from(memories).where(eq(memories.collectionId, collectionId));
const removal = (row: Row) => db.update(memories).set({ deletedAtMs: 1 }).where(eq(memories.id, row.id));

/** Stores memories with these texts and answers their rows. */
async function remember(place: Place, first: Given | string, ...rest: (Given | string)[]): Promise<[Row, ...Row[]]> {
  const rowOf = (given: Given | string): Row => ({
    type: "observation",
    importance: 5,
    accessCount: 0,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    metadata: {},
    childMemoryIds: [],
    ...place,
    id: newId("memory"),
    ...(typeof given === "string" ? { text: given } : given),
  });
  const rows: [Row, ...Row[]] = [rowOf(first), ...rest.map(rowOf)];
  await ensureCollection(place);
  await db.batch([db.insert(memories).values(rows[0]), ...rows.slice(1).map((row) => db.insert(memories).values(row))]);
  return rows;
}

type Groups = readonly { readonly collectionIds: readonly string[]; readonly settings?: Partial<MemorySettings> }[];

function recallAll(rows: readonly Row[], groups: Groups, database = db): Promise<RecalledMemory[][][]> {
  return recallForMemories(
    { db: database },
    {
      namespaceId: rows[0]?.namespaceId ?? "",
      nowMs: NOW_MS,
      memories: rows,
      groups: groups.map((group) => ({ ...group, settings: { ...DEFAULT_MEMORY_SETTINGS, ...group.settings } })),
    },
  );
}

/** Recalls for one stored memory from its own collection. */
async function recallFor(row: Row, settings: Partial<MemorySettings> = {}): Promise<RecalledMemory[]> {
  const recalled = await recallAll([row], [{ collectionIds: [row.collectionId], settings }]);
  return recalled.flat(2);
}

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

describe("recall", () => {
  it("brings up what shares words with a memory, oldest first, and never the memory itself", async () => {
    const [self] = await remember(
      newPlace(),
      { text: "Mel adopted a grey cat in Paris", createdAtMs: 5 },
      { text: "The cats sleep on the sofa", createdAtMs: 3 },
      { text: "Paris was cold", createdAtMs: 9, occurredAtMs: 1 },
      "Nothing of the kind",
    );
    expect(textsOf(await recallFor(self))).toEqual(["Paris was cold", "The cats sleep on the sofa"]);
  });

  it("never brings up another tenant's, another collection's or a deleted memory", async () => {
    const text = "The lighthouse keeper sings at dawn";
    const mine = newPlace();
    const [self, twin] = await remember(mine, text, text, { text, deletedAtMs: 1 });
    await remember(newPlace(mine.namespaceId), text);
    await remember(newPlace(), text);
    // A row that claims this collection but belongs to another tenant, as no writer of ours makes it.
    await remember({ ...newPlace(), collectionId: mine.collectionId }, text);
    const [later] = await remember(mine, text);
    await removal(later);
    expect((await recallFor(self)).map(({ memoryId }) => memoryId)).toEqual([twin?.id]);
    expect(await recallFor({ ...self, namespaceId: newId("namespace") })).toEqual([]);
  });

  it("gives a copy the relevance 1 and less to what shares less, whatever else is found", async () => {
    const text = "Caroline painted a sunrise over the lake";
    const part = "Caroline painted the kitchen wall";
    const [self] = await remember(newPlace(), text, text, part, "The lake froze over");
    const all = await recallFor(self, { relevanceAlpha: 1, importanceAlpha: 0, recencyAlpha: 0 });
    const relevance = new Map(all.map((memory) => [memory.text, memory.relevance]));
    expect(relevance.get(text)).toBeCloseTo(1, 9);
    expect(relevance.get(part)).toBeLessThan(0.9);
    // One of its four words. With the collection's own token counted in, it would be near a half.
    expect(relevance.get("The lake froze over")).toBeCloseTo(0.28, 1);
    expect(all.map(({ score }) => score)).toEqual(all.map((memory) => memory.relevance));
    const alone = await recallFor(self, { topKVectors: 1 });
    expect(alone.map((memory) => memory.relevance)).toEqual([relevance.get(text)]);
  });

  it("recalls nothing for a memory of stop words, without words, or gone from the index", async () => {
    const place = newPlace();
    const stored = await remember(place, "A violin", "It was what it was.", "It was what it was.", "🎉", "A violin");
    const recalled = await recallAll(stored, [{ collectionIds: [place.collectionId] }]);
    expect(recalled.map((groups) => groups.flat().length)).toEqual([1, 0, 0, 0, 1]);
    await removal(stored[0]);
    expect(await recallFor(stored[0])).toEqual([]);
  });

  it("writes nothing: neither accessed_at nor access_count moves", async () => {
    const place = newPlace();
    const [self] = await remember(place, "A red kite", { text: "The kite flew", accessedAtMs: 7, accessCount: 2 });
    const before = await rowsAt(place);
    expect(await recallFor(self)).toHaveLength(1);
    expect(await rowsAt(place)).toEqual(before);
  });
});

describe("recall, memory settings", () => {
  const place = newPlace();
  const [first, copy] = ["Nate won a video game tournament again", "Nate won a video game tournament, again"];
  const [lost, camera] = ["Nate lost a video game", "Nate bought a video camera"];
  let self: Row;
  beforeAll(async () => {
    [self] = await remember(
      place,
      "Nate won the video game tournament",
      { text: first, importance: 2, createdAtMs: dayMs(30) },
      { text: lost, importance: 10, createdAtMs: dayMs(20) },
      { text: camera, importance: 1, createdAtMs: dayMs(90), accessedAtMs: dayMs(1) },
      { text: copy, importance: 1, createdAtMs: dayMs(40) },
    );
  });

  it.each<[string, Partial<MemorySettings>, string[]]>([
    ["nothing when not enabled", { enabled: false }, []],
    ["nothing with max_memories 0", { maxMemories: 0 }, []],
    ["all by default, oldest first", {}, [camera, copy, first, lost]],
    ["the best top_k_vectors by words alone", { topKVectors: 2 }, [copy, first]],
    ["by relevance_alpha", { maxMemories: 2, importanceAlpha: 0, recencyAlpha: 0 }, [copy, first]],
    ["by importance_alpha", { maxMemories: 1, relevanceAlpha: 0, recencyAlpha: 0 }, [lost]],
    ["by recency_alpha, since the last access", { maxMemories: 1, relevanceAlpha: 0, importanceAlpha: 0 }, [camera]],
    ["from min_score on", { minScore: 0.75, importanceAlpha: 0, recencyAlpha: 0 }, [copy, first]],
    ["by highest_score", { maxMemories: 2, maxMemoryStrategy: "highest_score", recencyAlpha: 0 }, [first, lost]],
    ["by most_relevant", { maxMemories: 2, maxMemoryStrategy: "most_relevant" }, [copy, first]],
    ["by most_important", { maxMemories: 1, maxMemoryStrategy: "most_important" }, [lost]],
    ["by most_recent", { maxMemories: 1, maxMemoryStrategy: "most_recent" }, [camera]],
    ["by diverse", { maxMemories: 2, maxMemoryStrategy: "diverse" }, [camera, lost]],
  ])("keeps %s", async (_, settings, expected) => {
    expect(textsOf(await recallFor(self, settings))).toEqual(expected);
  });

  it("asks top_k_vectors of each collection, and counts a memory once that is reached twice", async () => {
    const other = newPlace(place.namespaceId);
    await remember(other, "Nate won a tournament", "Nate likes a video game");
    const collectionIds = [place.collectionId, other.collectionId, place.collectionId];
    const groups = [1, 2].map((topKVectors) => ({ collectionIds, settings: { topKVectors } }));
    expect((await recallAll([self], groups)).flat().map(({ length }) => length)).toEqual([2, 4]);
  });
});

describe("recall, hostile and foreign texts", () => {
  const hostile = [
    '" OR scope:* ") OR words : ("a',
    "NEAR(secret lighthouse, 2) {scope words} : secret ^secret + lighthouse",
    "'; DROP TABLE memories; --",
    '"',
    "🎉👨‍👩‍👧",
    "\u0000 secret \uFFFF \uD800",
    "secret ".repeat(1_143),
    Array.from({ length: 1_300 }, (_, index) => `w${index}`).join(" "),
    '"'.repeat(8_000),
    "x".repeat(8_000),
  ];
  const syntax = `" ( ) * : ^ + - ' { } OR AND NOT NEAR scope words secret plain`.split(" ");
  const anyText = fc.oneof(
    fc.constantFrom(...hostile),
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.array(fc.constantFrom(...syntax)).map((parts) => parts.join(" ")),
  );

  it("neither fails on them nor finds what is not the caller's", async () => {
    const [self, other] = await remember(newPlace(), "A plain memory of a secret", "A secret lighthouse");
    await remember(newPlace(), "A secret lighthouse", ...hostile);
    const finds = async (text: string) => (await recallFor({ ...self, text })).map(({ memoryId }) => memoryId);
    const check = fc.asyncProperty(anyText, async (text) => {
      expect([[], [other?.id]]).toContainEqual(await finds(text));
    });
    await fc.assert(check, { numRuns: 200, examples: hostile.map((text) => [text]) });
    expect(await finds("NEAR(secret lighthouse, 2)")).toEqual([other?.id]);
  });

  it.each([
    "Café crème at Zürich's ÎLE",
    "İstanbul ve ILIK çay, Việt Nam ế",
    "ΟΔΟΣ και Σίσυφος, Ёлка и чай",
    "हिन्दी किताबें ภาษาไทย",
    "東京に行った。楽しかった",
    "Straße ﬁnd Ⅷ ½ x²",
    "O’Brien rock'n'roll 7pm 3.14 e\u0301cole nai\u0308ve",
  ])("splits and folds words as the index does: %j finds its copy, and copies of each of its words", async (text) => {
    const words = text.split(/\s+/u);
    const [self] = await remember(newPlace(), text, text, ...words);
    const found = await recallFor(self);
    expect(found.find((memory) => memory.text === text)?.relevance).toBeCloseTo(1, 9);
    expect(textsOf(found)).toEqual(expect.arrayContaining(words.filter((word) => word.length > 2)));
  });
});

describe("recall, round trips", () => {
  const place = newPlace();
  const mine = [place.collectionId];
  const lessons = Array.from({ length: 39 }, (_, index) => `Cello lesson ${index}`);
  let rows: Row[];
  beforeAll(async () => {
    rows = await remember(place, "Cello lesson", ...lessons);
  });

  it("takes one for the 25 memories of a part against three collections", async () => {
    const { db, trips } = watched();
    const part = rows.slice(0, 25);
    const bound = [...mine, newId("collection"), newId("collection")];
    const recalled = await recallAll(part, [{ collectionIds: mine }, { collectionIds: bound }], db);
    expect(trips.map(({ length }) => length)).toEqual([100]);
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
    const settings = { topKVectors: 200, maxMemories: 100 };
    const recalled = await recallAll(rows, [{ collectionIds: mine, settings }], db);
    expect(trips.flat()).toHaveLength(80);
    expect(trips).toHaveLength(Math.ceil((40 * (200 + 1)) / ROWS_PER_BATCH_MAX));
    expect(recalled.map(([found]) => found?.length)).toEqual(rows.map(() => 39));
  });

  it("reads the index and then single memories, and never scans or sorts memories", async () => {
    const { db, trips } = watched();
    await recallAll(rows.slice(0, 1), [{ collectionIds: mine }], db);
    expect(trips.map(({ length }) => length)).toEqual([2]);
    for (const { sql, params } of trips.flat()) {
      const explained = env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`).bind(...params);
      const steps = (await explained.all<{ detail: string }>()).results.map(({ detail }) => detail);
      expect(steps[0]).toMatch(/^SCAN memory_words VIRTUAL TABLE INDEX \d+:.*M2/u);
      expect(steps.join("\n")).toMatch(/SEARCH memories USING (INTEGER PRIMARY KEY|INDEX memories_id)/u);
      expect(steps.join("\n")).not.toMatch(/SCAN memories|TEMP B-TREE/u);
    }
  });
});
