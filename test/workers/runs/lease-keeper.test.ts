import { env } from "cloudflare:workers";
import pLimit from "p-limit";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { serviceClock } from "../../../src/runtime/clock";
import { openServices } from "../../../src/runtime/composition";
import { type KeptLease, LeaseKeeper } from "../../../src/services/parts/lease-keeper";
import { ModelCalls } from "../../../src/services/model/call-slots";
import type { TextGenerator } from "../../../src/services/ports/ports";
import { answerBell } from "../../../src/services/runs/answer-bell";
import { call, until } from "../../support/api";
import { travelMs } from "../../support/clock";
import { arm, loggedCalls, resetFaults } from "../../support/faults";
import { withFaults } from "../../support/faulty-bindings";
import { LEASE_MS, leasedPart } from "../../support/leased-part";
import { silentTask } from "../../support/model-consumer";
import { reVoiced, rows, taskOf } from "../../support/scene";

beforeEach(() => resetFaults());

const LOOK = "SELECT task_id AS taskId, part, lease_token AS token";
const BEAT = "RETURNING task_id AS taskId, part, lease_token AS token";
const HOUR_MS = 3_600_000;

function keeperAt(nowMs: () => number) {
  const services = openServices(withFaults(env));
  const limits = { ...services.limits, heartbeatSeconds: 15, leaseSeconds: 60 };
  // Looks only when it is told to.
  return new LeaseKeeper({ ...services, limits, clock: { nowMs, offsetMs: 0 } }, 1_000);
}

function kept(part: KeptLease["part"]) {
  const seen = {
    part,
    lost: 0,
    extendedTo: 0,
    lose: () => void (seen.lost += 1),
    extended: (toMs: number) => void (seen.extendedTo = toMs),
  };
  return seen;
}

describe("the keeper of an invocation's leases", () => {
  it("asks once a look for all of them, and tells those alone that were taken away", async () => {
    const [mine, canceled, taken] = [await leasedPart(), await leasedPart(), await leasedPart()];
    await call("PATCH", `/v1/checkmate/tasks/${canceled.id}/cancel`);
    await taken.claim("token-2", LEASE_MS);
    const leases = [mine, canceled, taken].map(({ lease }) => kept(lease));
    const keeper = keeperAt(() => 3_000);
    for (const lease of leases) keeper.keep(lease, HOUR_MS);
    resetFaults();
    await keeper.look();
    expect(leases.map(({ lost }) => lost)).toEqual([0, 1, 1]);
    expect(loggedCalls().filter((label) => label.includes("task_parts"))).toEqual([expect.stringContaining(LOOK)]);
    for (const lease of leases) keeper.release(lease);
  });

  it("extends them when a heartbeat is due, in the same statement, and else writes nothing", async () => {
    const { lease, state } = await leasedPart();
    const keeper = keeperAt(() => serviceClock.nowMs());
    const mine = kept(lease);
    keeper.keep(mine, HOUR_MS);
    const before = await state();
    await keeper.look();
    expect(await state()).toEqual(before);
    const [part] = before.parts;
    travelMs(15_000);
    resetFaults();
    await keeper.look();
    expect(mine.lost).toBe(0);
    expect(mine.extendedTo).toBeGreaterThanOrEqual(Number(part?.["lease_expires_at_ms"]) + 15_000);
    const [extended] = (await state()).parts;
    expect(extended?.["lease_expires_at_ms"]).toBeGreaterThanOrEqual(mine.extendedTo);
    expect(loggedCalls().filter((label) => label.includes("lease_token AS token"))).toEqual([
      expect.stringContaining(BEAT),
    ]);
    keeper.release(mine);
  });

  it("lets go of work that hangs: after its longest time it is no longer extended", async () => {
    const { lease } = await leasedPart();
    let nowMs = 3_000;
    const keeper = keeperAt(() => nowMs);
    const mine = kept(lease);
    mine.lose = () => {
      mine.lost += 1;
      keeper.release(mine);
    };
    keeper.keep(mine, 30_000);
    nowMs += 30_001;
    await keeper.look();
    expect(mine).toMatchObject({ lost: 1, extendedTo: 0 });
  });

  it("keeps what it holds while the database does not answer", async () => {
    const { lease } = await leasedPart();
    const keeper = keeperAt(() => 3_000);
    const mine = kept(lease);
    keeper.keep(mine, HOUR_MS);
    arm("fails-before", LOOK, 1);
    await keeper.look();
    expect(mine.lost).toBe(0);
    await call("PATCH", `/v1/checkmate/tasks/${lease.taskId}/cancel`);
    await keeper.look();
    expect(mine.lost).toBe(1);
    keeper.release(mine);
  });
});

describe("a cancel, seen from the consumer", () => {
  it("aborts the calls in flight, frees their slots when they have stopped, and lets nothing be written", async () => {
    const { id } = await silentTask(4);
    const services = openServices(withFaults(env));
    const keeper = new LeaseKeeper(services);
    const [begun, stopping]: [string[], (() => void)[]] = [[], []];
    const generator: TextGenerator = {
      id: "stops slowly",
      reVoice: ({ memory }, { signal }) =>
        new Promise((_, reject) => {
          begun.push(memory.memoryId);
          signal.addEventListener("abort", () => void stopping.push(() => reject(new Error("stopped"))));
        }),
    };
    const limits = { ...services.limits, modelCallsPerInvocation: 2 };
    const modelCalls = new ModelCalls({ ...services, limits });
    const run = { ...services, generator, modelCalls, stepSlot: pLimit(1), recallSlot: pLimit(1), leases: keeper };
    const working = answerBell(run, id);
    await until(
      async () => begun.length,
      (count) => count === 2,
    );
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    const before = await rows("SELECT * FROM task_parts WHERE task_id = ?", id);
    await keeper.look();
    expect(stopping).toHaveLength(2);
    // Told to stop, and still at it: the slots are not free for others.
    const another = vi.fn(async () => undefined);
    const waits = { namespaceId: "another", taskId: "another", deadlineMs: Infinity, isOver: () => false };
    const next = modelCalls.run({ ...waits, begin: () => undefined, fail: () => undefined }, 1, another);
    expect(another).not.toHaveBeenCalled();
    for (const stop of stopping) stop();
    await working;
    expect((await next).begun).toBe(true);
    expect(begun).toHaveLength(2);
    expect(await rows("SELECT * FROM task_parts WHERE task_id = ?", id)).toEqual(before);
    expect(before).toMatchObject([{ attempts: 1, lease_token: null }]);
    expect(await rows("SELECT * FROM task_items WHERE task_id = ? AND verdict IS NOT NULL", id)).toEqual([]);
    expect(await reVoiced(id)).toEqual([]);
    expect(await taskOf(id)).toMatchObject({ status: "canceled", usage: { model_calls: 0 } });
  });
});
