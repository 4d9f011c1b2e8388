import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import type { PreparedQuery } from "drizzle-orm/session";
import * as schema from "../schema/core";
import { timed, type TimedDatabase } from "./timed-database";

/** A D1 database behind drizzle. It holds no connection and no state: one handle serves all requests of an isolate. */
export type Database = DrizzleD1Database<typeof schema> & {
  /** The binding behind it: the same object for all handles of one isolate. */
  readonly $client: D1Database;
  /** What the time of its statements is put forward by. */
  readonly $clock: SqlClock;
};

/** See `now.ts`. */
interface SqlClock {
  readonly offsetMs: number;
}

const D1_CLOCK: SqlClock = { offsetMs: 0 };

const opened = new WeakMap<D1Database, Database>();

/** One handle for a binding, kept for as long as it is asked for with the same clock. */
export function openDatabase(binding: D1Database, clock: SqlClock = D1_CLOCK): Database {
  const before = opened.get(binding);
  if (before?.$clock === clock) return before;
  const client = timed(binding);
  const db = Object.assign(drizzle(client, { schema }), { batch: batchOn(client), $clock: clock });
  opened.set(binding, db);
  return db;
}

/**
 * One transaction, one round trip. It stands in for drizzle's own, which fails on raw SQL with parameters: there it asks
 * for a prepared statement, and `db.all(sql…)` has none (drizzle-orm 0.45, d1/session.js).
 */
function batchOn(client: TimedDatabase): Database["batch"] {
  const batch = async (queries: readonly Preparable[]): Promise<unknown[]> => {
    const prepared = queries.map((query) => query._prepare());
    const statements = prepared.map((query) => {
      const { sql, params } = query.getQuery();
      return client.prepare(sql).bind(...params);
    });
    const results = await client.batch(statements);
    return prepared.map((query, index) => query.mapResult(results[index], true));
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each query maps its own result to the type it declares, as in drizzle's own batch
  return batch as unknown as Database["batch"];
}

/** What every drizzle query offers at run time; its types keep it to themselves. */
interface Preparable {
  _prepare(): PreparedQuery;
}
