import { beforeEach, describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { arm, resetFaults } from "../../support/faults";
import { batchOf, endOf, onceEach, putBatch, reVoiced, rows, scene } from "../../support/scene";

beforeEach(() => resetFaults());

const putBulk = (requestId: string, items: unknown) => putBatch(requestId, { items });
const statuses = (answer: { body: any }) => answer.body.results.map((result: any) => result.status);
const taskIds = (answer: { body: any }): string[] => answer.body.results.map((result: any) => result.task_id);
const cancel = (requestId: string) => call("PATCH", `/v1/requests/${requestId}/cancel`);
const statusOf = async (id: string) => (await call("GET", `/v1/batches/${id}`)).body.status;

describe("batches-create with items", () => {
  it("creates a task for each item, with a verdict each, in their order", async () => {
    const from = await scene(2);
    const answer = await putBulk(crypto.randomUUID(), [batchOf(from, { name: "a" }), batchOf(from, { name: "b" })]);
    expect(answer.status).toBe(200);
    expect(answer.body.results).toMatchObject([
      { index: 0, status: 201, replayed: false, problem: null },
      { index: 1, status: 201, replayed: false, problem: null },
    ]);
    const names = await Promise.all(taskIds(answer).map((id) => endOf(id)));
    expect(names.map((task) => [task.name, task.status])).toEqual([
      ["a", "complete"],
      ["b", "complete"],
    ]);
    expect((await call("GET", answer.body.results[0].links.self)).status).toBe(200);
  });

  it("takes a hundred, and sent again gives the same tasks", async () => {
    const from = await scene(1);
    arm("drops", "queue: sendBatch", 1_000);
    const requestId = crypto.randomUUID();
    const items = Array.from({ length: 100 }, (_, i) => batchOf(from, { name: `n${i}` }));
    const [first, twin] = await Promise.all([putBulk(requestId, items), putBulk(requestId, items)]);
    const again = await putBulk(requestId, items);
    expect(new Set(taskIds(first)).size).toBe(100);
    expect(taskIds(twin)).toEqual(taskIds(first));
    expect(taskIds(again)).toEqual(taskIds(first));
    const created = [...statuses(first), ...statuses(twin)].filter((status) => status === 201);
    expect(created).toHaveLength(100);
    expect(statuses(again)).toEqual(Array.from({ length: 100 }, () => 200));
    await Promise.all(taskIds(first).map((id) => call("PATCH", `/v1/checkmate/tasks/${id}/cancel`)));
  });

  it("takes a hundred that are longer together than D1 takes for one value", async () => {
    const from = await scene(1);
    arm("drops", "queue: sendBatch", 1_000);
    const instructions = "Tell it slowly. ".repeat(250);
    const items = Array.from({ length: 100 }, (_, i) => batchOf(from, { instructions, name: `n${i}` }));
    const answer = await putBulk(crypto.randomUUID(), items);
    expect(new Set(statuses(answer))).toEqual(new Set([201]));
    const stored = "SELECT name FROM tasks WHERE id IN (SELECT value FROM json_each(?)) AND length(command) > 4000";
    expect(await rows(stored, JSON.stringify(taskIds(answer)))).toHaveLength(100);
  });

  it("lets a refused item spoil no other, and points to it from the item", async () => {
    const from = await scene(1);
    const items = [
      batchOf(from),
      batchOf(from, { agent_id: "agent_x" }),
      batchOf(from, { colour: "red" }),
      batchOf(from, { request_id: "no-guid" }),
      17,
    ];
    const answer = await putBulk(crypto.randomUUID(), items);
    expect(statuses(answer)).toEqual([201, 404, 422, 422, 422]);
    expect(answer.body.results[2].problem).toMatchObject({
      code: "validation-failed",
      errors: [{ pointer: "/colour" }],
    });
    expect(answer.body.results[3].problem.errors[0].pointer).toBe("/items/3/request_id");
    expect(answer.body.results.filter((result: any) => result.task_id !== null)).toHaveLength(1);
  });

  it("gives one task and two equal tellings for an id that stands twice with equal bodies", async () => {
    const from = await scene(2);
    const request_id = crypto.randomUUID();
    const item = batchOf(from, { request_id });
    const answer = await putBulk(crypto.randomUUID(), [item, item, batchOf(from, { request_id, name: "other" })]);
    const ids = taskIds(answer).filter(Boolean);
    const [a, b, c] = statuses(answer);
    expect([a, b, c].toSorted()).toEqual([200, 201, 422]);
    expect(new Set(ids).size).toBe(1);
    expect(await rows("SELECT id FROM tasks WHERE request_id = ?", request_id)).toHaveLength(1);
  });

  it("takes an item for what a PUT of it alone under the same id is", async () => {
    const from = await scene(2);
    const request_id = crypto.randomUUID();
    const alone = await putBatch(request_id, batchOf(from));
    const answer = await putBulk(crypto.randomUUID(), [batchOf(from, { request_id: request_id.toUpperCase() })]);
    expect(answer.body.results).toMatchObject([{ status: 200, replayed: true, task_id: alone.body.id }]);
  });

  it("can be sent again after a failure: what was lost is made, what was made is found", async () => {
    const from = await scene(3);
    const requestId = crypto.randomUUID();
    const items = [batchOf(from, { name: "a" }), batchOf(from, { name: "b" })];
    // Where both are written together, the first failure is of both, and each is tried by itself.
    arm("fails-before", "INSERT INTO tasks", 2);
    const first = await putBulk(requestId, items);
    const lost = statuses(first).map((status: number) => (status === 503 ? 201 : 200));
    expect(statuses(first)).toContain(503);
    const again = await putBulk(requestId, items);
    expect(statuses(again)).toEqual(lost);
    for (const id of taskIds(again)) expect(await onceEach(from, await endOf(id))).toBe(true);
    expect(await reVoiced(taskIds(again)[0] ?? "")).toHaveLength(3);
  });

  it.each([
    ["no items", [], "/items"],
    ["101 items", Array.from({ length: 101 }, () => ({})), "/items"],
    ["items that are no list", { 0: {} }, "/items"],
  ])("refuses %s as a whole", async (_, items, pointer) => {
    const refused = await putBulk(crypto.randomUUID(), items);
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, pointer]);
  });

  it("refuses an unknown field beside the items, and a bulk without a requestId", async () => {
    const from = await scene(1);
    const refused = await putBatch(crypto.randomUUID(), { items: [batchOf(from)], colour: "red" });
    expect(refused.body.errors).toMatchObject([{ pointer: "/colour" }]);
    expect((await call("PUT", "/v1/batches", { body: { items: [batchOf(from)] } })).body.code).toBe(
      "request-id-missing",
    );
  });
});

describe("the request of a bulk", () => {
  it("freezes no verdict: sent again, what stands is replayed, and what was refused is tried again", async () => {
    const [from, gone] = [await scene(1), await scene(1)];
    const requestId = crypto.randomUUID();
    const items = [batchOf(from), batchOf(gone)];
    await call("DELETE", `/v1/agents/${gone.agentId}`);
    const first = await putBulk(requestId, items);
    expect(statuses(first)).toEqual([201, 410]);
    await call("PATCH", `/v1/agents/${gone.agentId}/undelete`);
    const again = await putBulk(requestId, items);
    expect([statuses(again), taskIds(again)[0]]).toEqual([[200, 201], taskIds(first)[0]]);
  });

  it("is canceled with what it made, and not with what it found", async () => {
    const from = await scene(1);
    arm("drops", "queue: sendBatch", 1_000);
    const [requestId, request_id] = [crypto.randomUUID(), crypto.randomUUID()];
    const found = (await putBatch(request_id, batchOf(from))).body.id;
    const [made = ""] = taskIds(await putBulk(requestId, [batchOf(from), batchOf(from, { request_id })]));
    expect((await cancel(requestId)).body.made).toMatchObject([{ id: made }]);
    expect([await statusOf(made), await statusOf(found)]).toEqual(["canceled", "created"]);
  });

  it("stays canceled: what its repeat still makes is born canceled", async () => {
    const [from, gone] = [await scene(1), await scene(1)];
    const requestId = crypto.randomUUID();
    const items = [batchOf(from), batchOf(gone)];
    await call("DELETE", `/v1/agents/${gone.agentId}`);
    await putBulk(requestId, items);
    await cancel(requestId);
    await call("PATCH", `/v1/agents/${gone.agentId}/undelete`);
    const again = await putBulk(requestId, items);
    expect(statuses(again)).toEqual([200, 201]);
    expect(await Promise.all(taskIds(again).map(statusOf))).toEqual(["canceled", "canceled"]);
  });

  it("is one of two with different items at once: the other is refused as a whole, and makes nothing", async () => {
    const from = await scene(1);
    arm("drops", "queue: sendBatch", 1_000);
    for (let round = 0; round < 5; round++) {
      const requestId = crypto.randomUUID();
      const bulkOf = () => [1, 2, 3].map(() => batchOf(from, { request_id: crypto.randomUUID() }));
      const bulks = [bulkOf(), bulkOf()];
      const answers = await Promise.all(bulks.map((items) => putBulk(requestId, items)));
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 422]);
      const lost = bulks[answers.findIndex(({ status }) => status === 422)] ?? [];
      const ids = JSON.stringify(lost.map((item) => item["request_id"]));
      expect(await rows("SELECT 1 FROM tasks WHERE request_id IN (SELECT value FROM json_each(?))", ids)).toEqual([]);
    }
  });

  it("is retired with the last that it made, and refused as a whole then", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    const made = taskIds(await putBulk(requestId, [batchOf(from), batchOf(from, { name: "b" })]));
    for (const id of made) await call("DELETE", `/v1/batches/${id}`);
    const refused = await putBulk(requestId, [batchOf(from), batchOf(from, { name: "b" })]);
    expect(refused.body).toMatchObject({ status: 410, code: "request-id-retired" });
    expect((await cancel(requestId)).status).toBe(410);
  });
});

describe("batches-submit with items", () => {
  it("takes an item with an id of its own for what a PUT of it is", async () => {
    const from = await scene(1);
    const request_id = crypto.randomUUID();
    const first = await call("POST", "/v1/batches", { body: { items: [batchOf(from, { request_id })] } });
    const alone = await putBatch(request_id, batchOf(from));
    expect([alone.status, alone.body.id]).toEqual([200, taskIds(first)[0]]);
  });

  it("makes new tasks each time", async () => {
    const from = await scene(1);
    const post = () => call("POST", "/v1/batches", { body: { items: [batchOf(from)] } });
    const [a, b] = [await post(), await post()];
    expect([statuses(a), statuses(b)]).toEqual([[201], [201]]);
    expect(taskIds(a)).not.toEqual(taskIds(b));
  });
});
