import fc from "fast-check";
import { validate } from "uuid";
import { describe, expect, it } from "vitest";
import { bulkItemRequestIdsOf, groupOfTask, taskIdOf } from "../../src/domain/ids";

const NAMESPACE = "namespace_1";
const indexes = fc.integer({ min: 0, max: 99 });

describe("the request id of a bulk's item", () => {
  it("is a GUID, and the same whenever the bulk is sent again", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uuid(), indexes, async (bulk, index) => {
        const id = await bulkItemRequestIdsOf(bulk)(index);
        expect(validate(id)).toBe(true);
        expect(await bulkItemRequestIdsOf(bulk)(index)).toBe(id);
      }),
    );
  });

  it("is another for another place and for another bulk", async () => {
    const [one, two] = [crypto.randomUUID(), crypto.randomUUID()];
    const ids = [one, two].flatMap((bulk) => Array.from({ length: 100 }, (_, i) => bulkItemRequestIdsOf(bulk)(i)));
    expect(new Set(await Promise.all(ids)).size).toBe(200);
  });
});

describe("the id of a task", () => {
  it("is of one group for all items of a bulk, and yet another for each", async () => {
    const bulk = crypto.randomUUID();
    const requestIds = await Promise.all(Array.from({ length: 100 }, (_, i) => bulkItemRequestIdsOf(bulk)(i)));
    const taskIds = await Promise.all(requestIds.map((id) => taskIdOf(NAMESPACE, id)));
    expect(new Set(taskIds.map(groupOfTask)).size).toBe(1);
    expect(new Set(taskIds).size).toBe(100);
    expect(taskIds.every((id) => /^task_[0-9a-f]{32}$/.test(id))).toBe(true);
  });

  it("is of a group of its own for any other request id, and in any other namespace", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uuid(), fc.uuid(), indexes, async (bulk, other, index) => {
        const item = await bulkItemRequestIdsOf(bulk)(index);
        const groups = await Promise.all([
          taskIdOf(NAMESPACE, item),
          taskIdOf("namespace_2", item),
          taskIdOf(NAMESPACE, bulk),
          taskIdOf(NAMESPACE, other),
        ]);
        expect(new Set(groups.map(groupOfTask)).size).toBe(bulk === other ? 3 : 4);
      }),
    );
  });

  it("has no group of a bulk where one digit of an item's request id is changed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uuid(), indexes, fc.integer({ min: 0, max: 35 }), async (bulk, index, at) => {
        const id = await bulkItemRequestIdsOf(bulk)(index);
        const digit = id[at] === "-" ? "-" : ((Number.parseInt(id[at] ?? "0", 16) + 1) % 16).toString(16);
        const changed = id.slice(0, at) + digit + id.slice(at + 1);
        const same = groupOfTask(await taskIdOf(NAMESPACE, changed)) === groupOfTask(await taskIdOf(NAMESPACE, id));
        expect(same).toBe(changed === id);
      }),
    );
  });
});
