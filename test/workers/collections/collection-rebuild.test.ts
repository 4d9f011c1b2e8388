import { beforeEach, describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { newEmpty, startWork } from "../../support/collection-files";
import { resetFaults } from "../../support/faults";
import { markDeleted } from "../../support/nouns";
import { endOf, rows, scene } from "../../support/scene";

beforeEach(() => resetFaults());

const rebuild = (id: string, headers: Record<string, string> = {}) =>
  call("PATCH", `/v1/collections/${id}/rebuild`, { headers });
const found = async (word: string) =>
  (await rows(`SELECT rowid FROM memory_words WHERE memory_words MATCH ?`, word)).length;

describe("collection-rebuild", () => {
  it("answers 202 with a task that indexes each memory again", async () => {
    const { collectionId } = await scene(3);
    const answer = await rebuild(collectionId);
    expect([answer.status, Object.keys(answer.body).toSorted()]).toEqual([202, ["links", "status", "task_id"]]);
    expect(await endOf(answer.body.task_id)).toMatchObject({
      operation: "rebuild",
      status: "complete",
      progress: { done: 3, failed: 0, total: 3 },
      result: { collection_id: collectionId, memories: 3 },
    });
  });

  it("brings back what the index has lost, and doubles nothing", async () => {
    const { collectionId } = await scene([{ text: "The quokka smiled." }, { text: "The wombat dug." }]);
    await rows(
      "DELETE FROM memory_words WHERE rowid IN (SELECT seq FROM memories WHERE collection_id = ? AND text LIKE '%quokka%')",
      collectionId,
    );
    expect([await found("quokka"), await found("wombat")]).toEqual([0, 1]);
    await endOf((await rebuild(collectionId)).body.task_id);
    expect([await found("quokka"), await found("wombat")]).toEqual([1, 1]);
  });

  it("leaves the memories as they are, and those of others, and what was deleted out of the index", async () => {
    const [own, other] = [await scene([{ text: "An okapi." }, { text: "A lorikeet." }]), await scene(1)];
    await markDeleted("memories", own.memoryIds[1] ?? "");
    const read = () =>
      rows("SELECT * FROM memories WHERE collection_id IN (?, ?)", own.collectionId, other.collectionId);
    const before = await read();
    await endOf((await rebuild(own.collectionId)).body.task_id);
    expect(await read()).toEqual(before);
    expect([await found("okapi"), await found("lorikeet")]).toEqual([1, 0]);
  });

  it("starts a task exactly once for a requestId, and a new one each time without", async () => {
    const { collectionId } = await scene(1);
    const headers = { requestId: crypto.randomUUID() };
    const answers = [
      await rebuild(collectionId, headers),
      await rebuild(collectionId, headers),
      await rebuild(collectionId),
    ];
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    const ids = answers.map(({ body }) => body.task_id);
    expect([ids[0] === ids[1], new Set(ids).size]).toEqual([true, 2]);
  });

  it("takes an empty object, and refuses any other body", async () => {
    const { collectionId } = await scene(1);
    const path = `/v1/collections/${collectionId}/rebuild`;
    expect((await call("PATCH", path, { body: {} })).status).toBe(202);
    expect((await call("PATCH", path, { body: { all: true } })).body.errors[0].pointer).toBe("/all");
  });

  it("does not start for a collection that is not there, or deleted", async () => {
    const id = await newEmpty();
    await markDeleted("collections", id);
    const before = await rows("SELECT count(*) AS n FROM tasks");
    expect((await rebuild(`collection_${"0".repeat(32)}`)).body.code).toBe("collection-not-found");
    expect((await rebuild(id)).body.code).toBe("collection-deleted");
    expect(await rows("SELECT count(*) AS n FROM tasks")).toEqual(before);
  });
});

describe("batches-create", () => {
  it("takes export, analyze and rebuild, with labels, and points to a collection that is not there", async () => {
    const { collectionId } = await scene(1);
    for (const operation of ["export", "analyze", "rebuild"]) {
      const put = (collection_id: string) =>
        call("PUT", "/v1/batches", {
          body: { operation, collection_id, name: "n", tags: ["t"] },
          headers: { requestId: crypto.randomUUID() },
        });
      const made = await put(collectionId);
      expect(made).toMatchObject({ status: 201, body: { operation, name: "n", tags: ["t"] } });
      const refused = await put("no-id-of-ours");
      expect([refused.status, refused.body.errors[0].pointer]).toEqual([404, "/collection_id"]);
    }
  });

  it("takes any of them as items of a bulk", async () => {
    const { agentId, collectionId } = await scene(1);
    const items = [
      { operation: "re-voice", agent_id: agentId, collection_id: collectionId, target: { name: "retold" } },
      ...["export", "analyze", "rebuild"].map((operation) => ({ operation, collection_id: collectionId })),
      { operation: "import", collection_id: collectionId },
    ];
    const { body } = await call("PUT", "/v1/batches", { body: { items }, headers: { requestId: crypto.randomUUID() } });
    expect(body.results.map(({ status }: any) => status)).toEqual([201, 201, 201, 201, 422]);
    for (const { task_id } of body.results.slice(0, 4)) expect((await endOf(task_id)).status).toBe("complete");
  });

  it("lists the tasks of an operation", async () => {
    const { collectionId } = await scene(1);
    const id = await startWork("analyze", collectionId);
    const { body } = await call("GET", "/v1/checkmate/tasks?operation=analyze&operation=export&limit=100");
    expect(body.items.map(({ task_id }: any) => task_id)).toContain(id);
    expect(new Set(body.items.map(({ operation }: any) => operation))).not.toContain("rebuild");
  });
});
