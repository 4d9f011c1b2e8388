import { describe, expect, it } from "vitest";
import { DEFAULT_MEMORY_SETTINGS } from "../../../src/domain/recall/memory-settings";
import { recallForMemories } from "../../../src/services/recall/recall-for-memories";
import { call } from "../../support/api";
import { callerIn } from "../../support/caller";
import { idsOf } from "../../support/memories";
import { addMemories, newCollection, newTenant } from "../../support/nouns";

describe("recall", () => {
  it("brings up nothing of what is deleted, collection or memory, and all of it again when it is back", async () => {
    const { key, namespaceId } = await newTenant();
    const [own, other] = [await newCollection(key), await newCollection(key)];
    const id = String(idsOf(await addMemories(key, own.collection_id, [{ text: "The lighthouse burned." }]))[0]);
    const added = await addMemories(key, other.collection_id, [{ text: "A lighthouse again." }]);
    const recalled = async () => {
      const answer = await recallForMemories(callerIn(namespaceId), {
        namespaceId,
        nowMs: Date.now(),
        memories: [{ id, text: "The lighthouse burned." }],
        groups: [{ collectionIds: [other.collection_id], settings: DEFAULT_MEMORY_SETTINGS }],
      });
      return answer.flat(2).map(({ text }) => text);
    };
    const paths = [
      `/v1/collections/${other.collection_id}`,
      `/v1/collections/${other.collection_id}/memories/${idsOf(added)[0]}`,
    ];
    for (const path of paths) {
      await call("DELETE", path, { key });
      expect(await recalled()).toEqual([]);
      await call("PATCH", `${path}/undelete`, { key });
      expect(await recalled()).toEqual(["A lighthouse again."]);
    }
  });
});
