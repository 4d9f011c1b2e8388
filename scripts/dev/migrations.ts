import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { PROJECT_ROOT } from "./wrangler.ts";

/** The name of the D1 database in wrangler.toml. */
export const DATABASE_NAME = "refrain";

const MIGRATIONS = resolve(PROJECT_ROOT, "migrations");

/**
 * Whether this state folder already has exactly these migrations. wrangler needs two seconds to find out that nothing
 * is to do; a note beside the local databases says it at once, and goes when they are deleted.
 */
export function areMigrationsNoted(stateDir: string): boolean {
  const note = notePath(stateDir);
  return existsSync(note) && databasePaths(stateDir).length > 0 && readFileSync(note, "utf8") === migrationsDigest();
}

/** Notes that the migrations of this checkout have been applied. Call it only after wrangler said so. */
export function noteMigrations(stateDir: string): void {
  mkdirSync(databasesDir(stateDir), { recursive: true });
  writeFileSync(notePath(stateDir), migrationsDigest());
}

/**
 * The migrations that a database in this state folder has and this checkout does not. If there are any, another version of
 * Refrain made the folder, and nothing brings it up to date. D1 alone tells: wrangler keeps no class tags of Durable
 * Objects locally, so objects of that version need no look of their own.
 */
export async function unknownMigrations(stateDir: string): Promise<readonly string[]> {
  const known = new Set(migrationNames());
  const names = new Set<string>();
  for (const path of databasePaths(stateDir)) for (const name of await appliedMigrations(path)) names.add(name);
  return [...names].filter((name) => !known.has(name)).toSorted();
}

/** Reads a copy: even a connection that only reads leaves files beside a database that has a write-ahead log. */
async function appliedMigrations(path: string): Promise<readonly string[]> {
  // Loaded only here: older versions of Node print a warning when it is.
  const { DatabaseSync } = await import("node:sqlite");
  const folder = mkdtempSync(join(tmpdir(), "refrain-state-"));
  try {
    const copy = join(folder, "copy.sqlite");
    copyFileSync(path, copy);
    // There after a crash, and then the only place of the newest rows.
    if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`);
    const db = new DatabaseSync(copy);
    const isMigrated = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'd1_migrations'").get() !== undefined;
    const rows = isMigrated ? db.prepare("SELECT name FROM d1_migrations").all() : [];
    db.close();
    return rows.map(({ name }) => String(name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function migrationNames(): readonly string[] {
  return readdirSync(MIGRATIONS).filter((name) => name.endsWith(".sql"));
}

/** wrangler.toml belongs to the digest: another database id means another, empty, local database. */
function migrationsDigest(): string {
  const hash = createHash("sha256").update(readFileSync(resolve(PROJECT_ROOT, "wrangler.toml")));
  for (const name of migrationNames().toSorted())
    hash.update(`\n${name}\n`).update(readFileSync(resolve(MIGRATIONS, name)));
  return hash.digest("hex");
}

function databasePaths(stateDir: string): readonly string[] {
  const folder = resolve(databasesDir(stateDir), "miniflare-D1DatabaseObject");
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name)).map((name) => resolve(folder, name));
}

function databasesDir(stateDir: string): string {
  return resolve(stateDir, "v3/d1");
}

function notePath(stateDir: string): string {
  return resolve(databasesDir(stateDir), "migrations-applied.sha256");
}
