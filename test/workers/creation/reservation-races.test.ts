import { beforeEach, describe, expect, it } from "vitest";
import { type Answer, call, until } from "../../support/api";
import { arm, resetFaults } from "../../support/faults";
import { requestRowOf } from "../../support/requests-object";
import { refusalOf } from "../../support/refusal";
import { age, fill, type Held, reserved, rowOf, sweepAll } from "../../support/reserve";
import { batchOf, endOf, onceEach, reVoiced, rows, type Scene, scene } from "../../support/scene";

beforeEach(() => resetFaults());

const DAY_MS = 86_400_000;
const FILL = "UPDATE requests SET fingerprint";
const END = "UPDATE tasks SET status = 'canceled'";
const cancelTask = (id: string) => call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);

/** A fill whose write waits until it is let go. */
async function heldFill(
  held: Held,
  from: Scene,
): Promise<{ readonly answer: Promise<Answer>; readonly go: () => void }> {
  let free = false;
  const write = arm("reorders", FILL, 1, { scope: [held.id], heldUntil: () => free });
  const answer = fill(held, batchOf(from));
  await until(
    async () => write.fired,
    (fired) => fired === 1,
  );
  return { answer, go: () => void (free = true) };
}

describe("crash table: a reservation is filled as its 24 h end", () => {
  it("a fill that lands after them writes nothing: one clock, in the statement", async () => {
    const from = await scene(1);
    const held = await reserved();
    const late = await heldFill(held, from);
    await age(held.id, DAY_MS);
    late.go();
    expect(refusalOf(await late.answer)).toBe("410 request-id-retired");
    expect(await rowOf(held.id)).toMatchObject({ status: "unbound", command: null });
    expect(refusalOf(await fill(held, batchOf(from)))).toBe("410 request-id-retired");
  });

  it("a fill that lands after the sweeper came by finds the tombstone, which stays", async () => {
    const from = await scene(1);
    const held = await reserved();
    const late = await heldFill(held, from);
    await age(held.id, DAY_MS);
    await sweepAll();
    late.go();
    expect(refusalOf(await late.answer)).toBe("410 request-id-retired");
    expect([await rowOf(held.id), await requestRowOf(held.id)]).toMatchObject([undefined, { status: "canceled" }]);
  });

  it("a sweep that found it over ends nothing that was filled meanwhile", async () => {
    const from = await scene(1);
    const held = await reserved();
    await rows("UPDATE tasks SET ring_at_ms = 1 WHERE id = ?", held.id);
    let isFilled = false;
    const end = arm("reorders", END, 1, { scope: [held.id], heldUntil: () => isFilled });
    const sweep = sweepAll();
    await until(
      async () => end.fired,
      (fired) => fired === 1,
    );
    expect((await fill(held, batchOf(from))).status).toBe(201);
    isFilled = true;
    await sweep;
    expect(await onceEach(from, await endOf(held.id))).toBe(true);
  });
});

describe("a cancel of a reserved id", () => {
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

  it("before the write of a fill lands: the task keeps its content, and never runs", async () => {
    const from = await scene(2);
    const held = await reserved();
    const late = await heldFill(held, from);
    expect((await cancelTask(held.id)).body.status).toBe("canceled");
    late.go();
    const filled = await late.answer;
    expect([filled.status, filled.body.status]).toEqual([201, "canceled"]);
    expect(await rowOf(held.id)).toMatchObject({ status: "canceled", operation: "re-voice" });
    expect(await reVoiced(held.id)).toEqual([]);
  });
});
