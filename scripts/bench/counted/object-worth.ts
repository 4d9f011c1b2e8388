import { randomUUID } from "node:crypto";

import { RequestAnswer } from "../../demo/answers.ts";
import { BenchFault } from "../bench-fault.ts";
import { freshState } from "../round.ts";
import { HEADERS, type Scene } from "../scene.ts";
import { type Counts, objectRequests, rowsRead } from "../tasks/counts.ts";
import { bundleAround, type Placement, type ServiceCode } from "../workers.ts";
import { create, createAtOnce, type CountedService, withCountedService } from "./calls.ts";
import { countGroup, type CountTools, GROUP } from "./operations.ts";

const DIRECT_ENTRY = "test/bench/direct/worker.ts";
const STORM_CALLS = 1_000;
const CROWDS = 3;
const WAIT_SECONDS = 30;

interface Asked {
  readonly worker_requests: number;
  readonly object_calls: number;
  readonly d1_round_trips: number;
  readonly d1_rows_read: number;
}

/** One situation, with the objects of request ids and without. */
export interface Worth {
  readonly situation: string;
  readonly with_object: Asked;
  readonly without: Asked;
}

/**
 * What the meeting of calls saves. Without objects each call of a Worker makes its own transaction by the same code, and who
 * waits for an end asks each second. Counts of replays are left out there: they would cost one more round trip a call.
 */
export async function measureObjectWorth(scene: Scene, { workDir, signal }: CountTools): Promise<readonly Worth[]> {
  const direct = await bundleAround(DIRECT_ENTRY, workDir, signal);
  const count = async (service: ServiceCode, placement: Placement, work: (counted: CountedService) => Promise<Asked>) =>
    withCountedService(
      { service, stateDir: await freshState({ scene }, workDir), placement, signal },
      async (counted) => {
        // From then on the isolate knows what creations refer to, as it does wherever there is traffic.
        await create(counted, scene.batch);
        return work(counted);
      },
    );
  const storm = (counted: CountedService) => middleOf(() => countStorm(counted, scene.batch));
  const group = (counted: CountedService) => middleOf(() => countGroup(counted, scene.batch));
  return [
    {
      situation: `${STORM_CALLS} calls of one id at once`,
      with_object: await count(scene.service, "per-request", storm),
      without: await count(direct, "per-request", storm),
    },
    {
      situation: `a wait of ${WAIT_SECONDS} s for an end`,
      with_object: await count(scene.service, "per-request", (counted) => countWait(counted, scene.batch)),
      without: await count(direct, "per-request", (counted) => countPolls(counted, scene.batch)),
    },
    {
      situation: `${GROUP} creations at once`,
      with_object: await count(scene.service, 1, group),
      without: await count(direct, 1, group),
    },
  ];
}

/** How a crowd falls into groups differs from one to the next: the one in the middle counts. */
async function middleOf(count: () => Promise<Counts>): Promise<Asked> {
  const crowds: Asked[] = [];
  for (let crowd = 1; crowd <= CROWDS; crowd += 1) crowds.push(asked(await count()));
  const [middle] = crowds.toSorted((a, b) => a.d1_round_trips - b.d1_round_trips).slice(Math.floor(CROWDS / 2));
  if (middle === undefined) throw new Error("Nothing was counted.");
  return middle;
}

function countStorm(counted: CountedService, batch: unknown): Promise<Counts> {
  const requestId = randomUUID();
  const calls = Array.from({ length: STORM_CALLS }, () => requestId);
  return counted.counted(() => createAtOnce(counted, batch, calls, 1));
}

/** Nothing takes up the task, so its creator waits all of the time. */
async function countWait(counted: CountedService, batch: unknown): Promise<Asked> {
  return asked(await counted.counted(() => create(counted, batch, { headers: { Prefer: `wait=${WAIT_SECONDS}` } })));
}

/** A creation, and a question for each second. They come at once: their count is the same. */
async function countPolls(counted: CountedService, batch: unknown): Promise<Asked> {
  const counts = await counted.counted(async () => {
    const { task_id } = RequestAnswer.parse(JSON.parse((await create(counted, batch)).text));
    for (let second = 1; second <= WAIT_SECONDS; second += 1) {
      const answer = await fetch(`${counted.address}/v1/checkmate/tasks/${task_id}/status`, { headers: HEADERS });
      const text = await answer.text();
      if (!answer.ok) throw new BenchFault(`The status of a task was answered ${answer.status}: ${text}`);
    }
  });
  return asked(counts);
}

function asked(counts: Counts): Asked {
  return {
    worker_requests: counts.fetches,
    object_calls: objectRequests(counts),
    d1_round_trips: counts.d1.roundTrips,
    d1_rows_read: rowsRead(counts),
  };
}
