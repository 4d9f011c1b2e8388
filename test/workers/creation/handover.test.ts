import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { arm, firedFaults, resetFaults } from "../../support/faults";
import { setObjectPlacements } from "../../support/object-placements";
import { batchOf, endOf, onceEach, rows, type Scene, scene } from "../../support/scene";
import { deployObjects, type Version, versionOf } from "../../support/versions";

/** Before and after a change from one object a request to two shared ones, and after the change back. */
const OLD = versionOf("per-request");
const NEW = versionOf("2", "per-request");
const BACK = versionOf("per-request", "2");

let life: Scene;
beforeAll(async () => {
  life = await scene(2);
});
beforeEach(() => resetFaults());
afterEach(() => setObjectPlacements(undefined));

function put(version: Version, requestId: string, more: object = {}) {
  return version.call("PUT", "/v1/batches", { body: batchOf(life, more), headers: { requestId } });
}

/** State of the record that an object has of a task; undefined when it has none. */
function stateIn(version: Version, taskId: string): Promise<string | undefined> {
  return runInDurableObject(version.objectOf(taskId), (_, { storage }) => {
    const made = storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'claims'").toArray();
    if (made.length === 0) return undefined;
    return storage.sql.exec<{ state: string }>("SELECT state FROM claims WHERE task_id = ?", taskId).toArray()[0]
      ?.state;
  });
}

function rowsOf(requestId: string) {
  return rows("SELECT id, run, status FROM tasks WHERE request_id = ?", requestId);
}

describe("a change of placement", () => {
  it("finds the task of a request that the former placement claimed, and moves its claim", async () => {
    const requestId = crypto.randomUUID();
    const first = await put(OLD, requestId);
    deployObjects(NEW);
    const again = await put(NEW, requestId);
    expect([first.status, again.status, again.body.id]).toEqual([201, 200, first.body.id]);
    expect([await stateIn(OLD, first.body.id), await stateIn(NEW, first.body.id)]).toEqual(["moved", "claimed"]);
    expect(await onceEach(life, await endOf(first.body.id))).toBe(true);
    expect(await rowsOf(requestId)).toHaveLength(1);
  });

  it("compares what is sent with what the former placement claimed", async () => {
    const requestId = crypto.randomUUID();
    const first = await put(OLD, requestId);
    deployObjects(NEW);
    const other = await put(NEW, requestId, { name: "other" });
    expect(other.body).toMatchObject({ status: 422, task_id: first.body.id, mismatch: ["/name"] });
  });

  it("answers a version that is still old from where the claim is now", async () => {
    const requestId = crypto.randomUUID();
    const first = await put(OLD, requestId);
    deployObjects(NEW);
    await put(NEW, requestId);
    const again = await put(OLD, requestId);
    const other = await put(OLD, requestId, { name: "other" });
    expect([again.status, again.body.id, other.status]).toEqual([200, first.body.id, 422]);
  });

  it("refuses at the former object an id that the new one claimed: the old version finds that task", async () => {
    const requestId = crypto.randomUUID();
    deployObjects(NEW);
    const first = await put(NEW, requestId);
    expect(await stateIn(OLD, first.body.id)).toBe("moved");
    const again = await put(OLD, requestId);
    expect([first.status, again.status, again.body.id]).toEqual([201, 200, first.body.id]);
    expect(await rowsOf(requestId)).toHaveLength(1);
  });

  it("makes one task of each id that both versions send at once, again and again", async () => {
    const ids = Array.from({ length: 25 }, () => crypto.randomUUID());
    await Promise.all(ids.slice(0, 8).map((id) => put(OLD, id)));
    deployObjects(NEW);
    const versions = [OLD, NEW, NEW, OLD];
    const answers = await Promise.all(
      ids.map((id) => Promise.all(versions.map(async (version) => (await put(version, id)).status))),
    );
    const firsts = answers.map((statuses) => statuses.filter((status) => status === 201).length);
    expect(firsts).toEqual(ids.map((_, index) => (index < 8 ? 0 : 1)));
    expect(answers.flat().every((status) => status === 200 || status === 201)).toBe(true);
    const counted = await rows(
      "SELECT count(*) AS n FROM tasks WHERE request_id IN (SELECT value FROM json_each(?))",
      JSON.stringify(ids),
    );
    expect(counted).toEqual([{ n: ids.length }]);
  });

  it("claims nothing while the former object cannot be reached, and says that a retry is safe", async () => {
    const requestId = crypto.randomUUID();
    deployObjects(NEW);
    arm("fails-before", "object: handOver");
    const refused = await put(NEW, requestId);
    expect([refused.status, refused.body.retryable]).toEqual([503, true]);
    expect(firedFaults()).toHaveLength(1);
    expect(await rowsOf(requestId)).toEqual([]);
    expect((await put(NEW, requestId)).status).toBe(201);
  });

  it("loses no claim whose hand-over was not answered", async () => {
    const requestId = crypto.randomUUID();
    const first = await put(OLD, requestId);
    deployObjects(NEW);
    arm("fails-after", "object: handOver");
    expect((await put(NEW, requestId)).status).toBe(503);
    expect([await stateIn(OLD, first.body.id), await stateIn(NEW, first.body.id)]).toEqual(["moved", undefined]);
    const again = await put(NEW, requestId);
    expect([again.status, again.body.id]).toEqual([200, first.body.id]);
    expect(await onceEach(life, await endOf(first.body.id))).toBe(true);
  });

  it("loses no cancel that came before its creation when the hand-over was not answered", async () => {
    const requestId = crypto.randomUUID();
    await OLD.call("PATCH", `/v1/requests/${requestId}/cancel`);
    deployObjects(NEW);
    arm("fails-after", "object: handOver");
    expect((await put(NEW, requestId)).status).toBe(503);
    const born = await put(NEW, requestId);
    expect([born.status, born.body.status]).toEqual([201, "canceled"]);
  });

  it("keeps what was handed over when the new object dies right after", async () => {
    const requestId = crypto.randomUUID();
    const first = await put(OLD, requestId);
    deployObjects(NEW);
    arm("fails-before", "object: handedOver");
    await put(NEW, requestId);
    await evictDurableObject(NEW.objectOf(first.body.id));
    const again = await put(NEW, requestId);
    expect([again.status, again.body.id]).toEqual([200, first.body.id]);
  });

  it("leaves no mark at the former object of an id that was only asked for", async () => {
    const requestId = crypto.randomUUID();
    deployObjects(NEW);
    const asked = await NEW.call("GET", `/v1/requests/${requestId}`);
    expect(asked.status).toBe(404);
    const first = await put(OLD, requestId);
    expect(first.status).toBe(201);
    expect(await stateIn(OLD, first.body.id)).toBe("claimed");
  });

  it("carries on what the former object had not finished", async () => {
    const requestId = crypto.randomUUID();
    arm("fails-before", "INSERT INTO tasks");
    const first = await put(OLD, requestId);
    expect(first.status).toBe(503);
    deployObjects(NEW);
    const again = await put(NEW, requestId);
    expect([again.status, again.body.id]).toEqual([200, first.body.task_id]);
    expect(await onceEach(life, await endOf(first.body.task_id))).toBe(true);
  });

  it("moves tombstones: a removed id answers 410 in the new placement, and is refused in the old", async () => {
    const requestId = crypto.randomUUID();
    const { body } = await put(OLD, requestId);
    await endOf(body.id);
    await OLD.call("DELETE", `/v1/batches/${body.id}`);
    deployObjects(NEW);
    expect([(await put(NEW, requestId)).status, (await put(OLD, requestId)).status]).toEqual([410, 410]);
    expect(await stateIn(NEW, body.id)).toBe("retired");
  });

  it("moves a cancel that came before its creation", async () => {
    const requestId = crypto.randomUUID();
    await OLD.call("PATCH", `/v1/requests/${requestId}/cancel`);
    deployObjects(NEW);
    const born = await put(NEW, requestId);
    expect([born.status, born.body.status]).toEqual([201, "canceled"]);
  });

  it("moves a reservation, which is then filled once", async () => {
    const { body } = await OLD.call("POST", "/v1/batches/id");
    deployObjects(NEW);
    const fill = (version: Version) =>
      version.call("PUT", `/v1/batches/${body.id}`, { body: batchOf(life), headers: { putKey: body.put_key } });
    const answers = [await fill(NEW), await fill(OLD), await fill(NEW)];
    expect(answers.map(({ status }) => status)).toEqual([201, 200, 200]);
    expect(await onceEach(life, await endOf(body.id))).toBe(true);
  });

  it("keeps an invoke repeatable that had an id of its own", async () => {
    const { body } = await put(OLD, crypto.randomUUID());
    await OLD.call("PATCH", `/v1/checkmate/tasks/${body.id}/cancel`);
    const headers = { requestId: crypto.randomUUID() };
    const invoke = (version: Version) => version.call("PATCH", `/v1/checkmate/tasks/${body.id}/invoke`, { headers });
    expect((await invoke(OLD)).status).toBe(202);
    await OLD.call("PATCH", `/v1/checkmate/tasks/${body.id}/cancel`);
    deployObjects(NEW);
    const [before] = await rows<{ run: number }>("SELECT run FROM tasks WHERE id = ?", body.id);
    expect((await invoke(NEW)).status).toBe(202);
    expect(await rows("SELECT run FROM tasks WHERE id = ?", body.id)).toEqual([before]);
  });

  it("wakes who waits for the end at the former object", async () => {
    const requestId = crypto.randomUUID();
    arm("drops", "queue: sendBatch", 1_000);
    const waiting = OLD.call("PUT", "/v1/batches", {
      body: batchOf(life),
      headers: { requestId, prefer: "wait=20" },
    });
    const { body } = await put(OLD, requestId);
    deployObjects(NEW);
    await put(NEW, requestId);
    expect((await waiting).body.id).toBe(body.id);
  });

  it("can be taken back: the claims come home", async () => {
    const requestId = crypto.randomUUID();
    const { body } = await put(OLD, requestId);
    deployObjects(NEW);
    await put(NEW, requestId);
    await evictDurableObject(OLD.objectOf(body.id));
    deployObjects(BACK);
    const again = await put(BACK, requestId);
    expect([again.status, again.body.id]).toEqual([200, body.id]);
    expect([await stateIn(OLD, body.id), await stateIn(NEW, body.id)]).toEqual(["claimed", "moved"]);
    expect((await put(NEW, requestId)).status).toBe(200);
    expect(await onceEach(life, await endOf(body.id))).toBe(true);
  });

  it("passes through several former placements", async () => {
    const requestId = crypto.randomUUID();
    const { body } = await put(OLD, requestId);
    const third = versionOf("5", "2,per-request");
    deployObjects(third);
    const again = await put(third, requestId);
    expect([again.status, again.body.id, await stateIn(third, body.id)]).toEqual([200, body.id, "claimed"]);
  });
});
