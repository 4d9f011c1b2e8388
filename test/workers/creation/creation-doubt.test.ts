import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEADLINE_MS } from "../../../src/services/creation/create-task";
import { notFound } from "../../../src/services/errors/errors";
import type { CreationAnswer, CreationCall } from "../../../src/services/ports/task-requests";
import { createCollection } from "../../../src/services/collections/collections";
import { call } from "../../support/api";
import { callerIn } from "../../support/caller";
import { setClaimRate } from "../../support/claim-rate";
import { batchCall, reservationCall, adminsNamespace } from "../../support/creation-calls";
import { arm, resetFaults, watchCalls } from "../../support/faults";
import { objectOf } from "../../support/placement";
import { refusalOf } from "../../support/refusal";
import { requestRowOf, taskOfRequest } from "../../support/requests-object";
import { rowOf } from "../../support/reserve";
import { errorOf } from "../../support/service-error";
import { batchOf, putBatch, rows, type Scene, scene } from "../../support/scene";

const INSERT = "INSERT INTO tasks";
const CREATE = "object: create";
const UNKNOWN_AGENT = `agent_${"0".repeat(32)}`;

beforeEach(() => {
  resetFaults();
  arm("drops", "queue: sendBatch", 1_000);
});
afterEach(() => setClaimRate(undefined));

const create = async (sent: CreationCall): Promise<CreationAnswer | undefined> =>
  (await objectOf(sent.taskId).create([sent], null))[0];

describe("a second try", () => {
  /** Each with what a first try is told. */
  const faults: [string, string, (from: Scene) => Promise<CreationCall>][] = [
    ["what it refers to is not there", "agent-not-found", (from) => batchCall(from, { agent_id: UNKNOWN_AGENT })],
    [
      "its form is refused",
      "memory-not-found",
      (from) => batchCall(from, {}, { wanted: { ok: false, error: notFound("memory").value } }),
    ],
    [
      "its quota is used up",
      "rate-limited",
      async (from) => {
        setClaimRate(() => false);
        return batchCall(from);
      },
    ],
    [
      "the namespace holds too many ids",
      "too-many-held-ids",
      async () => {
        const namespaceId = await adminsNamespace();
        await holdThousand(namespaceId);
        return reservationCall(namespaceId);
      },
    ],
    [
      "the database cannot be asked",
      "creation-unavailable",
      async (from) => {
        const sent = await batchCall(from);
        arm("fails-before", 'from "agents"', 2, { scope: [sent.taskId] });
        return sent;
      },
    ],
  ];

  it.each(faults)("is in doubt and never refused where %s", async (_, code, prepare) => {
    const sent = await prepare(await scene(1));
    expect(await create(sent)).toMatchObject({ kind: "refused", error: { code } });
    expect(await create({ ...sent, isSecondTry: true })).toMatchObject({ kind: "unproven" });
  });

  it("is told to its client as in doubt, though the first never arrived", async () => {
    const from = await scene(1);
    arm("fails-before", CREATE);
    const answer = await putBatch(crypto.randomUUID(), batchOf(from, { agent_id: UNKNOWN_AGENT }));
    expect(refusalOf(answer)).toBe("503 creation-pending");
    expect(answer.body).toMatchObject({ retryable: true, doubt_until: expect.any(String) });
  });

  it("of a call whose first was carried out counts as the first", async () => {
    const sent = await batchCall(await scene(1));
    expect(await create(sent)).toMatchObject({ kind: "made" });
    expect(await create({ ...sent, isSecondTry: true })).toMatchObject({ kind: "made", task: { id: sent.taskId } });
    expect(await create({ ...sent, callId: "another" })).toMatchObject({ kind: "replayed" });
  });

  it("gives one 201 and no more, though many ask for the same at once", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    arm("fails-after", CREATE, 1, { scope: [await taskOfRequest(requestId)] });
    const answers = await Promise.all(Array.from({ length: 10 }, () => putBatch(requestId, batchOf(from))));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array<number>(9).fill(200), 201]);
  });
});

/** The namespace holds as many ids as it may. */
async function holdThousand(namespaceId: string): Promise<void> {
  await rows(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
     INSERT INTO requests (id, namespace_id, request_id, door, call_id, held_until_ms, first_seen_at_ms, last_seen_at_ms)
     SELECT 'held_' || i, ?, 'other', 'cancel', 'other', 9e15, 1, 1 FROM n`,
    namespaceId,
  );
}

describe("the deadline of a call", () => {
  it("is the Worker's time at its first try, and 30 seconds", async () => {
    const before = Date.now();
    const { deadlineMs } = await batchCall(await scene(1));
    expect(deadlineMs).toBeGreaterThanOrEqual(before + DEADLINE_MS);
    expect(deadlineMs).toBeLessThanOrEqual(Date.now() + DEADLINE_MS);
  });

  it("stands in the statement: what lands after it writes nothing", async () => {
    const deadlineMs = Date.now() + 2_000;
    const sent = await batchCall(await scene(1), {}, { deadlineMs });
    const late = arm("reorders", INSERT, 1, { scope: [sent.taskId], heldUntil: () => Date.now() > deadlineMs + 50 });
    expect(await create(sent)).toMatchObject({ kind: "unproven" });
    expect(late.fired).toBe(1);
    expect([await requestRowOf(sent.taskId), await rowOf(sent.taskId)]).toEqual([undefined, undefined]);
    const look = await call("GET", `/v1/requests/${sent.requestId}`);
    expect(refusalOf(look)).toBe("404 request-not-found");
    expect(Date.parse(look.body.as_of)).toBeGreaterThanOrEqual(deadlineMs);
  });

  it("drops a call that comes after it, without a question to the database", async () => {
    const sent = await batchCall(await scene(1), {}, { deadlineMs: Date.now() - 1 });
    const calls = watchCalls([sent.taskId]);
    expect(await create(sent)).toMatchObject({ kind: "unproven" });
    expect(calls).toEqual([]);
  });

  it("holds for agents and collections too", async () => {
    const namespaceId = await adminsNamespace();
    const clock = { nowMs: () => Date.now() - DEADLINE_MS - 1, offsetMs: 0 };
    const name = `late ${crypto.randomUUID()}`;
    const draft = { name, description: null, metadata: {} };
    const request = { requestId: crypto.randomUUID(), body: { name } };
    const refusal = await errorOf(createCollection(callerIn(namespaceId, { clock }), draft, request));
    expect(refusal.kind).toBe("unavailable");
    expect(await rows("SELECT 1 FROM collections WHERE name = ?", name)).toEqual([]);
    expect((await call("GET", `/v1/requests/${request.requestId}`)).status).toBe(404);
  });
});
