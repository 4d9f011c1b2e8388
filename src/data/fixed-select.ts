import { getTableName } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Database } from "./database";

/** What a select gives, by the names of a row: columns, or expressions in SQL. */
type Selected = Readonly<Record<string, SQLiteColumn | string>>;

/**
 * A select whose text never changes, built once: on the way of every creation, building it anew costs more than all else
 * that is done there with its rows. `Row` must be what `selected` makes.
 */
export class FixedSelect<Row> {
  readonly #sql: string;
  /** The columns whose stored value is not the value itself. */
  readonly #decoded: readonly (readonly [string, SQLiteColumn])[];

  /** @param tail all from `from` on. */
  constructor(selected: Selected, tail: string) {
    const terms = Object.entries(selected).map(([name, term]) => `${termOf(term)} AS "${name}"`);
    this.#sql = `SELECT ${terms.join(", ")} ${tail}`;
    this.#decoded = Object.entries(selected).flatMap(([name, term]) =>
      typeof term !== "string" && ["json", "boolean"].includes(term.dataType) ? [[name, term] as const] : [],
    );
  }

  statement(db: Database, ...values: readonly unknown[]): D1PreparedStatement {
    return db.$client.prepare(this.#sql).bind(...values);
  }

  /** @param result of this statement, by itself or in a batch. */
  rowsOf(result: D1Result | undefined): readonly Row[] {
    const results = result?.results ?? [];
    for (const row of records(results)) {
      for (const [name, column] of this.#decoded) {
        if (row[name] !== null) row[name] = column.mapFromDriverValue(row[name]);
      }
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the names and values that the statement selects
    return results as Row[];
  }
}

function termOf(term: SQLiteColumn | string): string {
  return typeof term === "string" ? term : `"${getTableName(term.table)}"."${term.name}"`;
}

function records(results: readonly unknown[]): readonly Record<string, unknown>[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- D1 gives each row as an object of its own
  return results as Record<string, unknown>[];
}
