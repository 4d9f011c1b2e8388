import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import { Response } from "miniflare";
import ts from "typescript";

import { buildAssets } from "../build-assets.ts";
import { PROJECT_ROOT, runWrangler } from "../dev/wrangler.ts";
import { BenchFault } from "./bench-fault.ts";
import { objectsOf, readDeployment } from "./deployment.ts";
import { ADMIN_KEY, type BenchWorker } from "./runtime.ts";

const SWEEP_ENTRY = "test/bench/sweep/worker.ts";
const FLOORS_DIR = resolve(PROJECT_ROOT, "test/bench/floors");

/** `per-request`, or how many objects are shared. */
export type Placement = "per-request" | number;

export type Floor =
  | "bare"
  | "new-object"
  | "shared-insert"
  | "d1-insert"
  | "object-and-read"
  | "workflow"
  | "whole-creation";

/** A floor is one file without imports, so that taking its types away is all that it needs. */
export async function loadFloor(floor: Floor, sharedObjects: number): Promise<BenchWorker> {
  const source = await readFile(join(FLOORS_DIR, `${floor}.ts`), "utf8");
  const { outputText: code } = ts.transpileModule(source, {
    compilerOptions: { target: ts.ScriptTarget.ES2024, module: ts.ModuleKind.ESNext },
  });
  const keeper = { durableObjects: { OBJECTS: { className: "Keeper", useSQLite: true } } };
  const bindings = {
    bare: {},
    "new-object": keeper,
    "shared-insert": { ...keeper, bindings: { SHARED_OBJECTS: String(sharedObjects) } },
    "d1-insert": {},
    "object-and-read": keeper,
    "whole-creation": { ...keeper, queueProducers: { TASK_BELLS: "refrain-task-bells" } },
    workflow: { workflows: { TASKS: { name: "tasks", className: "Nothing" } } },
  } satisfies Record<Floor, BenchWorker["bindings"]>;
  return { name: floor, code, bindings: bindings[floor] };
}

/** The service, bundled as it is deployed. */
export function bundleService(workDir: string, signal: AbortSignal): Promise<string> {
  return bundle([], join(workDir, "bundle"), workDir, signal);
}

/** A Worker that sweeps once a request, bundled in the same way. */
export function bundleSweep(workDir: string, signal: AbortSignal): Promise<string> {
  return bundle([SWEEP_ENTRY], join(workDir, "sweep-bundle"), workDir, signal);
}

async function bundle(entry: readonly string[], outdir: string, workDir: string, signal: AbortSignal): Promise<string> {
  buildAssets();
  await wrangler(["deploy", ...entry, "--dry-run", "--outdir", outdir], workDir, signal);
  return readFile(join(outdir, "worker.js"), "utf8");
}

/**
 * The service with the variables that it is deployed with, but no rate limit and no sweeper. The queue has no consumer: a bell costs
 * what it costs to send, and no task runs, because running is not creation.
 */
export async function serviceWorker(code: string, placement: Placement, embedder = "embedded"): Promise<BenchWorker> {
  const deployment = await readDeployment();
  return {
    name: "refrain",
    code,
    bindings: {
      bindings: {
        ...deployment.vars,
        ADMIN_KEY,
        RATE_LIMIT: "off",
        // No task is taken up, so the sweeper would ring for all of them, again and again.
        SWEEP_SECONDS: "off",
        REQUEST_OBJECTS: String(placement),
        EMBEDDER: embedder,
      },
      durableObjects: objectsOf(deployment),
      queueProducers: { TASK_BELLS: "refrain-task-bells" },
      serviceBindings: { ASSETS: readAsset },
      ratelimits: { RATE_LIMITER: { namespace_id: "1001", simple: { limit: 600, period: 60 } } },
    },
  };
}

/** Stands in for the router of assets, which a bench leaves out. */
export async function readAsset(request: { readonly url: string }): Promise<Response> {
  return new Response(await readFile(join(PROJECT_ROOT, "public", new URL(request.url).pathname)));
}

/** Makes the service's database below `stateDir`, with its tables. */
export function migrateService(stateDir: string, workDir: string, signal: AbortSignal): Promise<void> {
  // wrangler puts "v3" below the folder that it is given.
  return wrangler(
    ["d1", "migrations", "apply", "refrain", "--local", "--persist-to", resolve(stateDir, "..")],
    workDir,
    signal,
  );
}

/** @throws BenchFault with what wrangler said. */
export async function wrangler(args: readonly string[], stateDir: string, signal: AbortSignal): Promise<void> {
  const end = await runWrangler(args, {
    stateDir,
    output: "quiet",
    onSignal: (send) => signal.addEventListener("abort", () => send("SIGTERM"), { once: true }),
  });
  signal.throwIfAborted();
  if (end.code !== 0) throw new BenchFault(`wrangler ${args[0]} failed:\n${end.said.trimEnd()}`);
}
