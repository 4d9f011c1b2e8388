import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { armSweeper } from "../../../src/runtime/adapters/sweeper-client";
import { requestOf, until } from "../../support/api";
import { envWith } from "../../support/env-with";
import { arm, type FaultKind, loggedCalls, resetFaults } from "../../support/faults";
import { withFaults } from "../../support/faulty-bindings";
import { endOf, onceEach } from "../../support/scene";
import { stillTask, stillThings } from "../../support/still-things";
import { setSweepSeconds, travelPastBells } from "../../support/sweeper";
import worker from "../../support/worker";

const sweeper = () => env.SWEEPER.getByName("sweeper");
const alarm = () => runInDurableObject(sweeper(), (_, state) => state.storage.getAlarm());
const setAlarm = (atMs: number) => runInDurableObject(sweeper(), (_, state) => state.storage.setAlarm(atMs));
const HOUR_MS = 3_600_000;

beforeEach(() => resetFaults());
afterEach(async () => {
  setSweepSeconds(null);
  await runInDurableObject(sweeper(), (_, state) => state.storage.deleteAlarm());
});

describe("the sweeper's object, armed", () => {
  it("sweeps soon, and again and again: a task that lost everything is brought on", async () => {
    const { from, id } = await stillTask();
    travelPastBells();
    setSweepSeconds(0.2);
    await sweeper().arm();
    expect(await onceEach(from, await endOf(id))).toBe(true);
    const later = await stillTask();
    travelPastBells();
    expect(await onceEach(later.from, await endOf(later.id))).toBe(true);
  });

  it("keeps the alarm that is to come", async () => {
    setSweepSeconds(3_600);
    const nextMs = Date.now() + HOUR_MS / 2;
    await setAlarm(nextMs);
    await sweeper().arm();
    expect(await alarm()).toBe(nextMs);
  });

  it("brings an alarm nearer that is later than SWEEP_SECONDS allows", async () => {
    setSweepSeconds(1_800);
    await setAlarm(Date.now() + HOUR_MS);
    await sweeper().arm();
    const next = await alarm();
    expect(next === null || next < Date.now() + HOUR_MS / 2).toBe(true);
  });

  it("has its next alarm before it begins, and so after whatever comes", async () => {
    setSweepSeconds(3_600);
    await stillTask();
    travelPastBells();
    let seen: Promise<number | null> | undefined;
    const held = arm("reorders", "queue: sendBatch", 1, { fromObject: true, heldUntil: () => seen !== undefined });
    await setAlarm(Date.now() + HOUR_MS / 2);
    const sweeping = runDurableObjectAlarm(sweeper());
    await until(
      async () => held.fired,
      (fired) => fired === 1,
    );
    seen = alarm();
    expect((await seen) ?? 0).toBeGreaterThan(Date.now() + HOUR_MS / 2);
    await sweeping;
  });

  it("is not armed, and sweeps no more, where SWEEP_SECONDS is off", async () => {
    await sweeper().arm();
    expect(await alarm()).toBeNull();
    await setAlarm(Date.now() + HOUR_MS);
    await runDurableObjectAlarm(sweeper());
    expect(await alarm()).toBeNull();
  });
});

const READS = [
  `"tasks"."status" <> 'unbound'`,
  `"tasks"."status" = 'unbound'`,
  'order by "tasks"."ended_at_ms"',
  'select "id", "retired_at_ms" from "requests"',
  '"requests"."leftovers" = ?',
  'from "staged_files"',
  "files: list",
  'from "collection_removals"',
];
const WRITES = [
  "queue: sendBatch",
  'update "tasks" set "ring_at_ms"',
  "UPDATE webhook_deliveries SET look_at_ms",
  "DELETE FROM webhook_deliveries",
  "status = task.status",
  'delete from "requests"',
  "SET leftovers = 0",
  "files: delete",
  'delete from "staged_files"',
  "DELETE FROM memories WHERE seq IN",
];
/** Where it is killed in which step, and whether what it was about to do was done. */
const KILLS: readonly (readonly [FaultKind, string])[] = [
  ...[...READS, ...WRITES].map((at) => ["crashes-before", at] as const),
  ...WRITES.map((at) => ["crashes-after", at] as const),
];

describe("the sweeper, killed", () => {
  it.each(KILLS)("comes again and looks after everything: %s %s", async (kind, at) => {
    const things = await stillThings();
    const { from, id } = await stillTask();
    travelPastBells();
    setSweepSeconds(0.2);
    const fault = arm(kind, at, 1);
    await sweeper().arm();
    await until(
      async () => Promise.all(Object.values(things).map(({ isDone }) => isDone())),
      (done) => !done.includes(false),
    );
    expect(await onceEach(from, await endOf(id))).toBe(true);
    expect(fault.fired).toBe(1);
  });
});

/** Answers one request in a Worker of its own, whose sweeper may be armed. @returns its waiting work. */
async function answer(own: Env) {
  const ctx = createExecutionContext();
  const response = await worker.fetch(requestOf("GET", "/v1/agents"), own, ctx);
  expect(response.status).toBe(200);
  return () => waitOnExecutionContext(ctx);
}

/** A Worker in an isolate of its own, as far as the sweeper can tell. */
function isolate(): Env {
  const { SWEEPER } = env;
  const own = new Proxy(SWEEPER, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return envWith({ SWEEP_SECONDS: "15", SWEEPER: own });
}

const arms = () => loggedCalls().filter((label) => label === "sweeper: arm").length;

describe("who arms the sweeper", () => {
  it("is the first request that an isolate answers, and no other", async () => {
    const own = isolate();
    await (
      await answer(own)
    )();
    await (
      await answer(own)
    )();
    expect(arms()).toBe(1);
  });

  it("is the next request where that failed", async () => {
    const own = isolate();
    arm("fails-before", "sweeper: arm");
    await (
      await answer(own)
    )();
    await (
      await answer(own)
    )();
    await (
      await answer(own)
    )();
    expect(arms()).toBe(2);
  });

  it("holds up no answer where the sweeper does not answer", async () => {
    const fault = arm("hangs", "sweeper: arm");
    await answer(isolate());
    expect(fault.fired).toBe(1);
  });

  it("is the cron, each time", async () => {
    const own = withFaults(isolate());
    expect([await armSweeper(own), await armSweeper(own)]).toEqual([true, true]);
    expect(arms()).toBe(2);
  });

  it("is nobody where SWEEP_SECONDS is off", async () => {
    await (
      await answer(env)
    )();
    await worker.scheduled({ cron: "* * * * *", scheduledTime: Date.now(), noRetry: () => {} }, env);
    expect(arms()).toBe(0);
  });
});
