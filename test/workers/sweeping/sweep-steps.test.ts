import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { openServices } from "../../../src/runtime/composition";
import { Sweep } from "../../../src/services/sweeping/sweep";
import { until } from "../../support/api";
import { denseWorker } from "../../support/dense";
import { arm, resetFaults } from "../../support/faults";
import { endOf, onceEach } from "../../support/scene";
import { scriptedEmbedder } from "../../support/scripted-embedder";
import { type StillThings, stillTask, stillThings } from "../../support/still-things";
import { sweepOnce, travelPastBells } from "../../support/sweeper";

beforeEach(() => resetFaults());

/** The steps whose things are not looked after. */
async function undone(things: StillThings): Promise<readonly string[]> {
  const done = await Promise.all(
    Object.entries(things).map(async ([step, { isDone }]) => ((await isDone()) ? [] : [step])),
  );
  return done.flat();
}

/** What was rung for takes its time. */
async function allDone(things: StillThings): Promise<boolean> {
  const left = await until(
    () => undone(things),
    (steps) => steps.length === 0,
  );
  return left.length === 0;
}

describe("a step of a sweep", () => {
  it.each([
    ["due-tasks", `"tasks"."status" <> 'unbound'`],
    ["deliveries", "SELECT id FROM webhook_deliveries\n    WHERE state"],
    ["old-deliveries", "DELETE FROM webhook_deliveries"],
    ["reservations", `"tasks"."status" = 'unbound'`],
    ["retention", 'order by "tasks"."ended_at_ms"'],
    ["tombstones", `select "id", "retired_at_ms" from "requests"`],
    ["leftovers", '"requests"."leftovers" = ?'],
    ["staged-files", 'from "staged_files"'],
    ["removals", 'from "collection_removals"'],
  ])("that fails stops no other, and is made up for by the next sweep: %s", async (step, at) => {
    const things = await stillThings();
    travelPastBells();
    const fault = arm("fails-before", at);
    await sweepOnce();
    const { [step]: _failed, ...others } = things;
    expect(await allDone(others)).toBe(true);
    expect([fault.fired, await undone(things)]).toEqual([1, [step]]);
    await sweepOnce();
    expect(await allDone(things)).toBe(true);
  });

  it("that fails stops no other: vectors", async () => {
    const things = await stillThings();
    travelPastBells();
    const { dense: known, ...services } = denseWorker(scriptedEmbedder()).services();
    const sweepIndex = vi.fn(() => Promise.reject(new Error("The index does not answer.")));
    const dense = known && { ...known, index: { ...known.index, sweep: sweepIndex } };
    await new Sweep({ ...services, dense }).take();
    expect(await allDone(things)).toBe(true);
    expect(sweepIndex).toHaveBeenCalledOnce();
  });

  it("that hangs stops no other, and the sweep ends", async () => {
    const things = await stillThings();
    travelPastBells();
    const fault = arm("hangs", 'from "collection_removals"');
    await sweepOnce();
    expect(fault.fired).toBe(1);
    await until(
      () => undone(things),
      (left) => left.length === 1,
    );
    expect(await undone(things)).toEqual(["removals"]);
  });

  it("has its thing in these tests", async () => {
    const { steps } = new Sweep(openServices(env));
    expect([...Object.keys(await stillThings()), "vectors"].toSorted()).toEqual(steps.toSorted());
  });
});

describe("two sweeps at once", () => {
  it("look after everything once", async () => {
    const things = await stillThings();
    const { from, id } = await stillTask();
    travelPastBells();
    await Promise.all([sweepOnce(), sweepOnce()]);
    expect(await onceEach(from, await endOf(id))).toBe(true);
    expect(await allDone(things)).toBe(true);
  });
});
