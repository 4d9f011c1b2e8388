import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

import { PROJECT_ROOT } from "./wrangler.ts";

/** The name of the D1 database in wrangler.toml. */
export const DATABASE_NAME = "refrain";

/**
 * Whether this state folder already has exactly these migrations. wrangler needs two seconds to find out that nothing
 * is to do; a note beside the local databases says it at once, and goes when they are deleted.
 */
export function areMigrationsNoted(stateDir: string): boolean {
  const note = notePath(stateDir);
  return existsSync(note) && hasDatabase(stateDir) && readFileSync(note, "utf8") === migrationsDigest();
}

/** Notes that the migrations of this checkout have been applied. Call it only after wrangler said so. */
export function noteMigrations(stateDir: string): void {
  mkdirSync(databasesDir(stateDir), { recursive: true });
  writeFileSync(notePath(stateDir), migrationsDigest());
}

/** wrangler.toml belongs to the digest: another database id means another, empty, local database. */
function migrationsDigest(): string {
  const folder = resolve(PROJECT_ROOT, "migrations");
  const files = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  const hash = createHash("sha256").update(readFileSync(resolve(PROJECT_ROOT, "wrangler.toml")));
  for (const name of files.toSorted()) hash.update(`\n${name}\n`).update(readFileSync(resolve(folder, name)));
  return hash.digest("hex");
}

function hasDatabase(stateDir: string): boolean {
  const folder = resolve(databasesDir(stateDir), "miniflare-D1DatabaseObject");
  return existsSync(folder) && readdirSync(folder).some((name) => /^[0-9a-f]{64}\.sqlite$/.test(name));
}

function databasesDir(stateDir: string): string {
  return resolve(stateDir, "v3/d1");
}

function notePath(stateDir: string): string {
  return resolve(databasesDir(stateDir), "migrations-applied.sha256");
}
