import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { explore } from "./explore";
import { chosen, newStage, placement, type Stage } from "./stage";
import type { Flavour } from "./steps";
import { endTime, takeTime } from "./time";

/** Over shared objects a part of them, in every run of the tests; any number with SCHEDULE_RUNS. */
const RUNS = placement === "per-request" ? 500 : 100;
const LIMIT_MS = 900_000;

/**
 * The tests of one flavour. `SCHEDULE_SEED=… vitest run …` draws the same schedules again, and with SCHEDULE_PATH only
 * the one that failed.
 */
export function describeSchedules(flavour: Flavour): void {
  const { seed = Date.now() % 1_000_000, path, runs = RUNS } = chosen();
  const count = path === undefined ? runs : 1;
  let stage: Stage;
  beforeAll(async () => {
    stage = await newStage();
    takeTime();
  });
  afterAll(() => endTime());

  describe(`a random schedule of clients, ${flavour} and time, with ${placement} objects`, () => {
    it(
      `breaks no promise, ${count} times`,
      async () => {
        expect(await explore(stage, { flavour, seed, runs, path })).toBe(count);
      },
      LIMIT_MS,
    );
  });
}
