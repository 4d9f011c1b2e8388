import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { generateSQLiteDrizzleJson, generateSQLiteMigration } from "drizzle-kit/api";
import { describe, expect, it } from "vitest";
import * as core from "../../src/data/schema/core";
import * as requests from "../../src/data/schema/requests";
import * as tasks from "../../src/data/schema/tasks";
import * as vectors from "../../src/data/schema/vectors";
import * as webhooks from "../../src/data/schema/webhooks";

const MIGRATIONS = join(import.meta.dirname, "../../migrations");
const SCHEMA = join(import.meta.dirname, "../../src/data/schema");

const files = readdirSync(MIGRATIONS).filter((name) => name.endsWith(".sql"));
const textOf = (file: string) => readFileSync(join(MIGRATIONS, file), "utf8");

/**
 * What the platform's remote splitter of statements breaks on, though SQLite and the local one take it: see
 * cloudflare/workers-sdk #4326, #4727, #15314 and #15690.
 */
const BREAKING = [
  { what: "CASE in a trigger", isIn: (text: string) => triggersOf(text).some((trigger) => /\bCASE\b/i.test(trigger)) },
  { what: "begin in lower case", isIn: (text: string) => /\bbegin\b/.test(text) },
  { what: "end in lower case", isIn: (text: string) => /\bend\b/.test(text) },
  { what: "a carriage return", isIn: (text: string) => text.includes("\r") },
];

function breakingIn(text: string): readonly string[] {
  return BREAKING.filter(({ isIn }) => isIn(text)).map(({ what }) => what);
}

/** From its first word to the next statement, with its comments: what is refused there is refused in those too. */
function triggersOf(text: string): readonly string[] {
  return text.split("--> statement-breakpoint").flatMap((statement) => {
    const trigger = /\bCREATE\s+TRIGGER\b.*/is.exec(statement);
    return trigger === null ? [] : [trigger[0]];
  });
}

const PLAIN = `CREATE TABLE a (b text, end_position integer);
--> statement-breakpoint
CREATE TRIGGER c AFTER INSERT ON a BEGIN
  UPDATE a SET b = iif(new.b = '', 'ended', new.b);
END;
--> statement-breakpoint
UPDATE a SET b = CASE b WHEN '' THEN 'x' ELSE b END;`;

describe("the migrations", () => {
  it.each(files)("hold nothing that the remote splitter of statements breaks on: %s", (file) => {
    expect(breakingIn(textOf(file))).toEqual([]);
  });
});

describe("the check of what the remote splitter breaks on", () => {
  it.each([
    ["CASE in a trigger", PLAIN.replace("iif(new.b = '', 'ended', new.b)", "CASE new.b WHEN '' THEN 'x' END")],
    ["CASE in a trigger", PLAIN.replace("iif(new.b = '', 'ended', new.b)", "case new.b WHEN '' THEN 'x' END")],
    ["begin in lower case", PLAIN.replace("BEGIN", "begin")],
    ["begin in lower case", `-- Where to begin.\n${PLAIN}`],
    ["end in lower case", PLAIN.replace("END;\n", "end;\n")],
    ["end in lower case", `-- At the end.\n${PLAIN}`],
    ["a carriage return", PLAIN.replaceAll("\n", "\r\n")],
  ])("finds %s", (what, text) => expect(breakingIn(text)).toEqual([what]));

  it("lets words pass that only hold those, and CASE outside of a trigger", () => {
    expect(breakingIn(PLAIN)).toEqual([]);
  });
});

type Row = Readonly<Record<string, unknown>>;

/** What the files of this folder make. */
function migrated(): DatabaseSync {
  return databaseOf(files.toSorted().map(textOf));
}

/** What drizzle-kit makes of the schema of the program, without the files. */
async function declared(): Promise<DatabaseSync> {
  const [nothing, schema] = await Promise.all([
    generateSQLiteDrizzleJson({}),
    generateSQLiteDrizzleJson({ ...core, ...requests, ...tasks, ...vectors, ...webhooks }),
  ]);
  return databaseOf(await generateSQLiteMigration(nothing, schema));
}

function databaseOf(texts: readonly string[]): DatabaseSync {
  const made = new DatabaseSync(":memory:");
  for (const text of texts) made.exec(text);
  return made;
}

function tableNames(of: DatabaseSync, type: "table" | "virtual"): readonly string[] {
  const sql = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = ? AND name NOT LIKE 'sqlite_%'";
  return textsOf(of.prepare(sql).all(type)).toSorted();
}

/** By name: where a later migration adds a column, SQLite puts it last. */
function columnsOf(of: DatabaseSync, table: string): readonly Row[] {
  return of
    .prepare('SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?) ORDER BY name')
    .all(table)
    .map((row) => ({ ...row }));
}

/** Those of primary keys have no text. */
function indexesOf(of: DatabaseSync, table: string): readonly Row[] {
  return of
    .prepare(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL ORDER BY name",
    )
    .all(table)
    .map((row) => ({ ...row }));
}

function textsOf(found: readonly Row[]): readonly string[] {
  return found.map(({ name }) => String(name));
}

const db = migrated();
const schemaDb = await declared();

describe("the migrated database", () => {
  it("has the tables of the schema and no other, besides the index of words", () => {
    expect(tableNames(db, "table")).toEqual(tableNames(schemaDb, "table"));
    expect(tableNames(db, "virtual")).toEqual(["memory_words"]);
  });

  it.each(tableNames(schemaDb, "table"))("has the columns and indexes that the schema gives to %s", (table) => {
    expect(columnsOf(db, table)).toEqual(columnsOf(schemaDb, table));
    expect(indexesOf(db, table)).toEqual(indexesOf(schemaDb, table));
  });

  it("has no row ids in the tables whose comments say so, and in no others", () => {
    const without = db.prepare(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND wr = 1",
    );
    expect(textsOf(without.all()).toSorted()).toEqual(saidToBeWithoutRowId().toSorted());
  });
});

/** Tables whose comment says WITHOUT ROWID: drizzle has no word for it, so the comment is all there is to compare. */
function saidToBeWithoutRowId(): readonly string[] {
  const source = readdirSync(SCHEMA).map((file) => readFileSync(join(SCHEMA, file), "utf8"));
  const table = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport const \w+ = sqliteTable\(\s*"(\w+)"/g;
  return [...source.join("\n").matchAll(table)].flatMap(([, comment = "", name = ""]) =>
    /WITHOUT[\s*]+ROWID/.test(comment) ? [name] : [],
  );
}
