import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { resetFaults } from "../../support/faults";
import { objectOf, PLACEMENT } from "../../support/placement";
import { silentTask } from "../../support/requests-object";
import { batchOf, endOf, onceEach, putBatch, rows, type Scene, scene } from "../../support/scene";

beforeEach(() => resetFaults());

/** Changes what an object has stored, behind its back, and lets it wake up anew. */
async function store(taskId: string, ...statements: readonly string[]): Promise<void> {
  await runInDurableObject(objectOf(taskId), (_, { storage }) => {
    for (const statement of statements) storage.sql.exec(statement);
  });
  await evictDurableObject(objectOf(taskId));
}

interface Silent {
  readonly from: Scene;
  readonly requestId: string;
  readonly id: string;
}

async function silent(): Promise<Silent> {
  const from = await scene(2);
  const requestId = crypto.randomUUID();
  return { from, requestId, id: await silentTask(from, requestId) };
}

// All records of an object are of one version, so the others of a shared one would be changed too.
describe.runIf(PLACEMENT === "per-request")("the record of a request, as version 1 wrote it", () => {
  it("is migrated when the object wakes: a replay stays a replay, a mismatch a mismatch, and the task ends", async () => {
    const { from, requestId, id } = await silent();
    await store(
      id,
      "DROP INDEX claims_due",
      ...["reserved_fingerprint", "unfilled", "moved_to"].map((name) => `ALTER TABLE claims DROP COLUMN ${name}`),
      "UPDATE claims SET version = 1, task = json_remove(task, '$.acceptedAtMs')",
    );
    const other = await putBatch(requestId, batchOf(from, { name: "other" }));
    expect(other.body).toMatchObject({ code: "request-id-reused", mismatch: ["/name"] });
    const again = await putBatch(requestId, batchOf(from));
    expect([again.status, again.body.id]).toEqual([200, id]);
    resetFaults();
    expect(await onceEach(from, await endOf(id))).toBe(true);
  });
});

describe("the record of a request that cannot be read", () => {
  const damages = [
    ["is of a version to come", "UPDATE claims SET version = 99"],
    ["has a task that is no JSON", "UPDATE claims SET task = substr(task, 2)"],
    ["has a time that is a text", "UPDATE claims SET first_seen_at_ms = 'yesterday'"],
    ["has a state that nobody knows", "UPDATE claims SET state = 'lost'"],
  ] as const;

  it.each(damages)("because it %s: is refused by every call, and nothing is started or changed", async (_, damage) => {
    const { from, requestId, id } = await silent();
    const before = await rows("SELECT * FROM tasks WHERE request_id = ?", requestId);
    await store(id, `${damage} WHERE task_id = '${id}'`);
    const refusals = [
      await putBatch(requestId, batchOf(from)),
      await putBatch(requestId, batchOf(from, { name: "other" })),
      await call("GET", `/v1/requests/${requestId}`),
      await call("DELETE", `/v1/batches/${id}`),
    ];
    for (const { body } of refusals)
      expect(body).toMatchObject({ status: 503, code: "record-unreadable", retryable: false });
    expect(await rows("SELECT * FROM tasks WHERE request_id = ?", requestId)).toEqual(before);
    // Its own alarm, or the next call, would meet it again.
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
  });

  it("holds up no other request of the same object", async () => {
    const broken = await silent();
    await store(broken.id, `UPDATE claims SET version = 99 WHERE task_id = '${broken.id}'`);
    resetFaults();
    const from = await scene(1);
    const { status, body } = await putBatch(crypto.randomUUID(), batchOf(from));
    expect(status).toBe(201);
    expect(await onceEach(from, await endOf(body.id))).toBe(true);
  });
});
