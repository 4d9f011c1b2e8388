import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { explore } from "../support/schedules/explore";
import { chosen, newStage, placement, type Stage } from "../support/schedules/stage";
import { endTime, takeTime } from "../support/schedules/time";

const RUNS = 500;
const LIMIT_MS = 900_000;
/** `SCHEDULE_SEED=… vitest run …` draws the same schedules again, and with SCHEDULE_PATH only the one that failed. */
const { seed = Date.now() % 1_000_000, path, runs = RUNS } = chosen();

let stage: Stage;
beforeAll(async () => {
  stage = await newStage();
  takeTime();
});
afterAll(() => endTime());

describe(`a random schedule of clients, faults and time (${placement})`, () => {
  it(
    `breaks no promise, ${runs} times`,
    async () => {
      const broken = await explore(stage, { seed, runs, path });
      expect(broken, broken).toBeUndefined();
    },
    LIMIT_MS,
  );
});
