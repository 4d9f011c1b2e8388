import { getTableName } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import { parseOwnJson } from "../../domain/basics/own-json";
import type { Database } from "./database";

/** What a select gives, by the names of a row: columns, or expressions in SQL. */
type Selected = Readonly<Record<string, SQLiteColumn | string>>;

/**
 * A select whose text never changes, built once: on the way of every creation, building it anew costs more than all else
 * that is done there with its rows. `Row` must be what `selected` makes.
 */
export class FixedSelect<Row> {
  readonly #sql: string;
  readonly #names: readonly string[];
  readonly #inUnion: string;
  /** The columns whose stored value is not the value itself. */
  readonly #decoded: readonly (readonly [string, SQLiteColumn])[];

  /** @param tail all from `from` on. */
  constructor(selected: Selected, tail: string) {
    const terms = Object.entries(selected).map(([name, term]) => `${termOf(term)} AS "${name}"`);
    this.#sql = `SELECT ${terms.join(", ")} ${tail}`;
    this.#names = Object.keys(selected);
    this.#inUnion = `json_array(${Object.values(selected).map(textOf).join(", ")}) AS "row" ${tail}`;
    this.#decoded = Object.entries(selected).flatMap(([name, term]) =>
      typeof term !== "string" && ["json", "boolean"].includes(term.dataType) ? [[name, term] as const] : [],
    );
  }

  /** Several selects as one: each statement costs D1 more than its rows do. Their values follow each other. */
  static union(selects: Readonly<Record<string, FixedSelect<unknown>>>): string {
    const parts = Object.entries(selects).map(([kind, select]) => `SELECT '${kind}' AS "kind", ${select.#inUnion}`);
    return parts.join("\nUNION ALL\n");
  }

  /** The rows of this kind that a union found. */
  rowsOfUnion(kind: string, results: readonly UnionRow[]): readonly Row[] {
    const rows = results.filter((result) => result.kind === kind).map(({ row }) => this.#named(parseOwnJson(row)));
    return this.#decode(rows);
  }

  #named(values: readonly unknown[]): Record<string, unknown> {
    return Object.fromEntries(this.#names.map((name, index) => [name, values[index]]));
  }

  statement(db: Database, ...values: readonly unknown[]): D1PreparedStatement {
    return db.$client.prepare(this.#sql).bind(...values);
  }

  /** @param result of this statement, by itself or in a batch. */
  rowsOf(result: D1Result | undefined): readonly Row[] {
    return this.#decode(records(result?.results ?? []));
  }

  #decode(rows: readonly Record<string, unknown>[]): readonly Row[] {
    for (const row of rows) {
      for (const [name, column] of this.#decoded) {
        if (row[name] !== null) row[name] = column.mapFromDriverValue(row[name]);
      }
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the names and values that the statement selects
    return rows as Row[];
  }
}

/** A row of a union: its values as JSON. */
export interface UnionRow {
  readonly kind: string;
  readonly row: string;
}

/** An expression that makes JSON would be taken for a part of the row's, and not for a text. */
function textOf(term: SQLiteColumn | string): string {
  return typeof term === "string" ? `${term} || ''` : termOf(term);
}

function termOf(term: SQLiteColumn | string): string {
  return typeof term === "string" ? term : `"${getTableName(term.table)}"."${term.name}"`;
}

function records(results: readonly unknown[]): readonly Record<string, unknown>[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- D1 gives each row as an object of its own
  return results as Record<string, unknown>[];
}
