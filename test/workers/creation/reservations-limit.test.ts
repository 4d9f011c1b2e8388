import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { type Answer, call } from "../../support/api";
import { reservationCall } from "../../support/creation-calls";
import { arm, firedFaults, resetFaults } from "../../support/faults";
import { objectOf } from "../../support/placement";
import { refusalOf } from "../../support/refusal";
import { taskOfRequest } from "../../support/requests-object";
import { fill, type Held, isHeld, reserve, reserved } from "../../support/reserve";
import { batchOf, endOf, putBatch, rows, scene } from "../../support/scene";

const LIMIT = 1_000;
const DAY_MS = 86_400_000;

let namespaceId: string;

beforeEach(async () => {
  resetFaults();
  const [found] = await rows<{ id: string }>("SELECT id FROM namespaces WHERE name = 'default'");
  namespaceId = found?.id ?? "";
  await rows("UPDATE requests SET held_until_ms = NULL WHERE held_until_ms IS NOT NULL");
});

/** The namespace comes to hold so many ids. */
async function holdUpTo(count: number, untilMs = Date.now() + DAY_MS): Promise<void> {
  await env.DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
     INSERT INTO requests (id, namespace_id, request_id, door, call_id, canceled, held_until_ms, first_seen_at_ms,
       last_seen_at_ms)
     SELECT 'other_' || lower(hex(randomblob(16))), ?1, 'other', 'cancel', 'other', 1, ?2, 1, 1 FROM n
     LIMIT max(0, ?3 - (SELECT count(*) FROM requests WHERE namespace_id = ?1 AND held_until_ms IS NOT NULL))`,
  )
    .bind(namespaceId, untilMs, count)
    .run();
  expect(await countHeld()).toBe(count);
}

async function countHeld(): Promise<number> {
  const held = "SELECT 1 FROM requests WHERE namespace_id = ? AND held_until_ms IS NOT NULL";
  return (await rows(held, namespaceId)).length;
}

const tryToReserve = () => reserve(crypto.randomUUID());
const cancel = (requestId: string) => call("PATCH", `/v1/requests/${requestId}/cancel`);
const TOO_MANY = "429 too-many-held-ids";

function tally(answers: readonly Answer[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

describe("the limit of held ids", () => {
  it("refuses one reservation more than 1,000 in a namespace, and claims nothing for it", async () => {
    await holdUpTo(LIMIT - 1);
    expect((await tryToReserve()).status).toBe(201);
    const requestId = crypto.randomUUID();
    expect(refusalOf(await reserve(requestId))).toBe(TOO_MANY);
    expect((await call("GET", `/v1/requests/${requestId}`)).status).toBe(404);
    expect(await countHeld()).toBe(LIMIT);
  });

  it("tells a client not to try again at once", async () => {
    await holdUpTo(LIMIT);
    expect((await tryToReserve()).headers.get("retry-after")).toBe("60");
  });

  it("is each namespace's own", async () => {
    const other = "another-namespace";
    await holdUpTo(LIMIT);
    await rows("UPDATE requests SET namespace_id = ? WHERE held_until_ms IS NOT NULL", other);
    expect((await tryToReserve()).status).toBe(201);
  });

  it("does not refuse the replay of a reservation", async () => {
    const requestId = crypto.randomUUID();
    const first = await reserve(requestId);
    await holdUpTo(LIMIT);
    const again = await reserve(requestId);
    expect([again.status, again.body]).toEqual([201, first.body]);
  });

  it("counts nothing for a reservation whose row was not written", async () => {
    const requestId = crypto.randomUUID();
    await holdUpTo(LIMIT - 1);
    arm("fails-before", "INSERT INTO tasks");
    expect((await reserve(requestId)).status).toBe(503);
    expect(firedFaults()).toHaveLength(1);
    expect(await countHeld()).toBe(LIMIT - 1);
    expect((await reserve(requestId)).status).toBe(201);
    expect(await countHeld()).toBe(LIMIT);
  });

  it("does not refuse a fill, or another creation", async () => {
    const from = await scene(1);
    const held = await reserved();
    await holdUpTo(LIMIT);
    expect((await putBatch(crypto.randomUUID(), batchOf(from))).status).toBe(201);
    expect((await fill(held, batchOf(from))).status).toBe(201);
  });

  it("counts nothing for a reservation that is refused, because another request has its id", async () => {
    const requestId = crypto.randomUUID();
    await putBatch(requestId, batchOf(await scene(1)));
    expect(refusalOf(await reserve(requestId))).toBe("422 request-id-reused");
    expect(await countHeld()).toBe(0);
  });

  it("is not passed by six that one object writes together, each counted in the statement that inserts it", async () => {
    await holdUpTo(LIMIT - 3);
    const calls = await Promise.all(Array.from({ length: 6 }, () => reservationCall(namespaceId)));
    const answers = await objectOf(calls[0]?.taskId ?? "").create(calls, null);
    const codes = answers.map((answer) => (answer.kind === "refused" ? answer.error.code : answer.kind));
    expect(codes.toSorted()).toEqual([...Array(3).fill("made"), ...Array(3).fill("too-many-held-ids")]);
    expect(await countHeld()).toBe(LIMIT);
  });

  it("is not passed by fifty reservations at once", async () => {
    await holdUpTo(LIMIT - 10);
    const answers = await Promise.all(Array.from({ length: 50 }, tryToReserve));
    expect(tally(answers)).toEqual({ 201: 10, 429: 40 });
    expect(await countHeld()).toBe(LIMIT);
  });

  it("holds one id for fifty reservations of one requestId at once", async () => {
    await holdUpTo(LIMIT - 1);
    const requestId = crypto.randomUUID();
    const answers = await Promise.all(Array.from({ length: 50 }, () => reserve(requestId)));
    expect(tally(answers)).toEqual({ 201: 50 });
    expect(await countHeld()).toBe(LIMIT);
  });
});

describe("room below the limit", () => {
  it("comes with a fill", async () => {
    const held = await reserved();
    await holdUpTo(LIMIT);
    expect(refusalOf(await tryToReserve())).toBe(TOO_MANY);
    await fill(held, batchOf(await scene(1)));
    expect((await tryToReserve()).status).toBe(201);
  });

  it.each([
    ["the task", ({ id }: Held) => call("PATCH", `/v1/checkmate/tasks/${id}/cancel`)],
    ["the requestId", ({ requestId }: Held) => cancel(requestId)],
  ])("comes with a cancel of %s", async (_, cancelIt) => {
    const held = await reserved();
    await holdUpTo(LIMIT);
    expect((await cancelIt(held)).status).toBe(200);
    expect(await isHeld(held.id)).toBe(false);
    expect((await tryToReserve()).status).toBe(201);
  });

  it("comes with a deletion", async () => {
    const held = await reserved();
    await holdUpTo(LIMIT);
    expect((await call("DELETE", `/v1/batches/${held.id}`)).status).toBe(204);
    expect((await tryToReserve()).status).toBe(201);
  });

  it("comes with time, though nobody cleans up", async () => {
    await holdUpTo(LIMIT, Date.now() - 1);
    expect((await tryToReserve()).status).toBe(201);
  });
});

describe("a cancel that comes before its creation", () => {
  it("holds its id", async () => {
    const requestId = crypto.randomUUID();
    await cancel(requestId);
    expect(await isHeld(await taskOfRequest(requestId))).toBe(true);
  });

  it("is refused at the limit, and its id stays free", async () => {
    const from = await scene(1);
    await holdUpTo(LIMIT);
    const requestId = crypto.randomUUID();
    expect(refusalOf(await cancel(requestId))).toBe(TOO_MANY);
    const made = await putBatch(requestId, batchOf(from));
    expect([made.status, made.body.status]).toEqual([201, "created"]);
    expect((await endOf(made.body.id)).status).toBe("complete");
  });

  it("may be repeated at the limit", async () => {
    const requestId = crypto.randomUUID();
    await cancel(requestId);
    await holdUpTo(LIMIT);
    expect((await cancel(requestId)).body.status).toBe("canceled");
  });

  it("lets its id go when the creation comes", async () => {
    const requestId = crypto.randomUUID();
    await cancel(requestId);
    const { id } = (await putBatch(requestId, batchOf(await scene(1)))).body;
    expect([id, await isHeld(id)]).toEqual([await taskOfRequest(requestId), false]);
  });

  it("lets its id go when a reservation comes, which is born canceled", async () => {
    const requestId = crypto.randomUUID();
    const taskId = await taskOfRequest(requestId);
    await cancel(requestId);
    expect((await reserve(requestId)).body.id).toBe(taskId);
    expect((await call("GET", `/v1/batches/${taskId}`)).body.status).toBe("canceled");
    expect(await isHeld(taskId)).toBe(false);
  });

  it("is not passed by fifty at once", async () => {
    await holdUpTo(LIMIT - 10);
    const answers = await Promise.all(Array.from({ length: 50 }, () => cancel(crypto.randomUUID())));
    expect(tally(answers)).toEqual({ 200: 10, 429: 40 });
    expect(await countHeld()).toBe(LIMIT);
  });
});

describe("a cancel of what is there", () => {
  it("is not refused at the limit, and holds nothing", async () => {
    const requestId = crypto.randomUUID();
    const { id } = (await putBatch(requestId, batchOf(await scene(1)))).body;
    await holdUpTo(LIMIT);
    expect((await cancel(requestId)).status).toBe(200);
    expect(await isHeld(id)).toBe(false);
  });
});
