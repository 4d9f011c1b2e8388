import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { unknownMigrations } from "../../scripts/dev/migrations.ts";
import { PROJECT_ROOT } from "../../scripts/dev/wrangler.ts";

const OWN = readdirSync(resolve(PROJECT_ROOT, "migrations")).filter((name) => name.endsWith(".sql"));

function newState(): string {
  const folder = mkdtempSync(join(tmpdir(), "refrain-dev-state-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A database as wrangler leaves it once these migrations were applied. It stays open, as after a crash, until the test ends. */
function addDatabase(stateDir: string, migrations: readonly string[] | null, fill = "a"): string {
  const folder = join(stateDir, "v3/d1/miniflare-D1DatabaseObject");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${fill.repeat(64)}.sqlite`);
  const db = new DatabaseSync(path);
  onTestFinished(() => db.close());
  db.exec("PRAGMA journal_mode = WAL; CREATE TABLE other (id)");
  if (migrations === null) return path;
  db.exec("CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY, name TEXT UNIQUE)");
  for (const name of migrations) db.prepare("INSERT INTO d1_migrations (name) VALUES (?)").run(name);
  return path;
}

describe("unknownMigrations", () => {
  it("names what a database has and this checkout has not", async () => {
    const stateDir = newState();
    addDatabase(stateDir, [...OWN, "0001_memory-words.sql", "0000_core.sql"]);
    expect(await unknownMigrations(stateDir)).toEqual(["0000_core.sql", "0001_memory-words.sql"]);
  });

  it("looks at each database of the folder", async () => {
    const stateDir = newState();
    addDatabase(stateDir, OWN);
    addDatabase(stateDir, ["0000_core.sql"], "b");
    expect(await unknownMigrations(stateDir)).toEqual(["0000_core.sql"]);
  });

  it.each([
    ["has some of this checkout's migrations", OWN.slice(0, 1)],
    ["has all of them", OWN],
    ["was never migrated", null],
  ])("names none where the database %s", async (_, migrations) => {
    const stateDir = newState();
    addDatabase(stateDir, migrations);
    expect(await unknownMigrations(stateDir)).toEqual([]);
  });

  it("names none where there is no database", async () => {
    expect(await unknownMigrations(newState())).toEqual([]);
  });

  it("changes nothing in the folder", async () => {
    const stateDir = newState();
    const path = addDatabase(stateDir, ["0000_core.sql"]);
    const seen = () => [
      readdirSync(stateDir, { recursive: true }).toSorted(),
      readFileSync(path),
      readFileSync(`${path}-wal`),
    ];
    const before = seen();
    await unknownMigrations(stateDir);
    expect(seen()).toEqual(before);
  });
});
