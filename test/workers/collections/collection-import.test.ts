import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { filesOf, imported, ndjson, newEmpty, putFile } from "../../support/collection-files";
import { arm, resetFaults } from "../../support/faults";
import { markDeleted } from "../../support/nouns";
import { bellOf } from "../../support/requests-object";
import { endOf, rows } from "../../support/scene";

beforeEach(() => resetFaults());

const list = async (id: string) => (await call("GET", `/v1/collections/${id}/memories?limit=100`)).body.items;
const countOf = async (id: string) => (await call("GET", `/v1/collections/${id}`)).body.memory_count;
const longLineOf = (i: number) => new TextEncoder().encode(ndjson({ text: `memory ${i}`, memo: "x".repeat(1_900) }));

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

  it("has its end though the file is gone, when a last turn comes again after blank lines", async () => {
    const id = await newEmpty();
    const unsettled = arm("fails-before", "SET status = 'done'", 2);
    const task = await imported(id, `${ndjson({ text: "one" }, { text: "two" })}\n\n`);
    expect(unsettled.fired).toBe(2);
    expect(task).toMatchObject({ status: "complete", result: { created: 2, refused: 0 } });
  });

  it("keeps a time before 1970, and lists page by page across it", async () => {
    const id = await newEmpty();
    const times = ["1968-05-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z", "1971-01-01T00:00:00.000Z"];
    await imported(id, ndjson(...times.map((created_at) => ({ text: created_at, created_at }))));
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null && seen.length < 9;) {
      const { body } = await call("GET", `/v1/collections/${id}/memories?limit=1${cursor && `&cursor=${cursor}`}`);
      seen.push(...body.items.map((memory: any) => memory.text));
      cursor = body.next_cursor;
    }
    expect(seen).toEqual(times.toReversed());
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
    let sent = 0;
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => (sent++ < 5_000 ? controller.enqueue(longLineOf(sent)) : controller.close()),
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
    await bellOf(task_id);
    expect(await endOf(task_id)).toMatchObject({ status: "error", error: { code: "reference-gone" } });
    expect(await rows("SELECT id FROM memories WHERE collection_id = ?", id)).toEqual([]);
  });

  it("ends as error when the file is no longer there", async () => {
    const id = await newEmpty();
    arm("drops", "queue: sendBatch", 1);
    const { task_id } = (await putFile(id, ndjson({ text: "a" }))).body;
    await env.FILES.delete([...(await filesOf(task_id))]);
    await bellOf(task_id);
    expect(await endOf(task_id)).toMatchObject({ status: "error", error: { code: "file-gone" } });
  });

  it("is no operation of batches-create", async () => {
    const body = { operation: "import", collection_id: await newEmpty() };
    const answer = await call("PUT", "/v1/batches", { body, headers: { requestId: crypto.randomUUID() } });
    expect([answer.status, answer.body.errors[0].pointer]).toEqual([422, "/operation"]);
  });
});
