import { beforeEach, describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { loggedCalls, resetFaults } from "../../support/faults";
import { pointersOf, refusalOf } from "../../support/refusal";
import { bellOf } from "../../support/requests-object";
import { fill, isHeld, reserve, reserved, rowOf, sweepOver } from "../../support/reserve";
import { batchOf, endOf, putBatch, rows, scene } from "../../support/scene";
import { rowCounts } from "../../support/tenant";

beforeEach(() => resetFaults());

const HOUR_MS = 3_600_000;

describe("batches-id-reserve", () => {
  it("answers 201 with an id, its put key, and when it ends: in 24 hours", async () => {
    const before = Date.now();
    const answer = await reserve(crypto.randomUUID());
    const { id, put_key: putKey, expires_at: expiresAt, ...others } = answer.body;
    expect([answer.status, others]).toEqual([201, {}]);
    expect([id, putKey]).toEqual([expect.stringMatching(/^task_[0-9a-f]{32}$/), expect.stringMatching(/^\d+\..+/)]);
    expect(Date.parse(expiresAt) - 24 * HOUR_MS).toBeGreaterThanOrEqual(before);
    expect(Date.parse(expiresAt) - 24 * HOUR_MS).toBeLessThanOrEqual(Date.now());
    expect(answer.headers.get("location")).toBe(`/v1/batches/${id}`);
    expect(answer.headers.get("idempotent-replayed")).toBe("false");
  });

  it("answers the same to the same requestId", async () => {
    const requestId = crypto.randomUUID();
    const first = await reserve(requestId);
    const again = await reserve(requestId.toUpperCase());
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
  });

  it("answers the same after the fill, and after the end of the task", async () => {
    const requestId = crypto.randomUUID();
    const first = await reserve(requestId);
    const { id, put_key: putKey } = first.body;
    await fill({ id, putKey }, batchOf(await scene(1)));
    expect((await reserve(requestId)).body).toEqual(first.body);
    await endOf(id);
    expect((await reserve(requestId)).body).toEqual(first.body);
  });

  it("answers the same to a hundred calls at once: one makes it, the others find it", async () => {
    const requestId = crypto.randomUUID();
    const answers = await Promise.all(Array.from({ length: 100 }, () => reserve(requestId)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get("idempotent-replayed") === "false")).toHaveLength(1);
  });

  it("takes Idempotency-Key as another name of the requestId", async () => {
    const requestId = crypto.randomUUID();
    const first = await reserve(requestId);
    const headers = { "Idempotency-Key": `"${requestId}"` };
    expect((await call("POST", "/v1/batches/id", { headers })).body).toEqual(first.body);
  });

  it("holds a new id each time without a requestId", async () => {
    const answers = await Promise.all([call("POST", "/v1/batches/id"), call("POST", "/v1/batches/id")]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(2);
    expect(new Set(answers.map(({ body }) => body.put_key)).size).toBe(2);
  });

  it("refuses a requestId that a PUT has used, and leaves its task as it is", async () => {
    const requestId = crypto.randomUUID();
    const { id } = (await putBatch(requestId, batchOf(await scene(1)))).body;
    await endOf(id);
    const before = [await rowOf(id), await rowCounts()];
    const answer = await reserve(requestId);
    expect(refusalOf(answer)).toBe("422 request-id-reused");
    expect(answer.body).toMatchObject({ task_id: id, mismatch: [""] });
    expect([await rowOf(id), await rowCounts()]).toEqual(before);
  });

  it("takes an empty object as its body, or none", async () => {
    expect((await call("POST", "/v1/batches/id", { body: {} })).status).toBe(201);
    expect((await call("POST", "/v1/batches/id")).status).toBe(201);
  });

  it("refuses any other body, and holds nothing", async () => {
    const requestId = crypto.randomUUID();
    const before = await rowCounts();
    const withBody = (body: unknown) => call("POST", "/v1/batches/id", { body, headers: { requestId } });
    const unknown = await withBody({ name: "x" });
    expect([refusalOf(unknown), pointersOf(unknown)]).toEqual(["422 validation-failed", ["/name"]]);
    expect(refusalOf(await withBody([]))).toBe("422 validation-failed");
    expect(refusalOf(await withBody("{"))).toBe("400 json-invalid");
    expect(await rowCounts()).toEqual(before);
    expect((await reserve(requestId)).headers.get("idempotent-replayed")).toBe("false");
  });

  it.each(["none", "", "00000000-0000-0000-0000-000000000000"])("refuses the requestId %j", async (requestId) => {
    expect(refusalOf(await reserve(requestId))).toBe("400 request-id-invalid");
  });
});

describe("a reserved id", () => {
  it("is a requestId in use: batches-create refuses it with 422, and changes nothing", async () => {
    const from = await scene(1);
    const held = await reserved();
    const before = await rowOf(held.id);
    const answer = await putBatch(held.requestId, batchOf(from));
    expect(refusalOf(answer)).toBe("422 request-id-reused");
    expect(answer.body.task_id).toBe(held.id);
    expect(await rowOf(held.id)).toEqual(before);
    expect((await fill(held, batchOf(from))).status).toBe(201);
  });

  it("shows as unbound and not started, in every read", async () => {
    const { id, requestId } = await reserved();
    const unbound = { status: "unbound", operation: null, request_id: requestId, ended_at: null };
    expect((await call("GET", `/v1/batches/${id}`)).body).toMatchObject({ id, state: "not_started", ...unbound });
    expect((await call("GET", `/v1/batches/${id}/state`)).body).toMatchObject({ id, state: "not_started" });
    expect((await call("GET", `/v1/checkmate/tasks/${id}`)).body).toMatchObject({ task_id: id, ...unbound });
    expect((await call("GET", `/v1/checkmate/tasks/${id}/status`)).body).toMatchObject({ status: "unbound" });
    const listed = await call("GET", `/v1/batches?request_id=${requestId}`);
    expect(listed.body.items).toMatchObject([{ id, state: "not_started" }]);
    expect((await call("GET", "/v1/batches?state=not_started&limit=1")).body.items).toMatchObject([{ id }]);
  });

  it("is told by its requestId, with the time of its end", async () => {
    const { id, requestId, expiresAt } = await reserved();
    const { body } = await call("GET", `/v1/requests/${requestId}`);
    expect(body).toMatchObject({ task_id: id, status: "unbound", expires_at: expiresAt });
  });

  it("counts as held until it is filled", async () => {
    const held = await reserved();
    expect(await isHeld(held.id)).toBe(true);
    await fill(held, batchOf(await scene(1)));
    expect(await isHeld(held.id)).toBe(false);
  });

  it("is not rung for", async () => {
    await reserved();
    expect(loggedCalls().filter((label) => label.startsWith("queue: "))).toEqual([]);
  });

  it("is left alone by the consumer and the sweeper while it is young", async () => {
    const held = await reserved();
    const { ring_at_ms: _ring, rings: _rings, ...before } = await rowOf(held.id);
    expect((await bellOf(held.id)).explicitAcks).toEqual(["m0"]);
    await sweepOver(held.id);
    expect(await rowOf(held.id)).toMatchObject(before);
    expect(await rows("SELECT 1 FROM task_parts WHERE task_id = ?", held.id)).toEqual([]);
    expect((await fill(held, batchOf(await scene(1)))).status).toBe(201);
  });
});
