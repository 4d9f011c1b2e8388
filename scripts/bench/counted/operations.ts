import { randomUUID } from "node:crypto";

import { BenchFault } from "../bench-fault.ts";
import { freshState } from "../round.ts";
import type { Scene } from "../scene.ts";
import type { Against } from "../targets.ts";
import { costOfMillion, totalDollars } from "../tasks/costs.ts";
import { type Counts, objectRequests, rowsRead, sum } from "../tasks/counts.ts";
import type { Placement } from "../workers.ts";
import { create, createAtOnce, type CountedService, withCountedService } from "./calls.ts";

const BULK_ITEMS = 100;
export const GROUP = 64;
/** A message that is written is read and deleted once too; the platform bills each. */
const OPERATIONS_A_MESSAGE = 3;

export interface CountTools {
  readonly workDir: string;
  readonly signal: AbortSignal;
}

/** What one operation asks of the platform. */
export interface OperationCounts {
  readonly operation: string;
  readonly d1_round_trips: number;
  readonly d1_rows_read: number;
  readonly d1_rows_written: number;
  readonly object_calls: number;
  readonly object_rows_written: number;
  readonly queue_operations: number;
  /** For a million, at list prices, with the request of the Worker. */
  readonly dollars_a_million: number;
}

/** What a creation and a replay ask of the platform, counted. */
export async function countOperations(
  scene: Scene,
  placement: Placement,
  { workDir, signal }: CountTools,
  against: Against | null = null,
): Promise<readonly OperationCounts[]> {
  const { service, batch } = scene;
  const stateDir = await freshState({ scene }, workDir);
  const shared = placement === "per-request" ? "request" : "shared";
  const place = against === null ? shared : `${shared}@${against.name}`;
  return withCountedService({ service, stateDir, placement, signal }, async (counted) => {
    const requestId = randomUUID();
    const first = await counted.counted(() => create(counted, batch));
    const creation = await counted.counted(() => create(counted, batch, { requestId }));
    const replay = await counted.counted(() => create(counted, batch, { requestId }));
    const items = Array.from({ length: BULK_ITEMS }, () => batch);
    const bulk = await counted.counted(async () => requireAllMade(await create(counted, { items })));
    return [
      figures(`${place}: creation, the first of an isolate`, first),
      figures(`${place}: creation`, creation),
      figures(`${place}: creation in a bulk of ${BULK_ITEMS}`, bulk, BULK_ITEMS),
      figures(`${place}: creation, ${GROUP} at once`, await countGroup(counted, batch), GROUP),
      figures(`${place}: replay`, replay),
    ];
  });
}

function requireAllMade({ text }: { readonly text: string }): void {
  const made = text.split('"status":201').length - 1;
  if (made !== BULK_ITEMS) throw new BenchFault(`${made} of ${BULK_ITEMS} items of a bulk were made.`);
}

/** Creations of different ids that come together. */
export function countGroup(counted: CountedService, batch: unknown): Promise<Counts> {
  const requestIds = Array.from({ length: GROUP }, () => randomUUID());
  return counted.counted(() => createAtOnce(counted, batch, requestIds, GROUP));
}

function figures(operation: string, counts: Counts, operations = 1): OperationCounts {
  const messages = counts.queue.written * OPERATIONS_A_MESSAGE;
  const written = sum(counts.statements.map((each) => each.rowsWritten));
  const dollars = costOfMillion(
    {
      worker_requests: counts.fetches,
      worker_cpu_ms: 0,
      d1_rows_read: rowsRead(counts),
      d1_rows_written: written,
      queue_operations: messages,
      object_requests: objectRequests(counts),
      object_rows_read: counts.objectRows.read,
      object_rows_written: counts.objectRows.written,
      bucket_class_a: counts.bucket.a,
      bucket_class_b: counts.bucket.b,
    },
    operations,
  );
  return {
    operation,
    d1_round_trips: counts.d1.roundTrips / operations,
    d1_rows_read: rowsRead(counts) / operations,
    d1_rows_written: written / operations,
    object_calls: objectRequests(counts) / operations,
    object_rows_written: counts.objectRows.written / operations,
    queue_operations: messages / operations,
    dollars_a_million: totalDollars(dollars),
  };
}
