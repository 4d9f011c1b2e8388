import { runDurableObjectAlarm } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { travelDays } from "../../support/clock";
import { arm, resetFaults } from "../../support/faults";
import { objectOf } from "../../support/placement";
import { refusalOf } from "../../support/refusal";
import {
  fill,
  type Held,
  isHeld,
  loseObject,
  recordOf,
  reserve,
  reserved,
  ringBell,
  rowOf,
  sweepOver,
} from "../../support/reserve";
import { batchOf, endOf, onceEach, putBatch, reVoiced, rows, type Scene, scene } from "../../support/scene";

beforeEach(() => resetFaults());

const HOUR = 1 / 24;
const DAY_MS = 86_400_000;

const cancelTask = (id: string) => call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
const invoke = (id: string) => call("PATCH", `/v1/checkmate/tasks/${id}/invoke`);

/** What every door and every place says of a reservation that is over. */
const OVER = {
  fill: "410 request-id-retired",
  reserve: "410 request-id-retired",
  put: "410 request-id-retired",
  get: "410 task-deleted",
  requestGet: "410 request-id-retired",
  row: "canceled tombstone",
  record: "retired",
  held: false,
  made: [],
};

async function sightsOf(held: Held, from: Scene): Promise<typeof OVER> {
  const filled = refusalOf(await fill(held, batchOf(from)));
  const { status, deleted_at_ms: deletedAtMs } = await rowOf(held.id);
  return {
    fill: filled,
    reserve: refusalOf(await reserve(held.requestId)),
    put: refusalOf(await putBatch(held.requestId, batchOf(from))),
    get: refusalOf(await call("GET", `/v1/batches/${held.id}`)),
    requestGet: refusalOf(await call("GET", `/v1/requests/${held.requestId}`)),
    row: `${status} ${deletedAtMs === null ? "open" : "tombstone"}`,
    record: (await recordOf(held.id)).state,
    held: await isHeld(held.id),
    made: (await reVoiced(held.id)) as [],
  };
}

/** As if it had been reserved so long ago, where its row is all that is left of it. */
async function age({ id }: Held, days: number): Promise<void> {
  await rows("UPDATE tasks SET created_at_ms = created_at_ms - ? WHERE id = ?", days * DAY_MS, id);
}

describe("a reservation that nobody fills", () => {
  it("is filled up to its 24 hours", async () => {
    const from = await scene(1);
    const held = await reserved();
    travelDays(23 * HOUR);
    await runDurableObjectAlarm(objectOf(held.id));
    expect((await fill(held, batchOf(from))).status).toBe(201);
    expect(await onceEach(from, await endOf(held.id))).toBe(true);
  });

  it("ends after 24 hours by the alarm: 410, tombstones, and room for another", async () => {
    const from = await scene(1);
    const held = await reserved();
    travelDays(25 * HOUR);
    await runDurableObjectAlarm(objectOf(held.id));
    expect(await isHeld(held.id)).toBe(false);
    expect(await sightsOf(held, from)).toEqual(OVER);
  });

  it("ends after 24 hours though its alarm did not come", async () => {
    const from = await scene(1);
    const held = await reserved();
    travelDays(25 * HOUR);
    expect(await sightsOf(held, from)).toEqual(OVER);
  });

  it("ends after 24 hours from its reservation, however often that is repeated", async () => {
    const from = await scene(1);
    const held = await reserved();
    travelDays(23 * HOUR);
    expect((await reserve(held.requestId)).body.expires_at).toBe(held.expiresAt);
    travelDays(2 * HOUR);
    expect(await sightsOf(held, from)).toEqual(OVER);
  });

  it("is not filled while D1 cannot be told that it is over", async () => {
    const from = await scene(1);
    const held = await reserved();
    travelDays(25 * HOUR);
    arm("fails-before", "INSERT INTO tasks (id", 2);
    expect(refusalOf(await fill(held, batchOf(from)))).toBe("503 removal-pending");
    resetFaults();
    expect(await sightsOf(held, from)).toEqual(OVER);
  });

  it("refuses a wrong key as before when it is over", async () => {
    const held = await reserved();
    travelDays(25 * HOUR);
    await runDurableObjectAlarm(objectOf(held.id));
    expect(refusalOf(await fill({ ...held, putKey: "wrong" }, {}))).toBe("403 put-key-invalid");
  });

  it("is forgotten when its tombstone ends", async () => {
    const held = await reserved();
    travelDays(25 * HOUR);
    await runDurableObjectAlarm(objectOf(held.id));
    travelDays(401);
    await runDurableObjectAlarm(objectOf(held.id));
    expect([await rowOf(held.id), await recordOf(held.id)]).toEqual([undefined, undefined]);
    expect(refusalOf(await fill(held, {}))).toBe("404 task-not-found");
  });

  it("does not end after it was filled: then retention counts", async () => {
    const from = await scene(1);
    const held = await reserved();
    await fill(held, batchOf(from));
    await endOf(held.id);
    travelDays(80);
    await runDurableObjectAlarm(objectOf(held.id));
    expect((await fill(held, batchOf(from))).status).toBe(200);
  });

  it("ends after 24 hours too when its object has lost its record, by the sweeper", async () => {
    const held = await reserved();
    await loseObject(held.id);
    await age(held, 25 * HOUR);
    await sweepOver(held.id);
    expect(await sightsOf(held, await scene(1))).toEqual(OVER);
  });

  it("is not filled after 24 hours when its object has lost its record", async () => {
    const held = await reserved();
    await loseObject(held.id);
    await age(held, 25 * HOUR);
    expect(await sightsOf(held, await scene(1))).toEqual(OVER);
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
    await ringBell(held.id);
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
    await runDurableObjectAlarm(objectOf(held.id));
    expect(await sightsOf(held, await scene(1))).toEqual(OVER);
  });

  it("at the same time as the fill: whoever wins, the task has its content and ends canceled", async () => {
    const from = await scene(30);
    for (let round = 0; round < 10; round++) {
      const held = await reserved();
      const [filled, canceled] = await Promise.all([fill(held, batchOf(from)), cancelTask(held.id)]);
      expect([filled.status, canceled.status]).toEqual([201, 200]);
      const { status, operation } = await rowOf(held.id);
      expect([status, operation]).toEqual(["canceled", "re-voice"]);
    }
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
  });
});
