import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { PROJECT_ROOT } from "./dev/wrangler.ts";
import { type Bug, readBugs } from "./museum/bugs.ts";
import { MuseumFault } from "./museum/museum-fault.ts";
import { createOutput } from "./museum/output.ts";
import { type Emit, type MuseumEvent, type Summary, visit } from "./museum/visit.ts";
import { endOnSignals, interruption, tellEnd } from "./interruption.ts";

const USAGE = `Plants known bugs in a copy of the source, one at a time, and sees that the tests notice each.

  npm run museum

  --only A,B      only the bugs whose names hold one of these
  --list          names the bugs, and plants none
  --json          one JSON object a line; the last is the summary

The exit code is 1 when a bug survives. See test/museum/README.md.
`;

let workDir: string | undefined;

function removeWorkDir(): void {
  if (workDir !== undefined) rmSync(workDir, { recursive: true, force: true });
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: "string" },
        list: { type: "boolean" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    return {
      only: values.only?.split(",").filter((name) => name !== "") ?? [],
      list: values.list ?? false,
      json: values.json ?? false,
      help: values.help ?? false,
    };
  } catch (error) {
    throw new MuseumFault(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`.trimEnd());
  }
}

function chosenBugs(only: readonly string[]): readonly Bug[] {
  const bugs = readBugs(join(PROJECT_ROOT, "test/museum"));
  const chosen = only.length === 0 ? bugs : bugs.filter(({ name }) => only.some((part) => name.includes(part)));
  if (chosen.length === 0) throw new MuseumFault(`No bug is called "${only.join(",")}". See npm run museum -- --list.`);
  return chosen;
}

async function run(bugs: readonly Bug[], emit: Emit): Promise<Summary> {
  workDir = await mkdtemp(join(tmpdir(), "refrain-museum-"));
  try {
    return await visit({ bugs, workDir, signal: interruption.signal, emit });
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

/** @returns the exit code. */
async function main(): Promise<number> {
  let emit: Emit | undefined;
  try {
    const options = readOptions();
    if (options.help) {
      process.stdout.write(USAGE);
      return 0;
    }
    const bugs = chosenBugs(options.only);
    if (options.list) {
      for (const { name, title, source } of bugs) process.stdout.write(`${name}  ${title} (${source})\n`);
      return 0;
    }
    emit = options.json ? emitJson : createOutput(process.stdout);
    const summary = await run(bugs, emit);
    emit(summary);
    return summary.ok ? 0 : 1;
  } catch (error) {
    return tellEnd(error, {
      isExplained: (cause) => cause instanceof MuseumFault,
      tell: (message) => emit?.({ event: "error", message }),
    });
  }
}

function emitJson(event: MuseumEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

endOnSignals(removeWorkDir);
process.exitCode = await main();
process.exit();
