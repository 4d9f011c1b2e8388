import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");
const SOURCE = resolve(ROOT, "node_modules/@scalar/api-reference/dist/browser/standalone.js");
const TARGET = resolve(ROOT, "public/scalar.js");

/**
 * Puts the script of the docs page among our own assets, so that the page needs no other server.
 * Copies only what differs, and renames into place: a service that runs meanwhile never serves half a file.
 */
export function buildAssets(): void {
  if (existsSync(TARGET) && readFileSync(SOURCE).equals(readFileSync(TARGET))) return;
  mkdirSync(dirname(TARGET), { recursive: true });
  const unfinished = `${TARGET}.${process.pid}.tmp`;
  copyFileSync(SOURCE, unfinished);
  renameSync(unfinished, TARGET);
}

if (import.meta.main) buildAssets();
