import { beforeEach, describe, expect, it } from "vitest";
import { blockIndex, BLOCKS_PER_SEARCH_MAX } from "../../../src/services/vectors/d1-vector-index";
import type { EmbeddedMemory } from "../../../src/services/ports/ports";
import { resetFaults } from "../../support/faults";
import { newPlace, type Place } from "../../support/memories";
import { rows } from "../../support/scene";
import { blockSizes, change, memoriesAt, PLANE, vectorAt, vectorCounts, vectorDb } from "../../support/vectors";

beforeEach(() => resetFaults());

const index = blockIndex(vectorDb);
const store = (place: Place, embedded: readonly EmbeddedMemory[]) => index.put(place, PLANE, embedded);

async function near(place: Place, degrees = 0, filters: object = {}) {
  const { namespaceId, collectionId } = place;
  const query = { vector: vectorAt(degrees), namespaceId, collectionIds: [collectionId], filters };
  const { cosines, incomplete } = await index.compare(PLANE, query);
  return { cosines: cosines[0] ?? new Map<number, number>(), incomplete };
}

describe("vectors in D1", () => {
  it("tell the cosine of each memory with the query", async () => {
    const place = newPlace();
    const memories = await memoriesAt(place, [0, 60, 180]);
    expect(await store(place, memories)).toBe(3);
    const { cosines, incomplete } = await near(place);
    expect(memories.map(({ seq }) => cosines.get(seq))).toEqual([1, 0.5, -1].map((each) => expect.closeTo(each, 2)));
    expect(incomplete).toBeNull();
  });

  it("lie in few rows, even where each came alone", async () => {
    const place = newPlace();
    const memories = await memoriesAt(
      place,
      Array.from({ length: 130 }, (_, at) => at),
    );
    for (const memory of memories) await store(place, [memory]);
    expect(await blockSizes(place)).toEqual([30, 100]);
    const { cosines } = await near(place);
    expect(cosines.size).toBe(130);
    for (const [at, { seq }] of memories.entries())
      expect(cosines.get(seq)).toBeCloseTo(Math.cos((at * Math.PI) / 180), 1);
    expect(await vectorCounts(place)).toEqual({ counted: 130, marked: 130 });
  });

  it("are not mixed up where writes come at once", async () => {
    const place = newPlace();
    const memories = await memoriesAt(
      place,
      Array.from({ length: 24 }, (_, at) => at * 15),
    );
    await Promise.all(memories.map((memory) => store(place, [memory])));
    await store(place, (await memoriesAt(place, [7])).slice(0, 1));
    const { cosines } = await near(place);
    expect(cosines.size).toBe(25);
    for (const [at, { seq }] of memories.entries())
      expect(cosines.get(seq)).toBeCloseTo(Math.cos((at * 15 * Math.PI) / 180), 1);
    expect((await blockSizes(place)).reduce((sum, size) => sum + size, 0)).toBe(25);
    expect(await blockSizes(place)).not.toContain(0);
  });

  it("stored again, count once, and the newer wins", async () => {
    const place = newPlace();
    const [memory] = await memoriesAt(place, [0]);
    if (memory === undefined) throw new Error("There is no memory.");
    await store(place, [memory]);
    await store(place, [{ ...memory, vector: vectorAt(90) }]);
    expect((await near(place)).cosines.get(memory.seq)).toBeCloseTo(0, 2);
    expect(await blockSizes(place)).toEqual([1]);
    expect(await vectorCounts(place)).toEqual({ counted: 1, marked: 1 });
  });

  it.each([
    ["whose text changed", "text = 'another'"],
    ["whose text for vectors changed", "vector_text = 'another'"],
    ["that is deleted", "deleted_at_ms = 1"],
  ])("leave a memory %s, and their row when it was the last", async (_, sql) => {
    const place = newPlace();
    const [first, second] = await memoriesAt(place, [0, 10]);
    if (first === undefined || second === undefined) throw new Error("There are no memories.");
    await store(place, [first, second]);
    await change(sql, first);
    expect([...(await near(place)).cosines.keys()]).toEqual([second.seq]);
    await change(sql, second);
    expect([await blockSizes(place), await vectorCounts(place)]).toEqual([[], { counted: 0, marked: 0 }]);
  });

  it("go with a memory that is removed for good, and stay where it only changes otherwise", async () => {
    const place = newPlace();
    const [first, second] = await memoriesAt(place, [0, 10]);
    if (first === undefined || second === undefined) throw new Error("There are no memories.");
    await store(place, [first, second]);
    await rows("DELETE FROM memories WHERE id = ?", first.id);
    await change("importance = 9, access_count = 3, text = text", second);
    expect([...(await near(place)).cosines.keys()]).toEqual([second.seq]);
  });

  it("are not taken for a memory that changed while it was embedded", async () => {
    const place = newPlace();
    const [changed, deleted, same] = await memoriesAt(place, [0, 10, 20]);
    if (changed === undefined || deleted === undefined || same === undefined) throw new Error("There are no memories.");
    await change("text = 'another', updated_at_ms = updated_at_ms + 1", changed);
    await change("deleted_at_ms = 1", deleted);
    expect(await store(place, [changed, deleted, same])).toBe(1);
    expect([...(await near(place)).cosines.keys()]).toEqual([same.seq]);
    expect(await store(place, [changed])).toBe(0);
    expect(await blockSizes(place)).toEqual([1]);
  });

  it("of another embedder, other dimensions, another collection or namespace are never compared", async () => {
    const place = newPlace();
    const others = [newPlace(place.namespaceId), newPlace()];
    for (const each of [place, ...others]) await store(each, await memoriesAt(each, [0]));
    expect((await near(place)).cosines.size).toBe(1);
    for (const space of [
      { ...PLANE, embedderId: "another" },
      { ...PLANE, dimensions: 3 },
    ]) {
      const query = { ...place, vector: vectorAt(0), collectionIds: [place.collectionId], filters: {} };
      expect((await index.compare(space, query)).cosines[0]?.size).toBe(0);
    }
    const [stranger] = others.slice(1);
    const query = { namespaceId: place.namespaceId, vector: vectorAt(0), filters: {} };
    const foreign = await index.compare(PLANE, { ...query, collectionIds: [stranger?.collectionId ?? ""] });
    expect(foreign.cosines[0]?.size).toBe(0);
  });

  it("of many collections are compared in few answers, each in its place", async () => {
    const places = Array.from({ length: 30 }, () => newPlace("namespace_1"));
    for (const [at, place] of places.entries()) await store(place, await memoriesAt(place, [at, at + 90]));
    const query = { namespaceId: "namespace_1", vector: vectorAt(0), filters: {} };
    const collectionIds = places.map(({ collectionId }) => collectionId);
    const { cosines, incomplete } = await index.compare(PLANE, { ...query, collectionIds });
    for (const [at, found] of cosines.entries()) {
      const nearest = Math.max(...found.values());
      expect([found.size, nearest]).toEqual([2, expect.closeTo(Math.cos((at * Math.PI) / 180), 1)]);
    }
    expect([cosines.length, incomplete]).toEqual([30, null]);
  });

  it("are compared up to a limit, the newest first; beyond it the answer says so", async () => {
    const place = newPlace();
    const memories = await memoriesAt(place, [0, 1, 2]);
    await store(place, memories);
    // Blocks that are full, as far as the next write can see, are not merged: here each speaks for one memory.
    await rows("DELETE FROM memory_vectors WHERE collection_id = ?", place.collectionId);
    const blocks = BLOCKS_PER_SEARCH_MAX + 5;
    const many = await memoriesAt(
      place,
      Array.from({ length: blocks }, (_, at) => at),
    );
    for (const [at, { seq }] of many.entries())
      await rows(
        `INSERT INTO memory_vector_blocks (id, namespace_id, collection_id, embedder_id, dimensions, memory_seqs, vectors)
         VALUES (?, ?, ?, 'compass', 2, ?, 'fwA=')`,
        `${place.collectionId}:${at}`,
        place.namespaceId,
        place.collectionId,
        JSON.stringify([seq]),
      );
    await rows(
      `INSERT INTO memory_vectors SELECT value ->> 0, 'memory_' || b.seq, namespace_id, collection_id, embedder_id, dimensions, 'd1', b.seq
       FROM memory_vector_blocks b, json_each(json_array(b.memory_seqs)) WHERE collection_id = ?`,
      place.collectionId,
    );
    const { cosines, incomplete } = await near(place);
    expect([...cosines.keys()].toSorted((a, b) => a - b)).toEqual(many.slice(5).map(({ seq }) => seq));
    expect(incomplete).toContain("Vectorize");
  });
});
