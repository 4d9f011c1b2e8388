import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answer, call } from "../../support/api";
import { type Door, DOORS, wordOf } from "../../support/doors";
import { arm, resetFaults } from "../../support/faults";
import { refusalOf } from "../../support/refusal";
import { batchOf, rows, type Scene, scene } from "../../support/scene";

let from: Scene;
beforeAll(async () => {
  from = await scene(2);
});
/** What was made stays open: nobody works on it. */
beforeEach(() => {
  resetFaults();
  arm("drops", "queue: sendBatch", 1_000);
});

const lookUp = (requestId: string) => call("GET", `/v1/requests/${requestId}`);
const cancel = (requestId: string) => call("PATCH", `/v1/requests/${requestId}/cancel`);
const REUSED = "422 request-id-reused";

/** The things that an answer says it made. */
function madeIdsOf({ body }: Answer): readonly string[] {
  if (Array.isArray(body.results)) return body.results.map(({ task_id }: { task_id: string }) => task_id);
  return [body.task_id ?? body.id ?? body.agent_id ?? body.collection_id];
}

/** The statuses of the tasks among them. */
async function statusesOf(ids: readonly string[]): Promise<readonly string[]> {
  const sql = "SELECT DISTINCT status FROM tasks WHERE id IN (SELECT value FROM json_each(?))";
  return (await rows<{ status: string }>(sql, JSON.stringify(ids))).map(({ status }) => status);
}

/** A door, and a call of it under a request id of its own. */
async function opened(door: Door) {
  const requestId = crypto.randomUUID();
  return { requestId, send: await door.open(from, requestId) };
}

describe.each(DOORS)("the door $name", (door) => {
  it("is looked up by its id once it was accepted: 200, with what it made", async () => {
    const { requestId, send } = await opened(door);
    const made = await send();
    const look = await lookUp(requestId);
    expect([look.status, look.body.door, look.body.request_id]).toEqual([200, door.door, requestId]);
    const ids = look.body.made.map(({ id }: { id: string }) => id);
    expect(ids.toSorted()).toEqual(madeIdsOf(made).toSorted());
    for (const { links } of look.body.made) expect((await call("GET", links.self)).status).toBe(200);
  });

  it("replays what is sent again", async () => {
    const { send } = await opened(door);
    const ids = madeIdsOf(await send());
    const again = await send();
    expect([again.status < 300, madeIdsOf(again)]).toEqual([true, ids]);
  });

  it.runIf(door.hasBody)("refuses another body under its id, and changes nothing", async () => {
    const { requestId, send } = await opened(door);
    const ids = madeIdsOf(await send());
    const before = await lookUp(requestId);
    const refused = await send(true);
    expect(refusalOf(refused)).toBe(REUSED);
    expect(refused.body.mismatch).not.toEqual([]);
    const { mismatch_count: _m, replay_count: _r, last_seen_at: _l, ...after } = (await lookUp(requestId)).body;
    expect(before.body).toMatchObject(after);
    expect(madeIdsOf(await send())).toEqual(ids);
  });

  it("refuses its id at every other door", async () => {
    const { requestId, send } = await opened(door);
    await send();
    // A fill comes through no request id; and it stands beside its own reservation.
    const own = new Set([door.name, "batch-create", door.name === "batch-create" ? "batches-id-reserve" : ""]);
    for (const other of DOORS.filter(({ name }) => !own.has(name))) {
      const refused = await (await other.open(from, requestId))();
      expect([other.name, refusalOf(refused)]).toEqual([other.name, REUSED]);
    }
  });

  it("holds a cancel that came first", async () => {
    const { requestId, send } = await opened(door);
    expect((await cancel(requestId)).body.status).toBe("canceled");
    const late = await send();
    expect([wordOf(late), wordOf(await send())]).toEqual(door.canceledFirst);
    expect(late.status < 300 ? await statusesOf(madeIdsOf(late)) : ["canceled"]).toEqual(["canceled"]);
    expect((await lookUp(requestId)).body.status).toBe(door.door === "bulk" ? "complete" : "canceled");
  });

  it("takes a cancel that comes after", async () => {
    const { requestId, send } = await opened(door);
    const ids = madeIdsOf(await send());
    const canceled = await cancel(requestId);
    const isBulk = door.door === "bulk";
    expect([canceled.status, canceled.body.status]).toEqual([200, isBulk ? "complete" : door.canceledAfter]);
    expect(await statusesOf(ids)).toEqual(door.canceledAfter === "canceled" ? ["canceled"] : []);
    for (const { links } of canceled.body.made) expect((await call("GET", links.self)).status).toBe(200);
  });
});

const submit = async () => (await call("POST", "/v1/batches", { body: batchOf(from) })).body;

describe("the door batches-submit, whose id the service makes", () => {
  it("is looked up by that id, and replayed by nothing", async () => {
    const { id, request_id: requestId } = await submit();
    expect((await lookUp(requestId)).body).toMatchObject({ door: "task", task_id: id, status: "created" });
    expect((await submit()).id).not.toBe(id);
  });

  it("takes a cancel that comes after, and its id is refused at the other doors", async () => {
    const { id, request_id: requestId } = await submit();
    expect((await cancel(requestId)).body).toMatchObject({ task_id: id, status: "canceled" });
    for (const other of DOORS.filter(({ name }) => name !== "batch-create"))
      expect([other.name, refusalOf(await (await other.open(from, requestId))())]).toEqual([other.name, REUSED]);
  });
});

describe("one request id at all doors at once", () => {
  it("is accepted by one of them, and refused by the others", async () => {
    for (let round = 0; round < 5; round++) {
      const requestId = crypto.randomUUID();
      const doors = DOORS.filter(({ name }) => name !== "batch-create");
      const sends = await Promise.all(doors.map((door) => door.open(from, requestId)));
      const words = (await Promise.all(sends.map((send) => send()))).map(wordOf);
      const accepted = words.filter((word) => word !== REUSED);
      expect([words.length, accepted.length, accepted[0]?.startsWith("20")]).toEqual([doors.length, 1, true]);
      const look = await lookUp(requestId);
      expect(look.body.door).toBe(doors[words.findIndex((word) => word !== REUSED)]?.door);
    }
  });
});
