import { env } from "cloudflare:workers";
import { openServices } from "../../src/runtime/composition";
import { Sweep } from "../../src/services/sweeping/sweep";
import type { Strike } from "./creation-places";
import { type Fault, land } from "./faults";
import { withFaults } from "./faulty-bindings";
import { rows } from "./scene";

/** A case under way. */
export interface Running {
  readonly taskIds: readonly string[];
  /** Each strike's fault, in their order. */
  readonly faults: readonly Fault[];
  readonly strikes: readonly Strike[];
  /** When it was acknowledged, or the sweeper came by since; undefined before. */
  waitingSinceMs: number | undefined;
  /** All its tasks have. */
  hasEnded: boolean;
}

export const running = new Set<Running>();

/** How often what was overtaken lands. */
const LAND_EVERY_MS = 10;
const LOOK_EVERY_MS = 200;
const SWEEP_EVERY_MS = 1_000;
/** Most bells are not lost, and are heard by then: so the sweeper finds few tasks. */
const BELL_WITHIN_MS = 5_000;
/** As if a bell of then had had its time. */
const PAST_BELLS_MS = 60_000;

/** Does for all cases together what happens around them: calls land, ends are seen, the sweeper comes by. */
export async function aroundCases(work: () => Promise<unknown>): Promise<void> {
  const over = new AbortController();
  const again = async (everyMs: number, what: () => Promise<void> | void) => {
    while (!over.signal.aborted) {
      await what();
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  };
  const around = [again(LAND_EVERY_MS, landOvertaken), again(LOOK_EVERY_MS, seeEnds), again(SWEEP_EVERY_MS, sweep)];
  await work();
  over.abort();
  await Promise.all(around);
}

function landOvertaken(): void {
  for (const { faults, strikes } of running)
    for (const [at, fault] of faults.entries())
      if (strikes[at]?.lands === "overtaken" && fault.underWay.some(({ overtaken }) => overtaken)) void land(fault);
}

/** Straight from D1: a look through the Worker could itself meet a fault. */
async function seeEnds(): Promise<void> {
  const sql = "SELECT id FROM tasks WHERE id IN (SELECT value FROM json_each(?)) AND ended_at_ms IS NOT NULL";
  const ended = new Set((await rows<{ id: string }>(sql, idsOf(waiting()))).map(({ id }) => id));
  for (const one of running) one.hasEnded ||= one.taskIds.every((id) => ended.has(id));
}

/** Finds those to be due that have waited for so long that their bells were lost. */
async function sweep(): Promise<void> {
  const nowMs = Date.now();
  const due = waiting().filter(({ waitingSinceMs = nowMs }) => waitingSinceMs + BELL_WITHIN_MS <= nowMs);
  if (due.length === 0) return;
  const sql = `UPDATE tasks SET ring_at_ms = ring_at_ms - ?
    WHERE id IN (SELECT value FROM json_each(?)) AND ended_at_ms IS NULL`;
  await rows(sql, PAST_BELLS_MS, idsOf(due));
  await new Sweep(ringingEachByItself()).take();
  for (const one of due) one.waitingSinceMs = nowMs;
}

/** A call of the queue for each task: a fault of one is no matter of the others. */
function ringingEachByItself() {
  const services = openServices(withFaults(env));
  const { bells } = services;
  const ringOnce = async (ids: readonly string[]) => {
    await Promise.allSettled(ids.map((id) => bells.ringOnce([id])));
  };
  return { ...services, bells: { ...bells, ringOnce } };
}

function waiting(): readonly Running[] {
  return [...running].filter(({ waitingSinceMs, hasEnded }) => waitingSinceMs !== undefined && !hasEnded);
}

function idsOf(some: readonly Running[]): string {
  return JSON.stringify(some.flatMap(({ taskIds }) => taskIds));
}
