import { resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";

import { createClient } from "./demo/client.ts";
import { DemoFault } from "./demo/demo-fault.ts";
import type { Emit, Summary } from "./demo/events.ts";
import { readInputFile } from "./demo/input-file.ts";
import type { DemoInput } from "./demo/input.ts";
import { launchService, type Service, waitUntilReady } from "./demo/service.ts";
import { tellStory } from "./demo/story.ts";
import { createTerminalOutput } from "./demo/terminal-output.ts";
import { sampleAgents } from "./sample/agents.ts";

import { sampleMemories } from "./sample/collection.ts";
import { endOnSignals, interruption, Interruption, tellEnd } from "./interruption.ts";

const USAGE = `Re-voices a collection of memories for two agents, and loses an answer on the way.

  npm run demo                       with the memories of the project's own sample
  npm run demo -- --file PATH        with yours: one memory a line, NDJSON, or a JSON
                                     array of { sample_id, memories: [{ text, ... }] }
  npm run --silent demo -- --json    one JSON object a line; the last is the summary
`;

const AGENTS_MAX = 2;
const SAMPLE_NAME = "Sample";

interface Options {
  readonly file: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

let service: Service | undefined;

/** Whatever happens, the service ends: on signals, on errors nobody foresaw, and in this process's last moment. */
function guardExit(): void {
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (error: unknown) => {
      interruption.abort(error);
    });
  }
  // The reader of a pipe has gone, as with `| head`.
  process.stdout.on("error", () => interruption.abort(new Interruption("SIGPIPE")));
  endOnSignals(() => service?.killNow());
}

function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: { file: { type: "string" }, json: { type: "boolean" }, help: { type: "boolean", short: "h" } },
    });
    if (values.file === "") throw new DemoFault("--file needs the path of a file.");
    return { file: values.file, json: values.json ?? false, help: values.help ?? false };
  } catch (error) {
    throw new DemoFault(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`.trimEnd());
  }
}

async function readInput(file: string | undefined): Promise<DemoInput> {
  if (file !== undefined) {
    // npm runs scripts in the project's folder; a relative path is meant from where the user stands.
    const base = process.env["npm_lifecycle_event"] === undefined ? undefined : process.env["INIT_CWD"];
    return readInputFile(resolve(base ?? process.cwd(), file), file);
  }
  const memories = sampleMemories.map((memory, index) => ({
    where: `sample memory ${index + 1}`,
    body: { ...memory, external_id: `sample-${index + 1}` },
  }));
  return { collections: [{ name: SAMPLE_NAME, memories }], blankLines: 0, unusedFields: [] };
}

async function run(options: Options, emit: Emit): Promise<Summary> {
  const input = await readInput(options.file);
  emit({ event: "service-starting" });
  const startedAtMs = performance.now();
  service = await launchService();
  try {
    await waitUntilReady(service, interruption.signal);
    emit({ event: "service-ready", seconds: (performance.now() - startedAtMs) / 1000 });
    emit({ event: "input", blank_lines: input.blankLines, unused_fields: input.unusedFields });
    const signal = AbortSignal.any([interruption.signal, service.lost]);
    const client = createClient(service.address, service.key, signal);
    return await tellStory(client, input, sampleAgents.slice(0, AGENTS_MAX), emit, signal);
  } finally {
    await service.stop();
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
    emit = options.json ? emitJson : createTerminalOutput(process.stdout);
    const summary = await run(options, emit);
    emit(summary);
    return summary.ok ? 0 : 1;
  } catch (error) {
    return tellEnd(error, {
      isExplained: (cause) => cause instanceof DemoFault,
      tell: (message) => emit?.({ event: "error", message }),
    });
  }
}

function emitJson(event: Parameters<Emit>[0]): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

guardExit();
process.exitCode = await main();
process.exit();
