import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { call } from "../support/api";
import { exported, exportOf, filesOf, imported, ndjson, newEmpty, putFile } from "../support/collection-files";
import { arm, resetFaults } from "../support/faults";
import { markDeleted, newCollection, newTenant } from "../support/nouns";
import { endOf, rows, scene, taskOf } from "../support/scene";

beforeEach(() => resetFaults());

const list = async (id: string) => (await call("GET", `/v1/collections/${id}/memories?limit=100`)).body.items;
const countOf = async (id: string) => (await call("GET", `/v1/collections/${id}`)).body.memory_count;
const ID = `memory_${"a1".repeat(16)}`;

describe("collection-import", () => {
  it("adds lines of no more than a text", async () => {
    const id = await newEmpty();
    const task = await imported(id, ndjson({ text: "one" }, { text: "two", importance: 9 }));
    expect(task).toMatchObject({
      operation: "import",
      status: "complete",
      progress: { done: 2, failed: 0, total: 2, stage: "ended" },
      result: { collection_id: id, created: 2, updated: 0, skipped: 0, refused: 0, errors: [] },
    });
    expect((await list(id)).map((memory: any) => [memory.text, memory.importance]).toSorted()).toEqual([
      ["one", 5],
      ["two", 9],
    ]);
    expect(await countOf(id)).toBe(2);
  });

  it("takes blank lines, line ends of Windows, a byte order mark, and a last line without an end", async () => {
    const id = await newEmpty();
    const file = `\uFEFF{"text":"one"}\r\n\r\n  \n{"text":"two"}`;
    expect((await imported(id, file)).result).toMatchObject({ created: 2, refused: 0 });
  });

  it("takes an empty file", async () => {
    const task = await imported(await newEmpty(), "");
    expect(task).toMatchObject({ status: "complete", result: { created: 0 }, progress: { total: 0 } });
  });

  it("finds what it added by its words", async () => {
    const id = await newEmpty();
    await imported(id, ndjson({ text: "The zeppelin was late." }));
    const found = await rows("SELECT rowid FROM memory_words WHERE memory_words MATCH 'zeppelin'");
    expect(found).toHaveLength(1);
  });

  it("skips what is there already, updates by external_id, and adds the rest, as an add does", async () => {
    const id = await newEmpty();
    const there = [{ text: "equal" }, { text: "kept", external_id: "k" }, { text: "old", external_id: "x" }];
    await call("PUT", `/v1/collections/${id}/memories`, { body: { memories: there } });
    const before = await list(id);
    const file = ndjson(
      { text: "equal" },
      { text: "kept", external_id: "k" },
      { text: "new", external_id: "x" },
      {
        text: "more",
      },
    );
    const { result } = await imported(id, file);
    expect(result).toMatchObject({ created: 1, updated: 1, skipped: 2, refused: 0 });
    const after = await list(id);
    expect(after.map(({ text }: any) => text).toSorted()).toEqual(["equal", "kept", "more", "new"]);
    expect(before.every(({ memory_id }: any) => after.some((memory: any) => memory.memory_id === memory_id))).toBe(
      true,
    );
    expect(await countOf(id)).toBe(4);
    const again = await call("PUT", `/v1/collections/${id}/memories`, { body: { memories: [{ text: "more" }] } });
    expect(again.body.results[0].verdict).toBe("skipped");
  });

  it("takes the later of two lines with one external_id, as two adds would", async () => {
    const id = await newEmpty();
    const { result } = await imported(id, ndjson({ text: "a", external_id: "x" }, { text: "b", external_id: "x" }));
    expect(result).toMatchObject({ created: 1, updated: 1 });
    expect((await list(id)).map(({ text }: any) => text)).toEqual(["b"]);
  });

  it("stops at a line that is broken, names it, and keeps what comes before it", async () => {
    const id = await newEmpty();
    const lines = Array.from({ length: 249 }, (_, i) => ({ text: `memory ${i}` }));
    const task = await imported(id, ndjson(...lines, "{broken", { text: "after" }));
    expect(task).toMatchObject({
      status: "error",
      error: { code: "line-invalid", detail: expect.stringContaining("Line 250: ") },
      result: { created: 249, refused: 1, errors: [{ line: 250, detail: expect.any(String) }] },
      progress: { done: 249, failed: 1, total: 251 },
    });
    expect(await countOf(id)).toBe(249);
  });

  it("tries the broken line again when it is invoked, and counts it once", async () => {
    const id = await newEmpty();
    const { task_id, result } = await imported(id, ndjson({ text: "a" }, "?", { text: "b" }));
    await call("PATCH", `/v1/checkmate/tasks/${task_id}/invoke`);
    const again = await endOf(task_id);
    expect(again).toMatchObject({ status: "error", result, progress: { done: 1, failed: 1 } });
    expect(await countOf(id)).toBe(1);
  });

  it("skips broken lines where that is asked for, and names the first hundred", async () => {
    const id = await newEmpty();
    const lines = Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? "[]" : { text: `memory ${i}` }));
    const { result, status, progress } = await imported(id, ndjson(...lines), { query: "?on_error=skip" });
    expect(status).toBe("complete");
    expect(result).toMatchObject({ created: 200, refused: 200 });
    expect(result.errors.map(({ line }: any) => line)).toEqual(Array.from({ length: 100 }, (_, i) => 2 * i + 1));
    expect(progress).toMatchObject({ done: 200, failed: 200, total: 400 });
  });

  it.each([
    ["no JSON", "{", /not valid JSON/],
    ["no object", "[1]", /The line: /],
    ["without a text", "{}", /text: /],
    ["of a wrong type", '{"text":1}', /text: /],
    ["with a key that stands twice", '{"text":"a","text":"b"}', /stands twice/],
    ["with U\\+0000", '{"text":"a\\u0000b"}', /U\+0000/],
    ["with half of a surrogate pair", '{"text":"\\ud800"}', /surrogate/],
    ["too deep", `{"text":"a","metadata":{"a":${"[".repeat(40)}${"]".repeat(40)}}}`, /nested/],
    ["with a field that is not known", '{"text":"a","txet":"b"}', /txet/],
    ["with an importance out of range", '{"text":"a","importance":11}', /importance: /],
    ["with a time that is none", '{"text":"a","created_at":"yesterday"}', /created_at: /],
    ["with an id that is none", '{"text":"a","memory_id":"17"}', /memory_id: /],
    ["of an unknown agent", '{"text":"a","agent_id":"agent_0"}', /agent_id: /],
    ["about a collection, amidst", '{"type":"collection","format":1}', /first/],
    ["of a deleted memory", '{"text":"a","deleted":true}', /deleted: /],
    ["too long", JSON.stringify({ text: "a", memo: "x".repeat(1_100_000) }), /too long/],
    ["too long by far", JSON.stringify({ text: "a", memo: "x".repeat(4_000_000) }), /too long/],
  ])("refuses a line %s, and takes the lines around it", async (_, line, detail) => {
    const id = await newEmpty();
    const { result } = await imported(id, ndjson({ text: "before" }, line, { text: "after" }), {
      query: "?on_error=skip",
    });
    expect(result).toMatchObject({ created: 2, refused: 1, errors: [{ line: 2 }] });
    expect(result.errors[0].detail).toMatch(detail);
  });

  it("refuses a line that is not UTF-8", async () => {
    const bytes = new Uint8Array([...new TextEncoder().encode('{"text":"'), 0xff, ...new TextEncoder().encode('"}\n')]);
    const { result } = await imported(await newEmpty(), bytes, { query: "?on_error=skip" });
    expect(result).toMatchObject({ refused: 1, errors: [{ line: 1, detail: expect.stringContaining("UTF-8") }] });
  });

  it("refuses a file of another version", async () => {
    const { error } = await imported(await newEmpty(), ndjson({ type: "collection", format: 2 }, { text: "a" }));
    expect(error).toMatchObject({ code: "line-invalid", detail: expect.stringContaining("format: must be 1") });
  });

  it("is a replay when the same file comes with the same requestId, and keeps one copy of the file", async () => {
    const id = await newEmpty();
    arm("drops", "queue: sendBatch", 100);
    const headers = { requestId: crypto.randomUUID() };
    const first = await putFile(id, ndjson({ text: "a" }), { headers });
    const second = await putFile(id, ndjson({ text: "a" }), { headers });
    expect([first.status, second.status, second.body.task_id]).toEqual([202, 202, first.body.task_id]);
    expect(second.headers.get("idempotent-replayed")).toBe("true");
    expect(await filesOf(first.body.task_id)).toHaveLength(1);
    for (const other of [
      await putFile(id, ndjson({ text: "b" }), { headers }),
      await putFile(id, ndjson({ text: "a" }), { headers, query: "?on_error=skip" }),
    ])
      expect([other.status, other.body.code]).toEqual([422, "request-id-reused"]);
    expect(await filesOf(first.body.task_id)).toHaveLength(1);
  });

  it("makes a new task each time without a requestId, and then skips all", async () => {
    const id = await newEmpty();
    const first = await imported(id, ndjson({ text: "a" }));
    const second = await imported(id, ndjson({ text: "a" }));
    expect(second.task_id).not.toBe(first.task_id);
    expect(second.result).toMatchObject({ created: 0, skipped: 1 });
  });

  it("removes the file when it is imported, and when the task is deleted before", async () => {
    const id = await newEmpty();
    const { task_id } = await imported(id, ndjson({ text: "a" }));
    expect(await filesOf(task_id)).toEqual([]);
    arm("drops", "queue: sendBatch", 100);
    const open = (await putFile(id, ndjson({ text: "b" }))).body.task_id;
    expect(await filesOf(open)).toHaveLength(1);
    await call("DELETE", `/v1/batches/${open}`);
    expect(await filesOf(open)).toEqual([]);
  });

  it("keeps no file of a call that is refused", async () => {
    const before = (await env.FILES.list()).objects.length;
    const unknown = `collection_${"0".repeat(32)}`;
    expect((await putFile(unknown, ndjson({ text: "a" }))).body.code).toBe("collection-not-found");
    const id = await newEmpty();
    expect((await putFile(id, ndjson({ text: "a" }), { query: "?on_error=never" })).body.errors[0].pointer).toBe(
      "/query/on_error",
    );
    await markDeleted("collections", id);
    expect((await putFile(id, ndjson({ text: "a" }))).body.code).toBe("collection-deleted");
    expect((await env.FILES.list()).objects).toHaveLength(before);
  });

  it("takes lines of JSON as they are, and nothing else", async () => {
    const id = await newEmpty();
    for (const headers of [{ "content-type": "application/json" }, { "content-encoding": "gzip" }]) {
      const { status, body } = await putFile(id, ndjson({ text: "a" }), { headers });
      expect([status, body.code]).toEqual([415, "media-type-unsupported"]);
    }
    const type = "Application/X-NDJSON; charset=utf-8";
    expect((await putFile(id, ndjson({ text: "a" }), { headers: { "content-type": type } })).status).toBe(202);
  });

  it("refuses a file that is too large, as soon as that is known", async () => {
    const id = await newEmpty();
    let sent = 0;
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 1;
        controller.enqueue(new Uint8Array(1_048_576));
        if (sent > 300) controller.close();
      },
    });
    const { status, body } = await putFile(id, source);
    expect([status, body.code]).toEqual([413, "body-too-large"]);
    expect(sent).toBeLessThan(150);
  });

  it("stores a large file in constant memory, in pieces", { timeout: 60_000 }, async () => {
    const id = await newEmpty();
    const lineOf = (i: number) => new TextEncoder().encode(ndjson({ text: `memory ${i}`, memo: "x".repeat(1_900) }));
    let sent = 0;
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => (sent++ < 5_000 ? controller.enqueue(lineOf(sent)) : controller.close()),
    });
    const { progress, result } = await imported(id, source);
    expect(progress).toMatchObject({ done: 5_000, total: 5_000 });
    expect(result).toMatchObject({ created: 5_000, skipped: 0 });
  });

  it("adds equal lines once", async () => {
    const lines = Array.from({ length: 1_000 }, () => ({ text: "again" }));
    expect((await imported(await newEmpty(), ndjson(...lines))).result).toMatchObject({ created: 1, skipped: 999 });
  });

  it("ends as error when the collection is deleted meanwhile", async () => {
    const id = await newEmpty();
    arm("drops", "queue: sendBatch", 1);
    const { task_id } = (await putFile(id, ndjson({ text: "a" }))).body;
    await markDeleted("collections", id);
    expect(await endOf(task_id)).toMatchObject({ status: "error", error: { code: "reference-gone" } });
    expect(await rows("SELECT id FROM memories WHERE collection_id = ?", id)).toEqual([]);
  });

  it("ends as error when the file is no longer there", async () => {
    const id = await newEmpty();
    arm("drops", "queue: sendBatch", 1);
    const { task_id } = (await putFile(id, ndjson({ text: "a" }))).body;
    await env.FILES.delete([...(await filesOf(task_id))]);
    expect(await endOf(task_id)).toMatchObject({ status: "error", error: { code: "file-gone" } });
  });

  it("is no operation of batches-create", async () => {
    const body = { operation: "import", collection_id: await newEmpty() };
    const answer = await call("PUT", "/v1/batches", { body, headers: { requestId: crypto.randomUUID() } });
    expect([answer.status, answer.body.errors[0].pointer]).toEqual([422, "/operation"]);
  });
});

describe("collection-import of an export", () => {
  const WITHOUT_IDS = { memory_id: 0, collection_id: 0, child_memory_ids: 0 };

  async function family(): Promise<{ readonly id: string; readonly childId: string; readonly parentId: string }> {
    const { collectionId: id, memoryIds } = await scene([{ text: "child", external_id: "c", metadata: { a: 1 } }]);
    const parent = { text: "parent", type: "integration", child_memory_ids: memoryIds, importance: 8 };
    const { body } = await call("PUT", `/v1/collections/${id}/memories`, { body: { memories: [parent] } });
    await rows("UPDATE memories SET accessed_at_ms = 1234567, access_count = 3 WHERE id = ?", memoryIds[0]);
    return { id, childId: memoryIds[0] ?? "", parentId: body.results[0].memory_id };
  }

  it("into another collection gives equal memories under ids of their own, and links between them", async () => {
    const { id } = await family();
    const copy = await newEmpty();
    const file = (await exportOf(id)).body;
    expect((await imported(copy, file)).result).toMatchObject({ created: 2, refused: 0 });
    const [before, after] = [await exported(id), await exported(copy)];
    const strip = ({ memories }: { memories: any[] }) => memories.map((memory) => ({ ...memory, ...WITHOUT_IDS }));
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
    expect((await list(id))[0].memory_id).toBe(ID);
    expect((await taskOf((await imported(id, ndjson({ memory_id: ID, text: "mine" }))).task_id)).result.skipped).toBe(
      1,
    );
  });
});
