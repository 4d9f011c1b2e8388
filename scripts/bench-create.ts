import { rmSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { aboveZero } from "./bench/above-zero.ts";
import { BenchFault } from "./bench/bench-fault.ts";
import { type Bench, measureCreation } from "./bench/creation.ts";
import type { Emit, Summary } from "./bench/events.ts";
import { measureGrowth } from "./bench/growth.ts";
import { startLoadGenerator } from "./bench/load-generator.ts";
import { createOutput } from "./bench/output.ts";
import { addWorkTree, type WorkTree } from "./bench/work-tree.ts";
import { PROJECT_ROOT } from "./dev/wrangler.ts";
import { endOnSignals, interruption } from "./interruption.ts";
import { scriptMain } from "./script-main.ts";

const USAGE = `Measures how fast tasks are created, beside the least that it could cost here.

  npm run bench:create               floors, Cloudflare Workflows and ours
  npm run bench:growth               with 1,000,000 tasks in D1 beside an empty one

  --rounds N      rounds of which the median counts (5)
  --seconds N     length of a round, after its warm-up (4)
  --only A,B      these subjects alone
  --shared N      how many objects the shared placement has (1)
  --against C     the service at commit C beside ours
  --counts        only what is counted: it needs no quiet machine
  --rows N        for bench:growth, how many tasks there are (1,000,000)
  --json          one JSON object a line; the last is the summary

The exit code is 1 when a target is missed. See test/bench/README.md.
`;

const WARM_UP_SECONDS = 1.5;
const DEFAULTS = { rounds: 5, seconds: 4, shared: 1, rows: 1_000_000 };

let workDir: string | undefined;
let tree: WorkTree | null = null;

function cleanUp(): void {
  tree?.remove();
  tree = null;
  if (workDir !== undefined) rmSync(workDir, { recursive: true, force: true });
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: "string" },
        seconds: { type: "string" },
        only: { type: "string" },
        shared: { type: "string" },
        against: { type: "string" },
        counts: { type: "boolean" },
        rows: { type: "string" },
        growth: { type: "boolean" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    return {
      rounds: aboveZero("rounds", values.rounds, DEFAULTS.rounds),
      seconds: aboveZero("seconds", values.seconds, DEFAULTS.seconds),
      sharedObjects: aboveZero("shared", values.shared, DEFAULTS.shared),
      rows: aboveZero("rows", values.rows, DEFAULTS.rows),
      only: values.only?.split(",").filter((name) => name !== "") ?? [],
      against: values.against ?? null,
      countsOnly: values.counts ?? false,
      growth: values.growth ?? false,
      json: values.json ?? false,
      help: values.help ?? false,
    };
  } catch (error) {
    throw new BenchFault(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`.trimEnd());
  }
}

async function run(options: ReturnType<typeof readOptions>, emit: Emit): Promise<Summary> {
  // In the project, not in the system's folder for such things, which may be in memory: what is durable must cost it.
  await mkdir(resolve(PROJECT_ROOT, ".wrangler"), { recursive: true });
  workDir = await mkdtemp(join(PROJECT_ROOT, ".wrangler/bench-"));
  const { signal } = interruption;
  const generator = startLoadGenerator(signal);
  try {
    const bench: Bench = { ...options, workDir, generator, warmUpSeconds: WARM_UP_SECONDS, signal, emit };
    if (options.growth) return await measureGrowth(bench, options.rows);
    tree = options.against === null ? null : addWorkTree(options.against);
    return await measureCreation(bench, { tree, countsOnly: options.countsOnly });
  } finally {
    generator.end();
    await rm(workDir, { recursive: true, force: true });
  }
}

endOnSignals(cleanUp);
process.exitCode = await scriptMain({
  usage: USAGE,
  readOptions,
  createOutput,
  run,
  isExplained: (cause) => cause instanceof BenchFault,
});
process.exit();
