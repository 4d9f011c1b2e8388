import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { embedMissing } from "../../../src/services/vectors/embed-memories";
import { call } from "../../support/api";
import { denseCase, denseWorker } from "../../support/dense";
import { resetFaults } from "../../support/faults";
import { idsOf } from "../../support/memories";
import { markDeleted, sorted } from "../../support/nouns";
import { embeds, refuses, scriptedEmbedder } from "../../support/scripted-embedder";

beforeEach(() => resetFaults());
afterEach(() => vi.unstubAllGlobals());

const TUSKS = "Two long tusks, and whiskers";
const BREAD = "Pavel baked a loaf";

/** A collection whose memories were stored while no embedder made vectors. */
async function newCase(...texts: readonly string[]) {
  const server = scriptedEmbedder();
  const worker = denseWorker(server);
  const made = await denseCase(worker);
  const path = `/v1/collections/${made.collectionId}/memories`;
  const body = { memories: texts.map((text) => ({ text })) };
  const added = await call("PUT", path, { key: made.key, body });
  const place = { namespaceId: made.namespaceId, collectionId: made.collectionId };
  const step = (ids: readonly (string | null)[], services = worker.services()) =>
    embedMissing(
      services,
      place,
      ids.flatMap((id) => id ?? []),
    );
  return { ...made, server, worker, place, ids: idsOf(added), step };
}

describe("the step of a rebuild", () => {
  it("makes the vectors that are missing, once, and the collection needs no more", async () => {
    const { step, ids, server, embedder, found } = await newCase(TUSKS, BREAD);
    expect(await embedder()).toMatchObject({ needs_rebuild: true });
    expect(await found("walrus")).toEqual([]);
    expect(await step(ids)).toBe(2);
    expect(await embedder()).toMatchObject({ needs_rebuild: false });
    expect((await found("walrus"))[0]).toBe(TUSKS);
    expect(await step(ids)).toBe(0);
    expect(sorted(server.texts())).toEqual(sorted([TUSKS, BREAD, "walrus"]));
  });

  it("makes those of one memory, and leaves the others to their own step", async () => {
    const { step, ids, embedder } = await newCase(TUSKS, BREAD);
    expect(await step(ids.slice(0, 1))).toBe(1);
    expect(await embedder()).toMatchObject({ needs_rebuild: true });
    expect(await step(ids.slice(1))).toBe(1);
    expect(await embedder()).toMatchObject({ needs_rebuild: false });
  });

  it("makes anew those of another embedder", async () => {
    const { step, ids, key, collectionId, server } = await newCase(TUSKS);
    await step(ids);
    const changed = denseWorker(server, { EMBEDDER_NAME: "another" });
    const search = async () =>
      (await changed.call("POST", `/v1/collections/${collectionId}/search`, { query: "walrus" }, key)).body
        .all_memories;
    expect(await search()).toEqual([]);
    expect(await step(ids, changed.services())).toBe(1);
    expect(await search()).toHaveLength(1);
    const { body } = await changed.call("GET", `/v1/collections/${collectionId}`, undefined, key);
    expect(body.embedder).toEqual({ id: "openai-compatible:another", dimensions: 8, needs_rebuild: false });
  });

  it("leaves out what is deleted, unknown, or of another collection", async () => {
    const { step, ids, server } = await newCase(TUSKS);
    const stranger = await newCase(BREAD);
    await markDeleted("memories", ids[0] ?? "");
    expect(await step([...ids, ...stranger.ids, "memory_0"])).toBe(0);
    expect(server.asked).toEqual([]);
    expect(await stranger.embedder()).toMatchObject({ needs_rebuild: true });
  });

  it("takes any number, and makes each vector once", async () => {
    const { step, ids, server, embedder } = await newCase(...Array.from({ length: 100 }, (_, at) => `loaf ${at}`));
    expect(await step([...ids, ...ids, "memory_0"])).toBe(100);
    expect(server.texts()).toHaveLength(100);
    expect(await embedder()).toMatchObject({ needs_rebuild: false });
  });

  it("fails as a whole when the embedder cannot answer, and may be repeated", async () => {
    const { step, ids, server, embedder } = await newCase(TUSKS, BREAD);
    server.play(refuses(503, { "retry-after": "20" }));
    await expect(step(ids)).rejects.toMatchObject({ value: { kind: "unavailable", retryAfterSeconds: 20 } });
    expect(await embedder()).toMatchObject({ needs_rebuild: true });
    server.play(embeds());
    expect(await step(ids)).toBe(2);
  });

  it("does nothing where no embedder makes vectors", async () => {
    const { step, ids, server } = await newCase(TUSKS);
    expect(await step(ids, denseWorker(server, { EMBEDDER: "embedded" }).services())).toBe(0);
    expect(server.asked).toEqual([]);
  });
});
