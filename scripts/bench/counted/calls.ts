import { randomUUID } from "node:crypto";

import { BenchFault } from "../bench-fault.ts";
import { type Runtime, startRuntime } from "../runtime.ts";
import { BATCHES_PATH, HEADERS } from "../scene.ts";
import type { Counts } from "../tasks/counts.ts";
import { creationVariables, type Placement, type ServiceCode } from "../workers.ts";
import { countedWorker, countsAtRest, resetCounts } from "./worker.ts";

/** A service that counts what it asks of the platform, and the counts of what it is asked. */
export interface CountedService {
  readonly address: string;
  readonly database: Runtime["database"];
  /** What one piece of work asked of the platform, with what came after its answers. */
  counted(work: () => Promise<unknown>): Promise<Counts>;
}

export interface CountedSetUp {
  readonly service: ServiceCode;
  readonly stateDir: string;
  readonly placement: Placement;
  readonly signal: AbortSignal;
}

/** Starts the service, its queue without a consumer, and ends it. */
export async function withCountedService<T>(
  { service, stateDir, placement, signal }: CountedSetUp,
  use: (counted: CountedService) => Promise<T>,
): Promise<T> {
  const runtime = await startRuntime(await countedWorker(service, creationVariables(placement), "kept"), stateDir);
  const { address } = runtime;
  const counted = async (work: () => Promise<unknown>): Promise<Counts> => {
    await resetCounts(address);
    await work();
    return countsAtRest(address, signal);
  };
  try {
    return await use({ address, database: () => runtime.database(), counted });
  } finally {
    await runtime.stop();
  }
}

/** Sends a creation. @returns the status and the body of its answer, which must be a success. */
export async function create(
  { address }: CountedService,
  body: unknown,
  { requestId = randomUUID(), headers = {} }: { requestId?: string; headers?: Readonly<Record<string, string>> } = {},
): Promise<{ readonly status: number; readonly text: string }> {
  const init = { method: "PUT", headers: { ...HEADERS, ...headers, requestId }, body: JSON.stringify(body) };
  const answer = await fetch(address + BATCHES_PATH, init);
  const text = await answer.text();
  if (!answer.ok) throw new BenchFault(`A creation was answered ${answer.status}: ${text}`);
  return { status: answer.status, text };
}

/** Creations that come at the same time. @throws BenchFault when not so many of them were the first of their id. */
export async function createAtOnce(
  service: CountedService,
  body: unknown,
  requestIds: readonly string[],
  first: number,
): Promise<void> {
  const answers = await Promise.all(requestIds.map((requestId) => create(service, body, { requestId })));
  const made = answers.filter(({ status }) => status === 201).length;
  if (made !== first) throw new BenchFault(`${made} of ${answers.length} calls were answered 201, and not ${first}.`);
}
