import { beforeEach, describe, expect, it } from "vitest";
import { type RemoteVectors, REMOTE_NEAREST_MAX } from "../../../src/services/ports/ports";
import { remoteIndex } from "../../../src/services/vectors/remote-vector-index";
import { arm, resetFaults } from "../../support/faults";
import { newPlace, type Place } from "../../support/memories";
import { rows } from "../../support/scene";
import { blockSizes, change, memoriesAt, PLANE, vectorAt, vectorCounts, vectorDb } from "../../support/vectors";

beforeEach(() => resetFaults());

/** An index outside of the database, which answers the nearest of what it was given, whatever became of it since. */
function remoteStub() {
  const kept = new Map<string, { collectionId: string; namespaceId: string; vector: Float32Array }>();
  const remote: RemoteVectors = {
    upsert: async (_, vectors) => {
      for (const { memoryId, ...each } of vectors) kept.set(memoryId, each);
    },
    nearest: async (_, { vector, collectionId, namespaceId }) =>
      [...kept]
        .filter(([, each]) => each.collectionId === collectionId && each.namespaceId === namespaceId)
        .map(([memoryId, each]) => ({
          memoryId,
          cosine: each.vector.reduce((sum, part, at) => sum + part * (vector[at] ?? 0), 0),
        }))
        .toSorted((a, b) => b.cosine - a.cosine)
        .slice(0, REMOTE_NEAREST_MAX),
    remove: async (memoryIds) => {
      for (const id of memoryIds) kept.delete(id);
    },
  };
  return { kept, remote, index: remoteIndex(vectorDb, "vectorize", remote) };
}

/** What waits to be removed has waited long enough. */
const longAgo = () => rows("UPDATE vector_removals SET since_ms = 0");

describe("vectors outside of the database", () => {
  beforeEach(async () => void (await rows("DELETE FROM vector_removals")));

  const SPACE = { ...PLANE, storedIn: "vectorize" } as const;
  const compare = async ({ index }: ReturnType<typeof remoteStub>, { namespaceId, collectionId }: Place) => {
    const query = { vector: vectorAt(0), namespaceId, collectionIds: [collectionId], filters: {} };
    return (await index.compare(SPACE, query)).cosines[0] ?? new Map<number, number>();
  };

  it("tell the cosine of the nearest", async () => {
    const place = newPlace();
    const remote = remoteStub();
    const memories = await memoriesAt(place, [0, 60], SPACE);
    expect(await remote.index.put(place, SPACE, memories)).toBe(2);
    const cosines = await compare(remote, place);
    expect(memories.map(({ seq }) => cosines.get(seq))).toEqual([1, 0.5].map((each) => expect.closeTo(each, 5)));
    expect(await vectorCounts(place)).toEqual({ counted: 2, marked: 2 });
    expect(await blockSizes(place)).toEqual([]);
  });

  it("of a memory that is deleted, or was changed since, do not count, though the index still has them", async () => {
    const place = newPlace();
    const remote = remoteStub();
    const memories = await memoriesAt(place, [0, 10, 20], SPACE);
    await remote.index.put(place, SPACE, memories);
    const [deleted, changed, same] = memories;
    if (deleted === undefined || changed === undefined || same === undefined) throw new Error("There are no memories.");
    await change("deleted_at_ms = 1", deleted);
    await change("text = 'another'", changed);
    expect(remote.kept.size).toBe(3);
    expect([...(await compare(remote, place)).keys()]).toEqual([same.seq]);
  });

  it("of a memory that changed while it was embedded are to be made anew", async () => {
    const place = newPlace();
    const remote = remoteStub();
    const [changed, same] = await memoriesAt(place, [0, 10], SPACE);
    if (changed === undefined || same === undefined) throw new Error("There are no memories.");
    await change("text = 'another', updated_at_ms = updated_at_ms + 1", changed);
    expect(await remote.index.put(place, SPACE, [changed, same])).toBe(1);
    expect([...(await compare(remote, place)).keys()]).toEqual([same.seq]);
  });

  it("of what is gone are removed there too, in time, and no others", async () => {
    const place = newPlace();
    const remote = remoteStub();
    const [gone, deleted, changed, again, same] = await memoriesAt(place, [0, 10, 20, 30, 40], SPACE);
    if (!gone || !deleted || !changed || !again || !same) throw new Error("There are no memories.");
    await remote.index.put(place, SPACE, [gone, deleted, changed, again, same]);
    await rows("DELETE FROM memories WHERE id = ?", gone.id);
    await change("deleted_at_ms = 1", deleted);
    await change("text = 'another'", changed);
    await change("text = 'another'", again);
    await remote.index.put(place, SPACE, [again]);
    expect([await remote.index.sweep(), remote.kept.size]).toEqual([0, 5]);
    await longAgo();
    expect(await remote.index.sweep()).toBe(3);
    expect([...remote.kept.keys()].toSorted()).toEqual([again.id, same.id].toSorted());
    expect(await remote.index.sweep()).toBe(0);
    expect([...(await compare(remote, place)).keys()].toSorted()).toEqual([again.seq, same.seq].toSorted());
  });

  it("that were stored, and never noted because of a crash, are removed there too", async () => {
    const place = newPlace();
    const remote = remoteStub();
    const memories = await memoriesAt(place, [0, 10], SPACE);
    arm("fails-before", "INSERT INTO memory_vectors");
    await expect(remote.index.put(place, SPACE, memories)).rejects.toThrow("database does not answer");
    resetFaults();
    expect([remote.kept.size, (await compare(remote, place)).size]).toEqual([2, 0]);
    await longAgo();
    expect([await remote.index.sweep(), remote.kept.size]).toEqual([2, 0]);
    expect(await remote.index.put(place, SPACE, memories)).toBe(2);
    expect((await compare(remote, place)).size).toBe(2);
  });

  it("stay to be removed while the index cannot be reached", async () => {
    const place = newPlace();
    const remote = remoteStub();
    const memories = await memoriesAt(place, [0], SPACE);
    await remote.index.put(place, SPACE, memories);
    await rows("DELETE FROM memories WHERE id = ?", memories[0]?.id);
    await longAgo();
    const down = { ...remote.remote, remove: () => Promise.reject(new Error("down")) };
    await expect(remoteIndex(vectorDb, "vectorize", down).sweep()).rejects.toThrow("down");
    expect(await remote.index.sweep()).toBe(1);
  });
});
