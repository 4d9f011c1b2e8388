import { beforeEach, describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { arm, resetFaults } from "../../support/faults";
import { newTenant } from "../../support/nouns";
import { refuses } from "../../support/refused";
import { batchOf, putBatch, rows, scene } from "../../support/scene";
import { insertTaskRows } from "../../support/task-rows";

beforeEach(() => resetFaults());

const PATH = "/v1/checkmate/tasks/cancel";
const cancel = (body: object, key?: string) => call("PATCH", PATH, key === undefined ? { body } : { body, key });
const canceled = (ids: readonly string[]) => ids.map((task_id) => ({ task_id, status: "canceled" }));
const statusesOf = async (namespaceId: string) =>
  rows("SELECT id, status FROM tasks WHERE namespace_id = ? ORDER BY created_at_ms, id", namespaceId);
const twenty = <T>(value: T) => Array.from({ length: 20 }, () => value);

describe("checkmate-tasks-cancel by a filter", () => {
  it("cancels what is open and matches, oldest first up to max_results, and says how many remain", async () => {
    const { namespaceId, key } = await newTenant();
    const other = await newTenant();
    const tags = ["nightly"];
    await insertTaskRows({ namespaceId: other.namespaceId, count: 1, tags });
    await insertTaskRows({ namespaceId, count: 2, tags, status: "complete", createdAtMs: 1, endedAtMs: 5 });
    const young = await insertTaskRows({ namespaceId, count: 3, tags, createdAtMs: 900_000 });
    const old = await insertTaskRows({ namespaceId, count: 2, tags, status: "retry" });
    const unlike = await insertTaskRows({ namespaceId, count: 1, tags: ["daily"] });
    const { body } = await cancel({ filter: { tag: "nightly" }, max_results: 3 }, key);
    const done = canceled([...old, ...young.slice(0, 1)]);
    expect(body).toEqual({ done, skipped: [], remaining: 2, dry_run: false });
    const rest = (await cancel({ filter: { tag: ["nightly"] } }, key)).body;
    expect(rest).toEqual({ done: canceled(young.slice(1)), skipped: [], remaining: 0, dry_run: false });
    expect(await rows("SELECT status FROM tasks WHERE id = ?", unlike[0])).toEqual([{ status: "created" }]);
    expect((await statusesOf(other.namespaceId)).map(({ status }) => status)).toEqual(["created"]);
  });

  it("takes a hundred where no number is given", async () => {
    const { namespaceId, key } = await newTenant();
    await insertTaskRows({ namespaceId, count: 103 });
    const { body } = await cancel({ filter: { type: "batch" }, dry_run: true }, key);
    expect([body.done.length, body.remaining]).toEqual([100, 3]);
  });

  it("knows status, operation, type, tag, name, time and request ids, and they must all fit", async () => {
    const { namespaceId, key } = await newTenant();
    const [id] = await insertTaskRows({ namespaceId, count: 1, tags: ["a", "b"], name: "n", createdAtMs: 1_000 });
    const of = async (filter: object) => {
      const { body } = await cancel({ filter, dry_run: true }, key);
      return body.done.map(({ task_id }: { task_id: string }) => task_id);
    };
    const fit = { status: ["created", "retry"], operation: "re-voice", type: ["batch"], tag: ["a", "b"], name: "n" };
    const since = "1970-01-01T00:00:01Z";
    expect(await of({ ...fit, since })).toEqual([id]);
    const others = [
      { status: "running" },
      { operation: ["export"] },
      { type: "interactive" },
      { tag: ["a", "c"] },
      { name: "m" },
      { since: "1970-01-01T00:00:01.001Z" },
      { request_id: crypto.randomUUID() },
    ];
    for (const unfit of others) expect([unfit, await of({ ...fit, ...unfit })]).toEqual([unfit, []]);
  });

  it("takes each of its lists at its full length", async () => {
    const { key } = await newTenant();
    const filter = {
      status: twenty("created"),
      operation: twenty("re-voice"),
      type: twenty("batch"),
      tag: twenty("a").map((tag, i) => `${tag}${i}`),
      request_id: twenty("").map(() => crypto.randomUUID()),
      name: "n",
      since: "2026-01-01T00:00:00Z",
    };
    expect((await cancel({ filter }, key)).body).toMatchObject({ done: [], skipped: [] });
  });

  it("finds a task by the request id that made it", async () => {
    arm("drops", "queue: sendBatch", 100);
    const requestId = crypto.randomUUID();
    const { id } = (await putBatch(requestId, batchOf(await scene(1)))).body;
    const { body } = await cancel({ filter: { request_id: [requestId.toUpperCase()] } });
    expect(body.done).toEqual(canceled([id]));
  });

  it("that matches nothing is an empty verdict, also where all that matches has ended", async () => {
    const { namespaceId, key } = await newTenant();
    await insertTaskRows({ namespaceId, count: 2, status: "complete", endedAtMs: 5, tags: ["done"] });
    const before = await rows("SELECT * FROM tasks WHERE namespace_id = ?", namespaceId);
    for (const filter of [{ tag: "no such tag" }, { tag: "done" }, { status: "complete" }]) {
      const { status, body } = await cancel({ filter }, key);
      expect([status, body]).toEqual([200, { done: [], skipped: [], remaining: 0, dry_run: false }]);
    }
    expect(await rows("SELECT * FROM tasks WHERE namespace_id = ?", namespaceId)).toEqual(before);
  });
});

const bad = (what: string, body: unknown, pointers: readonly string[]) => ({
  what,
  send: () => call("PATCH", PATH, { body }),
  refusal: "422 validation-failed",
  pointers,
});

describe("checkmate-tasks-cancel: the body", () => {
  const id = `task_${"0".repeat(32)}`;
  const several = Array.from({ length: 10_001 }, (_, i) => `task_${i}`);
  refuses([
    bad("neither ids nor a filter", {}, [""]),
    bad("both ids and a filter", { task_ids: [id], filter: { tag: "a" } }, [""]),
    bad("a filter that names nothing, which would cancel everything", { filter: {} }, ["/filter"]),
    bad("a filter whose only list is empty", { filter: { tag: [] } }, ["/filter/tag"]),
    bad("a filter that is null", { filter: null }, ["/filter"]),
    bad("no ids", { task_ids: [] }, ["/task_ids"]),
    bad("10,001 ids", { task_ids: several }, ["/task_ids"]),
    bad("an id that is no text", { task_ids: [id, 7] }, ["/task_ids/1"]),
    bad("ids that are no list", { task_ids: id }, ["/task_ids"]),
    bad("a filter that is not known", { filter: { tag: "a", colour: "red" } }, ["/filter/colour"]),
    bad("a status that is none", { filter: { status: "ended" } }, ["/filter/status"]),
    bad("a time that is none", { filter: { since: "yesterday" } }, ["/filter/since"]),
    bad("21 tags", { filter: { tag: several.slice(0, 21) } }, ["/filter/tag"]),
    bad("max_results of 0", { task_ids: [id], max_results: 0 }, ["/max_results"]),
    bad("max_results of 10,001", { task_ids: [id], max_results: 10_001 }, ["/max_results"]),
    bad("max_results of a half", { task_ids: [id], max_results: 1.5 }, ["/max_results"]),
    bad("a dry_run that is a word", { task_ids: [id], dry_run: "true" }, ["/dry_run"]),
  ]);
});
