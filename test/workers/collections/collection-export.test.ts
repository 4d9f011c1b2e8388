import { beforeEach, describe, expect, it } from "vitest";
import { call } from "../../support/api";
import {
  exported,
  exportOf,
  filesOf,
  fill,
  linesOf,
  newEmpty,
  openExportOf,
  startWork,
} from "../../support/collection-files";
import { arm, databaseCalls, loggedCalls, resetFaults } from "../../support/faults";
import { markDeleted } from "../../support/nouns";
import { endOf, rows, scene, taskOf } from "../../support/scene";

beforeEach(() => resetFaults());

const ASYNC = { Prefer: "respond-async" };
const READ = 'from "memories" where';

describe("collection-export", () => {
  it("says in its first line what the collection is, and then each memory as the list shows it", async () => {
    const made = { name: "life", description: "d", metadata: { a: [1] } };
    const { body: collection } = await call("PUT", "/v1/collections", { body: made });
    const path = `/v1/collections/${collection.collection_id}/memories`;
    const memory = { text: "é\n🦆", memo: "m", metadata: { k: null }, occurred_at: "2019-02-03T04:05:06.007Z" };
    await call("PUT", path, { body: { memories: [memory, { text: "second", external_id: "x", importance: 9 }] } });
    const answer = await exportOf(collection.collection_id);
    const { head, memories } = linesOf(answer.body);
    expect(head).toMatchObject({ type: "collection", format: 1, ...made, created_at: collection.created_at });
    const listed = (await call("GET", path)).body.items;
    expect(memories.toSorted((a, b) => (a.memory_id < b.memory_id ? -1 : 1))).toEqual(
      listed.toSorted((a: any, b: any) => (a.memory_id < b.memory_id ? -1 : 1)),
    );
  });

  it("is a file of lines of JSON, to be stored", async () => {
    const { collectionId } = await scene(1);
    const { status, headers } = await exportOf(collectionId);
    expect([status, headers.get("content-type")]).toEqual([200, "application/x-ndjson"]);
    expect(headers.get("content-disposition")).toBe(`attachment; filename="${collectionId}.ndjson"`);
  });

  it("gives an empty collection its first line", async () => {
    expect((await exported(await newEmpty())).memories).toEqual([]);
  });

  it("leaves out what was deleted", async () => {
    const { collectionId, memoryIds } = await scene(3);
    await markDeleted("memories", memoryIds[1] ?? "");
    expect((await exported(collectionId)).memories.map(({ memory_id }) => memory_id).toSorted()).toEqual(
      [memoryIds[0], memoryIds[2]].toSorted(),
    );
  });

  it("gives 100,000 memories each once, in reads of 500", { timeout: 120_000 }, async () => {
    const collectionId = await newEmpty();
    await fill(collectionId, 100_000);
    resetFaults();
    const reader = (await openExportOf(collectionId)).body?.pipeThrough(new TextDecoderStream()).getReader();
    const seen = new Set<string>();
    let [lines, largest, rest] = [0, 0, ""];
    for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
      largest = Math.max(largest, part.value.length);
      const whole = (rest + part.value).split("\n");
      rest = whole.pop() ?? "";
      lines += whole.length;
      for (const line of whole) seen.add(line.slice(0, 60));
    }
    expect([lines, seen.size, rest]).toEqual([100_001, 100_001, ""]);
    expect(databaseCalls(READ)).toBe(201);
    expect(largest).toBeLessThan(500 * 1_000);
  });

  it("reads no more once the client has left", async () => {
    const collectionId = await newEmpty();
    await fill(collectionId, 20_000);
    resetFaults();
    const reader = (await openExportOf(collectionId)).body?.getReader();
    await reader?.read();
    await reader?.read();
    await reader?.cancel();
    const read = databaseCalls(READ);
    await new Promise((resolve) => setTimeout(resolve, 0));
    await exportOf(await newEmpty());
    expect(read).toBeLessThan(10);
    expect(databaseCalls(READ)).toBe(read + 1);
  });

  it("breaks off when the collection is deleted meanwhile", async () => {
    const collectionId = await newEmpty();
    await fill(collectionId, 5_000);
    const reader = (await openExportOf(collectionId)).body?.getReader();
    await reader?.read();
    await markDeleted("collections", collectionId);
    const rest = async () => {
      for (let part = await reader?.read(); part?.done === false; part = await reader?.read());
    };
    await expect(rest()).rejects.toThrow("deleted");
  });

  it("answers 410 for a deleted collection", async () => {
    const collectionId = await newEmpty();
    await markDeleted("collections", collectionId);
    expect((await exportOf(collectionId)).body.code).toBe("collection-deleted");
  });
});

describe("collection-export with Prefer: respond-async", () => {
  it("answers 202 with a task whose file is the export", async () => {
    const { collectionId } = await scene(3);
    const answer = await exportOf(collectionId, ASYNC);
    expect(answer.status).toBe(202);
    expect(Object.keys(answer.body).toSorted()).toEqual(["links", "status", "task_id"]);
    expect(answer.headers.get("preference-applied")).toBe("respond-async");
    expect(answer.headers.get("location")).toBe(`/v1/checkmate/tasks/${answer.body.task_id}`);
    const task = await endOf(answer.body.task_id);
    const file = await call("GET", answer.body.links.file);
    expect(file.body).toBe((await exportOf(collectionId)).body);
    expect(task).toMatchObject({ operation: "export", status: "complete", progress: { done: 3, failed: 0, total: 3 } });
    const bytes = new TextEncoder().encode(file.body).byteLength;
    expect(task.result).toEqual({ collection_id: collectionId, memories: 3, bytes });
  });

  it("answers the same task while it runs, to however many ask, and a new one after its end", async () => {
    const { collectionId } = await scene(1);
    arm("drops", "queue: sendBatch", 100);
    const asked = await Promise.all([1, 2, 3, 4].map(() => exportOf(collectionId, ASYNC)));
    const again = await exportOf(collectionId, ASYNC);
    const ids = new Set([...asked, again].map(({ body }) => body.task_id));
    expect(ids.size).toBe(1);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    await call("PATCH", `/v1/checkmate/tasks/${again.body.task_id}/cancel`);
    const next = await exportOf(collectionId, ASYNC);
    expect([next.status, ids.has(next.body.task_id)]).toEqual([202, false]);
    await call("DELETE", `/v1/batches/${next.body.task_id}`);
    expect((await exportOf(collectionId, ASYNC)).status).toBe(202);
  });

  it("keeps apart what is exported and what is analyzed, and each collection", async () => {
    const [one, other] = [await scene(1), await scene(1)];
    arm("drops", "queue: sendBatch", 100);
    const answers = await Promise.all([
      exportOf(one.collectionId, ASYNC),
      exportOf(other.collectionId, ASYNC),
      call("GET", `/v1/collections/${one.collectionId}/analyze`, { headers: ASYNC }),
    ]);
    expect(new Set(answers.map(({ body }) => body.task_id)).size).toBe(3);
  });

  it("starts a task exactly once for a requestId", async () => {
    const { collectionId } = await scene(1);
    const requestId = crypto.randomUUID();
    const first = await exportOf(collectionId, { ...ASYNC, requestId });
    await endOf(first.body.task_id);
    const second = await exportOf(collectionId, { ...ASYNC, requestId });
    expect(second.body.task_id).toBe(first.body.task_id);
    expect(second.headers.get("idempotent-replayed")).toBe("true");
  });

  it("waits for the end besides", async () => {
    const { collectionId } = await scene(1);
    const { body, headers } = await exportOf(collectionId, { Prefer: "respond-async, wait=20" });
    expect(body.status).toBe("complete");
    expect(headers.get("preference-applied")).toBe("respond-async, wait=20");
  });

  it("starts nothing for HEAD", async () => {
    const { collectionId } = await scene(1);
    resetFaults();
    const head = await call("HEAD", `/v1/collections/${collectionId}/export`, { headers: ASYNC });
    expect([head.status, head.headers.get("preference-applied")]).toEqual([200, null]);
    expect(loggedCalls().filter((label) => /claim|sendBatch/.test(label))).toEqual([]);
    expect(databaseCalls(READ)).toBe(0);
  });

  it("starts nothing when a query parameter is not known", async () => {
    const { collectionId } = await scene(1);
    const before = await rows("SELECT count(*) AS n FROM tasks");
    const answer = await call("GET", `/v1/collections/${collectionId}/export?wat=1`, { headers: ASYNC });
    expect([answer.status, answer.body.errors[0].pointer]).toEqual([422, "/query/wat"]);
    expect(await rows("SELECT count(*) AS n FROM tasks")).toEqual(before);
  });

  it("writes a large collection in pieces, which the file joins", { timeout: 60_000 }, async () => {
    const collectionId = await newEmpty();
    await fill(collectionId, 12_000);
    const id = await startWork("export", collectionId);
    const task = await endOf(id, 50_000);
    expect(task.progress).toMatchObject({ done: 12_000, total: 12_000 });
    expect(await filesOf(id)).toHaveLength(3);
    const file = await call("GET", task.links.file);
    expect(file.body).toBe((await exportOf(collectionId)).body);
  });
});

describe("checkmate-task-file-get", () => {
  it("answers 404 for a task that has no file, or has none yet", async () => {
    const { collectionId } = await scene(1);
    const rebuilt = await startWork("rebuild", collectionId);
    await endOf(rebuilt);
    arm("drops", "queue: sendBatch", 100);
    const open = await startWork("export", collectionId);
    for (const id of [rebuilt, open])
      expect((await call("GET", `/v1/checkmate/tasks/${id}/file`)).body.code).toBe("file-not-found");
    expect((await taskOf(rebuilt)).links.file).toBeUndefined();
  });

  it("answers 410 when the file is no longer kept, and the file goes with its task", async () => {
    const { collectionId } = await scene(1);
    const id = await startWork("export", collectionId);
    await endOf(id);
    expect(await filesOf(id)).toHaveLength(1);
    expect((await call("DELETE", `/v1/batches/${id}`)).status).toBe(204);
    expect(await filesOf(id)).toEqual([]);
    expect((await call("GET", `/v1/checkmate/tasks/${id}/file`)).body.code).toBe("task-deleted");
  });
});
