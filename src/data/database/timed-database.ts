import { within } from "../../domain/basics/time-limit";

/**
 * Longest wait for one round trip. D1 has none of its own: without it a call that hangs would hold a request, or a
 * consumer with its lease, for as long as the platform lets it. What timed out may still happen; every write here is
 * repeatable.
 */
export const DATABASE_WITHIN_MS = 10_000;

/** The part of D1 that drizzle uses, each round trip within its time. */
export type TimedDatabase = D1Database;

const known = new WeakMap<D1Database, TimedDatabase>();

export function timed(binding: D1Database): TimedDatabase {
  const before = known.get(binding);
  if (before !== undefined) return before;
  const database = {
    prepare: (sql: string) => new TimedStatement(binding.prepare(sql)),
    batch: (statements: readonly TimedStatement[]) =>
      roundTrip(binding.batch(statements.map((statement) => statement.real))),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- drizzle calls nothing but prepare and batch, and prepare makes what batch takes
  const client = database as unknown as TimedDatabase;
  known.set(binding, client);
  return client;
}

/** The database did not answer, or answered that it could not now. A write that was under way may have happened. */
export class DatabaseUnavailable extends Error {
  constructor(cause: unknown) {
    super("The database does not answer.", { cause });
    this.name = "DatabaseUnavailable";
  }
}

/** What SQLite itself says of a statement: a fault of ours, which trying again does not cure. */
const STATEMENT_FAULT = /SQLITE_(ERROR|CONSTRAINT|MISMATCH|TOOBIG|RANGE|MISUSE)|constraint failed/;

async function roundTrip<T>(work: Promise<T>): Promise<T> {
  try {
    return await within(DATABASE_WITHIN_MS, work);
  } catch (error) {
    if (STATEMENT_FAULT.test(String(error))) throw error;
    throw new DatabaseUnavailable(error);
  }
}

class TimedStatement {
  constructor(readonly real: D1PreparedStatement) {}

  bind(...values: unknown[]): TimedStatement {
    return new TimedStatement(this.real.bind(...values));
  }

  run(): Promise<D1Result> {
    return roundTrip(this.real.run());
  }

  all(): Promise<D1Result> {
    return roundTrip(this.real.all());
  }

  raw(): Promise<unknown[]> {
    return roundTrip(this.real.raw());
  }
}
