import { beforeAll, describe, expect, it } from "vitest";
import { call, until } from "../../support/api";
import { arm, watchCalls } from "../../support/faults";
import { taskOfRequest } from "../../support/requests-object";
import { batchOf, endOf, onceEach, putBatch, reVoiced, rows, type Scene, scene, taskOf } from "../../support/scene";

let life: Scene;
beforeAll(async () => {
  life = await scene(3);
});

describe("batches-create", () => {
  it("answers the first call with 201, its place and the created task", async () => {
    const requestId = crypto.randomUUID();
    const answer = await putBatch(requestId, batchOf(life, { name: "first", tags: ["a"] }));
    expect(answer.status).toBe(201);
    expect(answer.headers.get("idempotent-replayed")).toBe("false");
    expect(answer.headers.get("location")).toBe(`/v1/batches/${answer.body.id}`);
    expect(answer.body).toMatchObject({ state: "starting", status: "created", request_id: requestId, name: "first" });
    expect(answer.body.id).toBe(answer.body.task_id);
  });

  it("shows the task to every read and list once it has answered, before any consumer has seen it", async () => {
    arm("drops", "queue: sendBatch");
    const requestId = crypto.randomUUID();
    const { id } = (await putBatch(requestId, batchOf(life))).body;
    expect((await call("GET", `/v1/batches/${id}`)).status).toBe(200);
    expect((await call("GET", `/v1/checkmate/tasks/${id}`)).status).toBe(200);
    expect((await call("GET", `/v1/batches?request_id=${requestId}`)).body.items).toHaveLength(1);
    expect((await call("GET", `/v1/requests/${requestId}`)).body.task_id).toBe(id);
  });

  it("answers an identical retry with 200 and the task as it is now", async () => {
    const requestId = crypto.randomUUID();
    const first = await putBatch(requestId, batchOf(life));
    await endOf(first.body.id);
    const again = await putBatch(requestId, batchOf(life));
    expect(again.status).toBe(200);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(again.body).toMatchObject({ id: first.body.id, status: "complete" });
  });

  it("takes a body whose keys stand in another order, and an id in capitals, for the same request", async () => {
    const requestId = crypto.randomUUID();
    const first = await putBatch(requestId, batchOf(life));
    const turned = Object.fromEntries(Object.entries(batchOf(life)).toReversed());
    const again = await putBatch(requestId.toUpperCase(), turned);
    expect([again.status, again.body.id]).toEqual([200, first.body.id]);
  });

  it("takes Idempotency-Key for requestId, bare or as a quoted string", async () => {
    const requestId = crypto.randomUUID();
    const first = await putBatch(requestId, batchOf(life));
    for (const key of [requestId, `"${requestId}"`]) {
      const again = await call("PUT", "/v1/batches", { body: batchOf(life), headers: { "Idempotency-Key": key } });
      expect([again.status, again.body.id]).toEqual([200, first.body.id]);
    }
  });

  it("makes one task of a hundred identical calls at once, and re-voices each memory once", async () => {
    const crowd = await scene(40);
    const requestId = crypto.randomUUID();
    const answers = await Promise.all(Array.from({ length: 100 }, () => putBatch(requestId, batchOf(crowd))));
    const statuses = answers.map((answer) => answer.status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status === 200)).toHaveLength(99);
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(await rows("SELECT id FROM tasks WHERE request_id = ?", requestId)).toHaveLength(1);
    const task = await endOf(answers[0]?.body.id);
    expect(await onceEach(crowd, task)).toBe(true);
    expect(task.attempts).toBe(1);
    expect(await rows("SELECT run FROM tasks WHERE id = ?", task.task_id)).toEqual([{ run: 1 }]);
  });

  it("lets one of two different bodies win when they race, and refuses the other", async () => {
    const requestId = crypto.randomUUID();
    const bodies = [batchOf(life, { name: "a" }), batchOf(life, { name: "b" })];
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => putBatch(requestId, bodies[i % 2])));
    const winner = answers.find((answer) => answer.status === 201)?.body.name;
    for (const [i, answer] of answers.entries()) {
      const own = i % 2 === 0 ? "a" : "b";
      expect(answer.status === 422).toBe(own !== winner);
    }
    expect(await rows("SELECT name FROM tasks WHERE request_id = ?", requestId)).toEqual([{ name: winner }]);
  });

  it("wakes who waits when the task ends, and answers in the end state with the same code", async () => {
    const answer = await putBatch(crypto.randomUUID(), batchOf(life), { Prefer: "wait=20" });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("preference-applied")).toBe("wait=20");
    expect(answer.body).toMatchObject({ status: "complete", state: "success" });
  });

  it("gives another namespace its own task for the same id", async () => {
    const space = await call("PUT", "/v1/namespaces", { body: { name: "other" } });
    const made = await call("PUT", "/v1/keys", { body: { name: "k", namespace_id: space.body.namespace_id } });
    const key: string = made.body.key;
    const requestId = crypto.randomUUID();
    const ours = await putBatch(requestId, batchOf(life));
    const theirs = await call("PUT", "/v1/batches", { body: batchOf(life), headers: { requestId }, key });
    expect(ours.status).toBe(201);
    expect([theirs.status, theirs.body.code]).toEqual([404, "agent-not-found"]);
    expect((await call("GET", `/v1/requests/${requestId}`, { key })).status).toBe(404);
  });
});

describe("batches-create, asked for something else with a known requestId", () => {
  it("answers 422 with pointers to what differs and never with values", async () => {
    const requestId = crypto.randomUUID();
    const first = await putBatch(requestId, batchOf(life, { agent_memory_settings: { top_k_vectors: 5 } }));
    const other = batchOf(life, {
      agent_memory_settings: { top_k_vectors: 77, min_score: 0.7654321 },
      memo: "secret words",
    });
    const refused = await putBatch(requestId, other);
    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({ code: "request-id-reused", task_id: first.body.id, retryable: false });
    expect(refused.body.mismatch.toSorted()).toEqual([
      "/agent_memory_settings/min_score",
      "/agent_memory_settings/top_k_vectors",
      "/memo",
    ]);
    expect(refused.body.first_seen_at).toBeTruthy();
    expect(JSON.stringify(refused.body)).not.toMatch(/0\.7654321|secret words/);
  });

  it("answers 422 for the same id on another operation, and leaves the first task alone", async () => {
    const requestId = crypto.randomUUID();
    const first = await putBatch(requestId, batchOf(life));
    const refused = await call("PUT", path(), { body: { target: { name: "retold" } }, headers: { requestId } });
    expect([refused.status, refused.body.code]).toEqual([422, "request-id-reused"]);
    expect(refused.body.mismatch).toContain("");
    expect((await endOf(first.body.id)).status).toBe("complete");
  });

  it("points to an unknown field of the second body rather than refusing its schema", async () => {
    const requestId = crypto.randomUUID();
    await putBatch(requestId, batchOf(life));
    const refused = await putBatch(requestId, batchOf(life, { colour: "red" }));
    expect(refused.body).toMatchObject({ code: "request-id-reused", mismatch: ["/colour"] });
  });
});

describe("batches-create, order of checks", () => {
  it("never uses up the id of a refused request", async () => {
    const requestId = crypto.randomUUID();
    expect((await putBatch(requestId, batchOf(life, { agent_id: "agent_x" }))).status).toBe(404);
    expect((await putBatch(requestId, batchOf(life, { colour: "red" }))).status).toBe(422);
    expect((await call("GET", `/v1/requests/${requestId}`)).status).toBe(404);
    const made = await putBatch(requestId, batchOf(life));
    expect([made.status, made.body.status]).toEqual([201, "created"]);
  });

  it("replays though the agent was deleted and the source emptied since", async () => {
    const gone = await scene(2);
    const requestId = crypto.randomUUID();
    const first = await putBatch(requestId, batchOf(gone));
    await endOf(first.body.id);
    await call("DELETE", `/v1/agents/${gone.agentId}`);
    const again = await putBatch(requestId, batchOf(gone));
    expect([again.status, again.body.id]).toEqual([200, first.body.id]);
    const fresh = await putBatch(crypto.randomUUID(), batchOf(gone));
    expect([fresh.status, fresh.body.code]).toEqual([410, "agent-deleted"]);
  });

  it("checks the key before the header, the header before the body, and the body's form before the look-up", async () => {
    const broken = { body: "{", headers: { requestId: "x" } };
    expect((await call("PUT", "/v1/batches", { ...broken, key: null })).status).toBe(401);
    expect((await call("PUT", "/v1/batches", broken)).body.code).toBe("request-id-invalid");
    const requestId = crypto.randomUUID();
    await putBatch(requestId, batchOf(life));
    expect((await putBatch(requestId, "{")).body.code).toBe("json-invalid");
  });

  it("does not ask the requests object for a task, nor for its request", async () => {
    const requestId = crypto.randomUUID();
    const calls = watchCalls([await taskOfRequest(requestId)]);
    const { id } = (await putBatch(requestId, batchOf(life))).body;
    await endOf(id);
    // The consumer tells the object of the end, after the end.
    await until(
      async () => calls.includes("object: ended"),
      (told) => told,
    );
    const before = calls.length;
    await taskOf(id);
    await call("GET", `/v1/requests/${requestId}`);
    const later = calls.slice(before);
    expect(later.filter((label) => label.startsWith("object:"))).toEqual([]);
    expect(later).not.toEqual([]);
  });
});

describe("batches-submit", () => {
  it("makes a new task each time, whatever requestId is sent", async () => {
    const headers = { requestId: crypto.randomUUID() };
    const [a, b] = await Promise.all([1, 2].map(() => call("POST", "/v1/batches", { body: batchOf(life), headers })));
    expect([a?.status, b?.status]).toEqual([201, 201]);
    expect(a?.body.id).not.toBe(b?.body.id);
    expect(a?.body.request_id).not.toBe(headers.requestId);
  });
});

const path = () => `/v1/agents/${life.agentId}/collections/${life.collectionId}/re-voice`;

describe("agent-collection-re-voice", () => {
  it("answers 202 with the task's id, status and links alone, first and replay", async () => {
    const headers = { requestId: crypto.randomUUID() };
    const body = { target: { name: "retold" } };
    const first = await call("PUT", path(), { body, headers });
    const again = await call("PUT", path(), { body, headers });
    expect([first.status, again.status]).toEqual([202, 202]);
    expect(Object.keys(first.body).toSorted()).toEqual(["links", "status", "task_id"]);
    expect(again.body.task_id).toBe(first.body.task_id);
    expect([first, again].map((answer) => answer.headers.get("idempotent-replayed"))).toEqual(["false", "true"]);
    expect(first.headers.get("location")).toBe(`/v1/checkmate/tasks/${first.body.task_id}`);
    expect((await endOf(first.body.task_id)).status).toBe("complete");
    expect(await reVoiced(first.body.task_id)).toHaveLength(3);
  });

  it("needs no requestId: then every call makes a task", async () => {
    const body = { target: { name: "retold" } };
    const [a, b] = await Promise.all([1, 2].map(() => call("PUT", path(), { body })));
    expect(a?.status).toBe(202);
    expect(a?.body.task_id).not.toBe(b?.body.task_id);
  });
});
