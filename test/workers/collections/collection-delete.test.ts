import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { openServices } from "../../../src/runtime/composition";
import {
  removeCollection,
  REMOVAL_SECONDS,
  REMOVAL_STEP_MEMORIES,
  sweepRemovals,
} from "../../../src/services/collections/remove-collection";
import { call } from "../../support/api";
import { callerIn, jumpingClock } from "../../support/caller";
import { arm, databaseCalls, resetFaults } from "../../support/faults";
import { fillCollection, storedRows, wordHits } from "../../support/memories";
import { addMemories, newAgent, newCollection, newTenant } from "../../support/nouns";
import { refusalOf } from "../../support/refusal";
import { rows } from "../../support/scene";

const HARD = { hard: true, dryRun: false };
/** More than a sweep needs here. */
const SOME_TIME = { endMs: Infinity };
const LARGE = 2 * REMOVAL_STEP_MEMORIES + 1;

const textsOf = (collectionId: string) => rows("SELECT * FROM collection_texts WHERE collection_id = ?", collectionId);

/** A tenant with a collection that has memories and is bound, and a neighbour of the same kind. */
async function newCase(memories: readonly object[] = [{ text: "lighthouse one" }, { text: "lighthouse two" }]) {
  const { key, namespaceId } = await newTenant();
  const { agent_id } = await newAgent(key);
  const made = async () => {
    const { collection_id } = await newCollection(key);
    await addMemories(key, collection_id, memories);
    await call("PATCH", `/v1/agents/${agent_id}/collections/${collection_id}/bind`, { key });
    return String(collection_id);
  };
  const [id, neighbour] = [await made(), await made()];
  const path = `/v1/collections/${id}`;
  return {
    key,
    namespaceId,
    id,
    path,
    neighbour,
    remove: (query = "") => call("DELETE", `${path}${query}`, { key }),
    bound: async () => {
      const { body } = await call("GET", `/v1/agents/${agent_id}/collections`, { key });
      return body.items.map((item: { collection_id: string }) => item.collection_id);
    },
    readNeighbour: async () => (await call("GET", `/v1/collections/${neighbour}`, { key })).body,
  };
}

describe("collection-delete", () => {
  it("deletes softly: nobody finds it or its memories, and all of it stays", async () => {
    const { key, id, path, neighbour, remove, bound, readNeighbour } = await newCase();
    const before = await readNeighbour();
    expect((await remove()).status).toBe(204);
    expect(refusalOf(await remove())).toBe("410 collection-deleted");
    expect(refusalOf(await call("GET", path, { key }))).toBe("410 collection-deleted");
    expect(refusalOf(await call("GET", `${path}/memories`, { key }))).toBe("410 collection-deleted");
    expect(await bound()).toEqual([neighbour]);
    const shown = await call("GET", `${path}?include_deleted=true`, { key });
    expect(shown.body).toMatchObject({ deleted: true, memory_count: 2 });
    expect(await storedRows(id)).toBe(2);
    expect(await readNeighbour()).toEqual(before);
  });

  it("changes nothing with dry_run=true, and counts what would go", async () => {
    const { key, path, remove, bound } = await newCase();
    const first = await call("GET", `${path}/memories?limit=1`, { key });
    await call("DELETE", `${path}/memories/${first.body.items[0].memory_id}`, { key });
    const before = await call("GET", path, { key });
    expect((await remove("?dry_run=true")).body).toEqual({ collections: 1, memories: 1, bindings: 0 });
    expect((await remove("?dry_run=true&hard=true")).body).toEqual({ collections: 1, memories: 2, bindings: 1 });
    expect(await call("GET", path, { key })).toMatchObject({ status: 200, body: before.body });
    expect(await bound()).toHaveLength(2);
  });

  it("removes for good with hard=true, with memories, bindings and words, and leaves the neighbours", async () => {
    const { key, id, path, neighbour, remove, bound, readNeighbour } = await newCase();
    const before = await readNeighbour();
    expect((await remove("?hard=true")).status).toBe(204);
    expect(refusalOf(await call("GET", `${path}?include_deleted=true`, { key }))).toBe("404 collection-not-found");
    expect(refusalOf(await remove("?hard=true"))).toBe("404 collection-not-found");
    expect([await storedRows(id), await wordHits(id, "lighthouse")]).toEqual([0, 0]);
    expect(await bound()).toEqual([neighbour]);
    expect([await readNeighbour(), await wordHits(neighbour, "lighthouse")]).toEqual([before, 2]);
  });

  it("removes for good what was deleted softly", async () => {
    const { id, remove } = await newCase();
    await remove();
    expect((await remove("?hard=true")).status).toBe(204);
    expect(await storedRows(id)).toBe(0);
  });

  it("leaves no row about its texts, also when all memories were deleted softly before", async () => {
    const { key, id, path, neighbour, remove } = await newCase();
    const others = await textsOf(neighbour);
    expect((await call("DELETE", `${path}/memories`, { key })).status).toBe(204);
    expect(await textsOf(id)).toMatchObject([{ memories: 0, characters: 0 }]);
    expect((await remove("?hard=true")).status).toBe(204);
    expect(await textsOf(id)).toEqual([]);
    expect(await textsOf(neighbour)).toEqual(others);
  });

  it("removes many memories in steps of bounded size", async () => {
    const { id, remove } = await newCase([]);
    await fillCollection(id, LARGE);
    resetFaults();
    expect((await remove("?hard=true")).status).toBe(204);
    expect(databaseCalls("DELETE FROM memories")).toBe(3);
    expect(await storedRows(id)).toBe(0);
  });

  it("goes on when it is sent again after a crash; meanwhile nobody finds any of it", async () => {
    const { key, id, path, remove } = await newCase([]);
    await fillCollection(id, LARGE);
    arm("fails-after", "DELETE FROM memories");
    expect((await remove("?hard=true")).status).toBe(503);
    resetFaults();
    expect(await storedRows(id)).toBe(LARGE - REMOVAL_STEP_MEMORIES);
    for (const url of [path, `${path}?include_deleted=true`, `${path}/memories?include_deleted=true`])
      expect([url, (await call("GET", url, { key })).status]).toEqual([url, 404]);
    expect((await call("PATCH", `${path}/undelete`, { key })).status).toBe(404);
    expect((await remove()).status).toBe(404);
    const counts = (await remove("?hard=true&dry_run=true")).body;
    expect(counts).toEqual({ collections: 0, memories: LARGE - REMOVAL_STEP_MEMORIES, bindings: 0 });
    expect((await remove("?hard=true")).status).toBe(204);
    expect(await storedRows(id)).toBe(0);
    expect((await remove("?hard=true")).status).toBe(404);
  });

  it("answers removal-pending when the time of a call is used up, and the sweeper removes the rest", async () => {
    const { namespaceId, id } = await newCase([]);
    await fillCollection(id, LARGE);
    const ctx = callerIn(namespaceId, { clock: jumpingClock(REMOVAL_SECONDS * 1_000) });
    await expect(removeCollection(ctx, id, HARD)).rejects.toMatchObject({
      value: { kind: "unavailable", code: "removal-pending" },
    });
    expect(await storedRows(id)).toBe(LARGE - REMOVAL_STEP_MEMORIES);
    expect(await sweepRemovals(openServices(env), SOME_TIME)).toMatchObject({ count: 1 });
    expect(await storedRows(id)).toBe(0);
    expect(await sweepRemovals(openServices(env), SOME_TIME)).toEqual({ count: 0, hasMore: false });
  });

  it("removes once when ten calls are sent at once", async () => {
    const { id, remove } = await newCase();
    const answers = await Promise.all(Array.from({ length: 10 }, () => remove("?hard=true")));
    const statuses = answers.map(({ status }) => status);
    expect(statuses).toContain(204);
    expect(statuses.filter((status) => status !== 204 && status !== 404)).toEqual([]);
    expect(await storedRows(id)).toBe(0);
  });

  it("does not reach into another namespace", async () => {
    const { id, readNeighbour, neighbour } = await newCase();
    const { key } = await newTenant();
    const before = await readNeighbour();
    for (const query of ["", "?hard=true", "?dry_run=true"])
      for (const target of [id, neighbour])
        expect((await call("DELETE", `/v1/collections/${target}${query}`, { key })).status).toBe(404);
    expect(await readNeighbour()).toEqual(before);
    expect(await storedRows(id)).toBe(2);
  });
});
