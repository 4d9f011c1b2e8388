import { beforeEach, describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { exported, exportOf, imported, ndjson, newEmpty, putFile } from "../../support/collection-files";
import { resetFaults } from "../../support/faults";
import { markDeleted, newCollection, newTenant } from "../../support/nouns";
import { endOf, rows, scene } from "../../support/scene";

beforeEach(() => resetFaults());

const ID = `memory_${"a1".repeat(16)}`;
const countOf = async (id: string) => (await call("GET", `/v1/collections/${id}`)).body.memory_count;

const WITHOUT_IDS = { memory_id: 0, collection_id: 0, child_memory_ids: 0 };
const strip = ({ memories }: { memories: any[] }) => memories.map((memory) => ({ ...memory, ...WITHOUT_IDS }));

async function family(): Promise<{ readonly id: string; readonly childId: string; readonly parentId: string }> {
  const { collectionId: id, memoryIds } = await scene([{ text: "child", external_id: "c", metadata: { a: 1 } }]);
  const parent = { text: "parent", type: "integration", child_memory_ids: memoryIds, importance: 8 };
  const { body } = await call("PUT", `/v1/collections/${id}/memories`, { body: { memories: [parent] } });
  await rows("UPDATE memories SET accessed_at_ms = 1234567, access_count = 3 WHERE id = ?", memoryIds[0]);
  return { id, childId: memoryIds[0] ?? "", parentId: body.results[0].memory_id };
}

describe("collection-import of an export", () => {
  it("into another collection gives equal memories under ids of their own, and links between them", async () => {
    const { id } = await family();
    const copy = await newEmpty();
    const file = (await exportOf(id)).body;
    expect((await imported(copy, file)).result).toMatchObject({ created: 2, refused: 0 });
    const [before, after] = [await exported(id), await exported(copy)];
    expect(strip(after)).toEqual(strip(before));
    const parent = after.memories.find(({ text }) => text === "parent");
    const child = after.memories.find(({ text }) => text === "child");
    expect(parent.child_memory_ids).toEqual([child.memory_id]);
    expect(before.memories.map(({ memory_id }) => memory_id)).not.toContain(child.memory_id);
    expect(child).toMatchObject({ accessed_at: new Date(1_234_567).toISOString(), access_count: 3 });
  });

  it("skips all when it comes again", async () => {
    const { id } = await family();
    const copy = await newEmpty();
    const file = (await exportOf(id)).body;
    await imported(copy, file);
    const before = await exported(copy);
    expect((await imported(copy, file)).result).toMatchObject({ created: 0, updated: 0, skipped: 2 });
    expect((await imported(id, file)).result).toMatchObject({ created: 0, updated: 0, skipped: 2 });
    expect(await exported(copy)).toEqual(before);
  });

  it("keeps the ids and links when they are free", async () => {
    const { id } = await family();
    const { body: file } = await exportOf(id);
    const before = await exported(id);
    await rows("DELETE FROM memories WHERE collection_id = ?", id);
    const copy = await newEmpty();
    await imported(copy, file);
    const ofCopy = (memory: any) => ({ ...memory, collection_id: copy });
    expect((await exported(copy)).memories).toEqual(before.memories.map(ofCopy));
  });

  it("brings back under their ids what was deleted softly", async () => {
    const { id, childId, parentId } = await family();
    const { body: file } = await exportOf(id);
    const before = await exported(id);
    for (const memoryId of [childId, parentId]) await markDeleted("memories", memoryId);
    await rows("UPDATE collections SET memory_count = 0 WHERE id = ?", id);
    expect((await imported(id, file)).result).toMatchObject({ created: 2, skipped: 0 });
    expect(await exported(id)).toEqual(before);
    expect(await countOf(id)).toBe(2);
  });

  it("leads links to memories that come later in the file", async () => {
    const [a, b] = [`memory_${"0a".repeat(16)}`, `memory_${"0b".repeat(16)}`];
    const first = Array.from({ length: 120 }, (_, i) => ({ text: `between ${i}` }));
    const file = ndjson({ memory_id: a, text: "parent", child_memory_ids: [b] }, ...first, {
      memory_id: b,
      text: "child",
    });
    const [one, other] = [await newEmpty(), await newEmpty()];
    for (const id of [one, other]) {
      await imported(id, file);
      const { memories } = await exported(id);
      const [parent, child] = ["parent", "child"].map((text) => memories.find((memory) => memory.text === text));
      expect(parent.child_memory_ids).toEqual([child.memory_id]);
      expect(child.memory_id === b).toBe(id === one);
    }
  });

  it("keeps the source and the task of what was re-voiced, in each copy", async () => {
    const from = await scene(2);
    const { task_id, result } = await endOf(
      (
        await call("PUT", `/v1/agents/${from.agentId}/collections/${from.collectionId}/re-voice`, {
          body: { target: { name: "retold" } },
        })
      ).body.task_id,
    );
    const { body: file } = await exportOf(result.collection_id);
    const copies = [await newEmpty(), await newEmpty()];
    for (const copy of copies) {
      expect((await imported(copy, file)).result).toMatchObject({ created: 2 });
      expect((await imported(copy, file)).result).toMatchObject({ created: 0, skipped: 2 });
      const sources = (await exported(copy)).memories.map(({ source }) => source);
      expect(sources.map((source) => source.task_id)).toEqual([task_id, task_id]);
      expect(sources.map((source) => source.memory_id).toSorted()).toEqual(from.memoryIds.toSorted());
    }
  });

  it("does not take the place of another tenant's memory, nor show what it is", async () => {
    const { childId } = await family();
    const { key } = await newTenant();
    const { collection_id: id } = await newCollection(key);
    const answer = await putFile(id, ndjson({ memory_id: childId, text: "mine" }), { key });
    const read = () => call("GET", `/v1/checkmate/tasks/${answer.body.task_id}`, { key });
    await expect.poll(async () => (await read()).body.status, { timeout: 10_000 }).toBe("complete");
    const { items } = (await call("GET", `/v1/collections/${id}/memories`, { key })).body;
    expect(items).toMatchObject([{ text: "mine" }]);
    expect(items[0].memory_id).not.toBe(childId);
    expect(await rows("SELECT text FROM memories WHERE id = ?", childId)).toEqual([{ text: "child" }]);
  });

  it("keeps an id that nobody has", async () => {
    const id = await newEmpty();
    await imported(id, ndjson({ memory_id: ID, text: "mine" }));
    expect((await exported(id)).memories[0].memory_id).toBe(ID);
    expect((await imported(id, ndjson({ memory_id: ID, text: "mine" }))).result.skipped).toBe(1);
  });
});
