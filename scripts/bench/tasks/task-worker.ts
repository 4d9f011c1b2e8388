import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import { PROJECT_ROOT } from "../../dev/wrangler.ts";
import { type BenchWorker, COMPATIBILITY_DATE } from "../runtime.ts";
import { wrangler } from "../workers.ts";

/** The floor: the generator alone. Bundled as the service is, because it imports what that does. */
export async function generatorFloor(workDir: string, signal: AbortSignal): Promise<BenchWorker> {
  const [config, outdir] = [join(workDir, "floor.json"), join(workDir, "floor")];
  const main = resolve(PROJECT_ROOT, "test/bench/floors/generator.ts");
  // The project's own would ask for the service's objects.
  await writeFile(config, JSON.stringify({ name: "floor", main, compatibility_date: COMPATIBILITY_DATE }));
  const args = ["deploy", "--config", config, "--dry-run", "--outdir", outdir];
  await wrangler(args, { root: PROJECT_ROOT, stateDir: workDir, signal });
  return { name: "floor", code: await readFile(join(outdir, "generator.js"), "utf8"), bindings: {} };
}
