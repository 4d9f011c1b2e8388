import { beforeEach, describe, expect, it } from "vitest";
import { fillTask } from "../../../src/services/creation/reservations";
import { call } from "../../support/api";
import { callerIn } from "../../support/caller";
import { travelDays } from "../../support/clock";
import { resetFaults } from "../../support/faults";
import { bellOf, requestRowOf } from "../../support/requests-object";
import { refusalOf } from "../../support/refusal";
import { fill, type Held, isHeld, reserve, reserved, rowOf, sweepAll } from "../../support/reserve";
import { batchOf, endOf, onceEach, putBatch, reVoiced, rows, type Scene, scene } from "../../support/scene";

beforeEach(() => resetFaults());

const HOUR = 1 / 24;
const DAY_MS = 86_400_000;

const cancelTask = (id: string) => call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
const cancelRequest = (requestId: string) => call("PATCH", `/v1/requests/${requestId}/cancel`);
const invoke = (id: string) => call("PATCH", `/v1/checkmate/tasks/${id}/invoke`);

/** What every door says of a reservation that is over, before anything has run. */
const OVER = {
  fill: "410 request-id-retired",
  reserve: "410 request-id-retired",
  put: "410 request-id-retired",
  requestGet: "410 request-id-retired",
  requestCancel: "410 request-id-retired",
  held: false,
  made: [],
};

async function sightsOf(held: Held, from: Scene): Promise<typeof OVER> {
  return {
    fill: refusalOf(await fill(held, batchOf(from))),
    reserve: refusalOf(await reserve(held.requestId)),
    put: refusalOf(await putBatch(held.requestId, batchOf(from))),
    requestGet: refusalOf(await call("GET", `/v1/requests/${held.requestId}`)),
    requestCancel: refusalOf(await cancelRequest(held.requestId)),
    held: await isHeld(held.id),
    made: (await reVoiced(held.id)) as [],
  };
}

/** A tombstone: its task has no row any more, and its request says how it ended. */
async function expectTombstone({ id }: Held): Promise<void> {
  expect(refusalOf(await call("GET", `/v1/batches/${id}`))).toBe("410 task-deleted");
  expect([await rowOf(id), await requestRowOf(id)]).toMatchObject([
    undefined,
    { status: "canceled", retired_at_ms: expect.any(Number), request: null },
  ]);
}

describe("a reservation that nobody fills", () => {
  it("is filled up to its 24 hours", async () => {
    const from = await scene(1);
    const held = await reserved();
    travelDays(23 * HOUR);
    await sweepAll();
    expect((await fill(held, batchOf(from))).status).toBe(201);
    expect(await onceEach(from, await endOf(held.id))).toBe(true);
  });

  it("ends after 24 hours by its age: 410 at every door, though nothing has run", async () => {
    const held = await reserved();
    travelDays(25 * HOUR);
    expect(await sightsOf(held, await scene(1))).toEqual(OVER);
    expect(refusalOf(await cancelTask(held.id))).toBe("410 task-deleted");
    expect((await rowOf(held.id)).status).toBe("unbound");
  });

  it("becomes a tombstone by the sweeper", async () => {
    const held = await reserved();
    travelDays(25 * HOUR);
    await sweepAll();
    expect(await sightsOf(held, await scene(1))).toEqual(OVER);
    await expectTombstone(held);
  });

  it("ends after 24 hours from its reservation, however often that is repeated", async () => {
    const from = await scene(1);
    const held = await reserved();
    travelDays(23 * HOUR);
    expect((await reserve(held.requestId)).body.expires_at).toBe(held.expiresAt);
    travelDays(2 * HOUR);
    expect(await sightsOf(held, from)).toEqual(OVER);
  });

  it("ends by the clock of the database, whatever the Worker's says", async () => {
    const from = await scene(1);
    const held = await reserved();
    const { namespace_id: namespaceId } = await requestRowOf(held.id);
    const clock = { nowMs: () => Date.now() + 25 * HOUR * DAY_MS, offsetMs: 0 };
    const request = { api: 1, type: "batch", operation: "batch-create", path: {}, body: {} } as const;
    const work = { operation: "rebuild", collectionId: from.collectionId, pointer: null } as const;
    const labels = { name: null, memo: null, tags: [], metadata: {} };
    const made = await fillTask(callerIn(namespaceId, { clock }), {
      taskId: held.id,
      putKey: held.putKey,
      request,
      wanted: { ok: true, value: { labels, work } },
    });
    expect([made.replayed, made.task.id, made.task.operation]).toEqual([false, held.id, "rebuild"]);
  });

  it("refuses a wrong key as before when it is over", async () => {
    const held = await reserved();
    travelDays(25 * HOUR);
    for (const sweep of [false, true]) {
      if (sweep) await sweepAll();
      expect(refusalOf(await fill({ ...held, putKey: "wrong" }, {}))).toBe("403 put-key-invalid");
    }
  });

  it("is forgotten when its tombstone ends", async () => {
    const held = await reserved();
    travelDays(25 * HOUR);
    await sweepAll();
    travelDays(401);
    await sweepAll();
    expect([await rowOf(held.id), await requestRowOf(held.id)]).toEqual([undefined, undefined]);
    expect(refusalOf(await fill(held, {}))).toBe("404 task-not-found");
  });

  it("does not end after it was filled: then retention counts", async () => {
    const from = await scene(1);
    const held = await reserved();
    await fill(held, batchOf(from));
    await endOf(held.id);
    travelDays(80);
    await sweepAll();
    expect((await fill(held, batchOf(from))).status).toBe(200);
  });
});

describe("a cancel of a reserved id", () => {
  it("leaves it to be filled: what comes is born canceled and never runs", async () => {
    const from = await scene(2);
    const held = await reserved();
    const canceled = await cancelTask(held.id);
    expect([canceled.status, canceled.body.status]).toEqual([200, "canceled"]);
    const late = await fill(held, batchOf(from));
    expect([late.status, late.body.status, late.body.state]).toEqual([201, "canceled", "killed"]);
    expect(late.body).toMatchObject({ operation: "re-voice", ended_at: expect.any(String) });
    await bellOf(held.id);
    const again = await fill(held, batchOf(from));
    expect([again.status, again.body.status, again.body.operation]).toEqual([200, "canceled", "re-voice"]);
    expect(refusalOf(await fill(held, batchOf(from, { name: "x" })))).toBe("422 request-id-reused");
    expect(await reVoiced(held.id)).toEqual([]);
    expect(await rows("SELECT 1 FROM task_parts WHERE task_id = ?", held.id)).toEqual([]);
  });

  it("can be undone after the fill by an invoke, which runs it once", async () => {
    const from = await scene(2);
    const held = await reserved();
    await cancelTask(held.id);
    await fill(held, batchOf(from));
    expect((await invoke(held.id)).status).toBe(202);
    expect(await onceEach(from, await endOf(held.id))).toBe(true);
  });

  it("makes an invoke before the fill a conflict: there is nothing to run", async () => {
    const held = await reserved();
    await cancelTask(held.id);
    expect(refusalOf(await invoke(held.id))).toBe("409 task-unfilled");
    expect((await rowOf(held.id)).run).toBe(1);
  });

  it("does not make it last longer: it ends after its 24 hours", async () => {
    const held = await reserved();
    await cancelTask(held.id);
    travelDays(25 * HOUR);
    expect(await sightsOf(held, await scene(1))).toEqual(OVER);
  });
});

describe("an invoke of a reserved id", () => {
  it("changes nothing: it has not ended", async () => {
    const held = await reserved();
    const answer = await invoke(held.id);
    expect([answer.status, (await rowOf(held.id)).status]).toEqual([202, "unbound"]);
  });
});

describe("a deletion of a reserved id", () => {
  it("answers 204, and a fill answers 410 from then on", async () => {
    const held = await reserved();
    expect((await call("DELETE", `/v1/batches/${held.id}`)).status).toBe(204);
    expect(await sightsOf(held, await scene(1))).toEqual(OVER);
    await expectTombstone(held);
  });
});
