import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../../src/domain/ids";
import type { MemorySettings } from "../../../src/domain/recall/memory-settings";
import { newPlace } from "../../support/memories";
import { dayMs, recallAll, recallFor, remember, removal, type Row, rowsAt, textsOf } from "../../support/recalling";

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
    expect(relevance.get("The lake froze over")).toBeCloseTo(0.24, 1);
    expect(all.map(({ score }) => score)).toEqual(all.map((memory) => memory.relevance));
    const alone = await recallFor(self, { topKVectors: 1 });
    expect(alone.map((memory) => memory.relevance)).toEqual([relevance.get(text)]);
  });

  it("recalls nothing for a memory of stop words or without words", async () => {
    const place = newPlace();
    const stored = await remember(place, "A violin", "It was what it was.", "It was what it was.", "🎉", "A violin");
    const recalled = await recallAll(stored, [{ collectionIds: [place.collectionId] }]);
    expect(recalled.map((groups) => groups.flat().length)).toEqual([1, 0, 0, 0, 1]);
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
    ["by highest_score", { maxMemories: 2, importanceAlpha: 1, recencyAlpha: 0 }, [first, lost]],
    ["by most_relevant", { maxMemories: 2, maxMemoryStrategy: "most_relevant" }, [copy, first]],
    ["by most_important", { maxMemories: 1, maxMemoryStrategy: "most_important" }, [lost]],
    ["by most_recent", { maxMemories: 1, maxMemoryStrategy: "most_recent" }, [camera]],
    ["by diverse", { maxMemories: 2, maxMemoryStrategy: "diverse" }, [first, lost]],
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
