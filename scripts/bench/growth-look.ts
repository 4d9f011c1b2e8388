import { randomUUID } from "node:crypto";

import { z } from "zod";

import { isScan } from "../../test/support/explained-sql.ts";
import { BenchFault } from "./bench-fault.ts";
import { create, type CountedService, withCountedService } from "./counted/calls.ts";
import { BATCHES_PATH, HEADERS, type Scene } from "./scene.ts";
import { type Counts, placeOf, type Statement, sum } from "./tasks/counts.ts";
import type { ServiceCode } from "./workers.ts";

const Step = z.object({ detail: z.string() });

/** What a creation asks of one database, and how that answers. */
export interface Look {
  /** One creation, whose references are known by then. */
  readonly creation: Counts;
  /** Steps of plans that read a whole table, each with its statement. */
  readonly scans: readonly string[];
}

/** Sends creations of each kind, replays and a sweep, and has every statement of theirs explained. */
export async function lookAtStatements(
  scene: Scene,
  sweep: ServiceCode,
  { stateDir, signal }: { readonly stateDir: string; readonly signal: AbortSignal },
): Promise<Look> {
  const placement = "per-request";
  const { creation, scans } = await withCountedService(
    { service: scene.service, stateDir, placement, signal },
    async (counted) => {
      const requestId = randomUUID();
      const first = await counted.counted(() => create(counted, scene.batch, { requestId }));
      const known = await counted.counted(() => create(counted, scene.batch));
      const others = await counted.counted(async () => {
        await create(counted, scene.batch, { requestId });
        await create(counted, { items: [scene.batch, scene.batch] });
      });
      return { creation: known, scans: await scansOf(counted, [first, known, others]) };
    },
  );
  const ofSweep = await withCountedService({ service: sweep, stateDir, placement, signal }, async (counted) =>
    scansOf(counted, [await counted.counted(() => sweepOnce(counted))]),
  );
  return { creation, scans: [...scans, ...ofSweep] };
}

async function sweepOnce({ address }: CountedService): Promise<void> {
  const answer = await fetch(address + BATCHES_PATH, { method: "PUT", headers: HEADERS });
  const text = await answer.text();
  if (answer.status !== 201) throw new BenchFault(`A sweep was answered ${answer.status}: ${text}`);
}

async function scansOf(counted: CountedService, counts: readonly Counts[]): Promise<readonly string[]> {
  const statements = new Map(counts.flatMap((each) => each.statements).map((each) => [each.sql, each]));
  const scans: string[] = [];
  for (const { sql, values } of statements.values()) {
    for (const step of await explain(counted, { sql, values })) if (isScan(step)) scans.push(`${step}: ${sql}`);
  }
  return scans;
}

async function explain({ database }: CountedService, { sql, values }: Pick<Statement, "sql" | "values">) {
  const db = await database();
  const nothing = Array.from({ length: values }, () => null);
  const { results } = await db
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...nothing)
    .all();
  return z
    .array(Step)
    .parse(results)
    .map(({ detail }) => detail);
}

/** What one creation asked of D1, in words. */
export function creationRows({ d1, statements }: Counts): string {
  const read = sum(statements.map(({ rowsRead }) => rowsRead));
  const written = statements.filter(({ rowsWritten }) => rowsWritten > 0);
  const places = written.map(({ sql, rowsWritten }) => `${placeOf(sql)} ${rowsWritten}`);
  const rows = sum(written.map(({ rowsWritten }) => rowsWritten));
  return `${d1.roundTrips} D1 round trips, ${read} rows read, ${rows} rows written (${places.join(", ")})`;
}
