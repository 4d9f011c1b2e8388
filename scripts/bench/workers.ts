import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import { Response } from "miniflare";
import ts from "typescript";

import { buildAssets } from "../build-assets.ts";
import { PROJECT_ROOT, runWrangler } from "../dev/wrangler.ts";
import { BenchFault } from "./bench-fault.ts";
import { objectsOf, readDeployment } from "./deployment.ts";
import { ADMIN_KEY, type BenchWorker } from "./runtime.ts";

const FLOORS_DIR = resolve(PROJECT_ROOT, "test/bench/floors");
const BELLS = { TASK_BELLS: "refrain-task-bells" };

/** `per-request`, or how many objects are shared. */
export type Placement = "per-request" | number;

/** The floors, in the order of the table. */
export const FLOORS = [
  "bare",
  "new-object",
  "shared-insert",
  "d1-insert",
  "object-and-read",
  "workflow",
  "whole-creation",
  "direct",
  "row-claim",
  "row-claim-two",
] as const;
export type Floor = (typeof FLOORS)[number];

/** A floor is one file without imports, so that taking its types away is all that it needs. */
export async function loadFloor(floor: Floor, sharedObjects: number): Promise<BenchWorker> {
  const code = withoutTypes(await readFile(join(FLOORS_DIR, `${floor}.ts`), "utf8"));
  const keeper = { durableObjects: { OBJECTS: { className: "Keeper", useSQLite: true } } };
  const meeting = { durableObjects: { OBJECTS: { className: "Meeting", useSQLite: true } }, queueProducers: BELLS };
  const bindings = {
    bare: {},
    "new-object": keeper,
    "shared-insert": { ...keeper, bindings: { SHARED_OBJECTS: String(sharedObjects) } },
    "d1-insert": {},
    "object-and-read": keeper,
    "whole-creation": { ...keeper, queueProducers: BELLS },
    direct: { queueProducers: BELLS },
    "row-claim": meeting,
    "row-claim-two": meeting,
    workflow: { workflows: { TASKS: { name: "tasks", className: "Nothing" } } },
  } satisfies Record<Floor, BenchWorker["bindings"]>;
  return { name: floor, code, bindings: bindings[floor] };
}

/** TypeScript that needs nothing else to become JavaScript. */
export function withoutTypes(source: string): string {
  const compilerOptions = { target: ts.ScriptTarget.ES2024, module: ts.ModuleKind.ESNext };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}

/** The service of one checkout: its bundle, and the folder with its wrangler.toml. */
export interface ServiceCode {
  readonly root: string;
  readonly code: string;
}

/** The service, bundled as it is deployed. */
export async function bundleService(root: string, workDir: string, signal: AbortSignal): Promise<ServiceCode> {
  return { root, code: await bundle(root, [], join(workDir, "bundle"), signal) };
}

/** A Worker that stands around the service of this checkout, bundled in the same way: such as one that sweeps. */
export async function bundleAround(entry: string, workDir: string, signal: AbortSignal): Promise<ServiceCode> {
  const outdir = join(workDir, `${basename(dirname(entry))}-bundle`);
  return { root: PROJECT_ROOT, code: await bundle(PROJECT_ROOT, [entry], outdir, signal) };
}

async function bundle(root: string, entry: readonly string[], outdir: string, signal: AbortSignal): Promise<string> {
  if (root === PROJECT_ROOT) buildAssets();
  await wrangler(["deploy", ...entry, "--dry-run", "--outdir", outdir], { root, stateDir: dirname(outdir), signal });
  return readFile(join(outdir, "worker.js"), "utf8");
}

/**
 * The service with the variables that it is deployed with, but no rate limit and no sweeper. The queue has no consumer: a bell costs
 * what it costs to send, and no task runs, because running is not creation.
 */
export async function serviceWorker(
  { root, code }: ServiceCode,
  placement: Placement,
  embedder = "embedded",
): Promise<BenchWorker> {
  const deployment = await readDeployment(root);
  return {
    name: "refrain",
    code,
    bindings: {
      bindings: { ...deployment.vars, ...creationVariables(placement), EMBEDDER: embedder },
      durableObjects: objectsOf(deployment),
      queueProducers: BELLS,
      serviceBindings: { ASSETS: assetsOf(root) },
      ratelimits: { RATE_LIMITER: { namespace_id: "1001", simple: { limit: 600, period: 60 } } },
    },
  };
}

/** What differs from a deployment where creation alone is measured. */
export function creationVariables(placement: Placement): Readonly<Record<string, string>> {
  // No task is taken up, so the sweeper would ring for all of them, again and again.
  return { ADMIN_KEY, RATE_LIMIT: "off", SWEEP_SECONDS: "off", REQUEST_OBJECTS: String(placement) };
}

/** Stands in for the router of assets, which a bench leaves out. */
export function assetsOf(root: string) {
  return async (request: { readonly url: string }): Promise<Response> =>
    new Response(await readFile(join(root, "public", new URL(request.url).pathname)));
}

/** Makes the database of a checkout's service below `stateDir`, with its tables. */
export function migrateService(root: string, stateDir: string, signal: AbortSignal): Promise<void> {
  // wrangler puts "v3" below the folder that it is given.
  const args = ["d1", "migrations", "apply", "refrain", "--local", "--persist-to", resolve(stateDir, "..")];
  return wrangler(args, { root, stateDir: resolve(stateDir, ".."), signal });
}

/** @throws BenchFault with what wrangler said. */
export async function wrangler(
  args: readonly string[],
  { signal, ...run }: { readonly root: string; readonly stateDir: string; readonly signal: AbortSignal },
): Promise<void> {
  const end = await runWrangler(args, {
    ...run,
    output: "quiet",
    onSignal: (send) => signal.addEventListener("abort", () => send("SIGTERM"), { once: true }),
  });
  signal.throwIfAborted();
  if (end.code !== 0) throw new BenchFault(`wrangler ${args[0]} failed:\n${end.said.trimEnd()}`);
}
