import { rmSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";

import { aboveZero } from "./bench/above-zero.ts";
import { BenchFault } from "./bench/bench-fault.ts";
import { fillCollection } from "./bench/recall-fill.ts";
import { Texts } from "./bench/recall-texts.ts";
import { type Runtime, startRuntime } from "./bench/runtime.ts";
import { HEADERS, makeScene } from "./bench/scene.ts";
import { median } from "./bench/statistics.ts";
import { serviceWorker } from "./bench/workers.ts";
import { formatCount, table } from "./demo/layout.ts";
import { createProgress } from "./demo/progress.ts";
import { PROJECT_ROOT } from "./dev/wrangler.ts";
import { percentile } from "./eval/figures.ts";
import { endOnSignals, interruption, tellEnd } from "./interruption.ts";

const USAGE = `Measures a recall over HTTP in collections of 1,000, 10,000 and 100,000 memories.

  npm run bench:recall

  --rounds N      rounds of which the median counts (5)
  --queries N     different queries of a round (50)
  --embedder E    embedded (default) or none
  --json          one JSON object a line; the last is the summary

The exit code is 1 when a recall among 100,000 takes more than 20 times as long as among 1,000.
`;

const SIZES = [1_000, 10_000, 100_000];
const RATIO_MAX = 20;
const SEED = 20_261_122;
const DEFAULTS = { rounds: 5, queries: 50 };

interface Options {
  readonly rounds: number;
  readonly queries: number;
  readonly embedder: string;
  readonly json: boolean;
  readonly help: boolean;
}

let workDir: string | undefined;

function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: "string" },
        queries: { type: "string" },
        embedder: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    const { embedder = "embedded", json = false, help = false } = values;
    if (embedder !== "embedded" && embedder !== "none") throw new BenchFault("--embedder is embedded or none.");
    const [rounds, queries] = [
      aboveZero("rounds", values.rounds, DEFAULTS.rounds),
      aboveZero("queries", values.queries, DEFAULTS.queries),
    ];
    return { rounds, queries, embedder, json, help };
  } catch (error) {
    throw new BenchFault(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`.trimEnd());
  }
}

async function run(options: Options): Promise<boolean> {
  const { signal } = interruption;
  const progress = createProgress(process.stdout);
  const tell = (line: string): void => {
    progress.end();
    process.stdout.write(options.json ? `${JSON.stringify({ event: "preparing", what: line })}\n` : `${line}\n`);
  };
  await mkdir(resolve(PROJECT_ROOT, ".wrangler"), { recursive: true });
  workDir = await mkdtemp(join(PROJECT_ROOT, ".wrangler/bench-"));
  tell("Preparing: the bundle and its tables ...");
  const scene = await makeScene(workDir, signal);
  const runtime = await startRuntime(
    await serviceWorker(scene.service, "per-request", options.embedder),
    scene.stateDir,
  );
  try {
    const texts = new Texts(SEED);
    const collections: Collection[] = [];
    for (const size of SIZES) {
      tell(`Writing ${formatCount(size)} memories ...`);
      const startedAtMs = performance.now();
      const id = await fillCollection(runtime, size, texts, (there) => {
        signal.throwIfAborted();
        const perSecond = there / ((performance.now() - startedAtMs) / 1_000);
        if (!options.json) progress.update(there, size, perSecond);
      });
      collections.push({ size, id });
    }
    tell(`Asking ${options.rounds} times ${options.queries} queries of each, in turns ...`);
    const queries = Array.from({ length: options.queries }, () => texts.query());
    const figures = await measure(runtime, collections, queries, options.rounds);
    return report(figures, options, tell);
  } finally {
    progress.end();
    await runtime.stop();
    await rm(workDir, { recursive: true, force: true });
  }
}

interface Collection {
  readonly size: number;
  readonly id: string;
}

interface Measured {
  readonly memories: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
}

async function measure(
  runtime: Runtime,
  collections: readonly Collection[],
  queries: readonly string[],
  rounds: number,
): Promise<readonly Measured[]> {
  const times = new Map(collections.map((each): [Collection, number[][]] => [each, []]));
  // The first round warms up, and does not count.
  for (let round = 0; round <= rounds; round++) {
    const ofRound = new Map(collections.map((each): [Collection, number[]] => [each, []]));
    for (const [index, query] of queries.entries()) {
      for (const each of (index + round) % 2 === 0 ? collections : collections.toReversed()) {
        interruption.signal.throwIfAborted();
        const startedAtMs = performance.now();
        await ask(runtime, each, query);
        ofRound.get(each)?.push(performance.now() - startedAtMs);
      }
    }
    if (round > 0) for (const each of collections) times.get(each)?.push(ofRound.get(each) ?? []);
  }
  return [...times].map(([{ size }, all]) => ({
    memories: size,
    p50_ms: median(all.map((round) => percentile(round, 0.5))),
    p95_ms: median(all.map((round) => percentile(round, 0.95))),
  }));
}

async function ask(runtime: Runtime, { id }: Collection, query: string): Promise<void> {
  const answer = await fetch(`${runtime.address}/v1/collections/${id}/search`, {
    method: "POST",
    headers: HEADERS,
    body: JSON.stringify({ query, update_access: false }),
  });
  const text = await answer.text();
  if (!answer.ok || !text.includes('"degraded":false'))
    throw new BenchFault(`A search was answered ${answer.status}: ${text.slice(0, 300)}`);
}

function report(figures: readonly Measured[], options: Options, tell: (line: string) => void): boolean {
  const [smallest, largest] = [figures[0], figures.at(-1)];
  if (smallest === undefined || largest === undefined) throw new Error("Nothing was measured.");
  const ratio = largest.p50_ms / smallest.p50_ms;
  const ok = ratio <= RATIO_MAX;
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ event: "summary", ok, embedder: options.embedder, figures, ratio })}\n`);
    return ok;
  }
  const rows = figures.map((row) => [
    formatCount(row.memories),
    ...[row.p50_ms, row.p95_ms].map((ms) => ms.toFixed(1)),
    ...[row.p50_ms / smallest.p50_ms, row.p95_ms / smallest.p95_ms].map((times) => `x ${times.toFixed(1)}`),
  ]);
  tell("");
  for (const row of table([["memories", "p50 ms", "p95 ms", "p50 growth", "p95 growth"], ...rows])) tell(row);
  tell("");
  tell(`To reach: p50 among 100,000 at most x ${RATIO_MAX}: ${ok ? "reached" : "MISSED"}.`);
  return ok;
}

/** @returns the exit code. */
async function main(): Promise<number> {
  try {
    const options = readOptions();
    if (options.help) {
      process.stdout.write(USAGE);
      return 0;
    }
    return (await run(options)) ? 0 : 1;
  } catch (error) {
    return tellEnd(error, { isExplained: (cause) => cause instanceof BenchFault });
  }
}

endOnSignals(() => {
  if (workDir !== undefined) rmSync(workDir, { recursive: true, force: true });
});
process.exitCode = await main();
process.exit();
