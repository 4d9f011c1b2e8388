import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { toMemorySearchResultV1 } from "../../../src/api/v1/recall.dto";
import { DEFAULT_MEMORY_SETTINGS } from "../../../src/domain/recall/memory-settings";
import { openServices } from "../../../src/runtime/composition";
import type { CallContext } from "../../../src/services/context";
import type { WordVectors } from "../../../src/services/ports/ports";
import { recallForMemories } from "../../../src/services/recall/recall-for-memories";
import { searchCollection } from "../../../src/services/recall/search-memories";
import { addMemories, newCollection, newTenant } from "../../support/nouns";

/** A search by a caller whose embedder is another than the configured one. */
async function searchWith(embedder: WordVectors | null) {
  const { namespaceId, key } = await newTenant();
  const collectionId: string = (await newCollection(key)).collection_id;
  await addMemories(key, collectionId, [{ text: "Marta sold three boats" }, { text: "Pavel bought a ship" }]);
  const logged: string[] = [];
  const log = (_: string, event: string) => void logged.push(event);
  const ctx: CallContext = { ...openServices(env), log, embedder, namespaceId, keyId: "key", admin: false };
  const result = await searchCollection(ctx, collectionId, {
    query: "boat",
    settings: {},
    filters: {},
    updateAccess: false,
    contextTokenBudget: 100,
  });
  const { filtered_memories, degraded, degraded_reason } = toMemorySearchResultV1(result);
  const recalled = await recallForMemories(ctx, {
    namespaceId,
    nowMs: 0,
    memories: [{ id: "memory_1", text: "boat" }],
    groups: [{ collectionIds: [collectionId], settings: DEFAULT_MEMORY_SETTINGS }],
  });
  return {
    texts: filtered_memories.map(({ memory }) => memory.text),
    recalled: recalled.flat(2).map(({ text }) => text),
    degraded,
    degraded_reason,
    logged,
  };
}

describe("collection-search, embedders", () => {
  it("finds words alike with the embedded one", async () => {
    const { texts, degraded } = await searchWith(openServices(env).embedder);
    expect(texts).toEqual(["Marta sold three boats", "Pavel bought a ship"]);
    expect(degraded).toBe(false);
  });

  it("finds equal words without one, and calls that no fault", async () => {
    const { texts, degraded, degraded_reason } = await searchWith(null);
    expect(texts).toEqual(["Marta sold three boats"]);
    expect([degraded, degraded_reason]).toEqual([false, null]);
  });

  it("finds equal words while the embedder cannot answer, says so, and logs why; re-voicing goes on", async () => {
    const broken: WordVectors = { id: "broken", dimensions: 1, open: () => Promise.reject(new Error("no asset")) };
    const { texts, recalled, degraded, degraded_reason, logged } = await searchWith(broken);
    expect(texts).toEqual(["Marta sold three boats"]);
    expect(recalled).toEqual(["Marta sold three boats"]);
    expect(degraded).toBe(true);
    expect(degraded_reason).toContain("broken");
    expect(logged).toEqual(["embedder-failed", "embedder-failed"]);
  });
});
