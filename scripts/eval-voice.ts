import { parseArgs } from "node:util";

import { DemoFault } from "./demo/demo-fault.ts";
import { readInputFile } from "./demo/input-file.ts";
import { voicedAgents } from "./eval-voice/agents.ts";
import { boundsOf } from "./eval-voice/bounds.ts";
import { EvalVoiceFault } from "./eval-voice/eval-voice-fault.ts";
import { measure } from "./eval-voice/measure.ts";
import { createOutput, type Emit, emitJson, type Summary } from "./eval-voice/output.ts";
import { createTeller } from "./eval-voice/telling.ts";
import { endOnSignals, interruption, tellEnd } from "./interruption.ts";

const USAGE = `Lets agents of different voices tell the memories of a file, and measures what is heard and what is kept.

  npm run eval:voice -- FILE

  FILE              a JSON array of conversations { sample_id, memories: [{ id, speaker, text, occurred_at }] },
                    or one memory a line
  --agents A,B      only the agents whose names hold one of these
  --examples N      shows N memories of each agent, spread over the file (at most 500)
  --json            one JSON object a line; the last is the summary

The exit code is 1 when a bound is missed.
`;

const EXAMPLES_MAX = 500;
/** Between two signs of life. */
const PROGRESS_MS = 200;

interface Options {
  readonly file: string | undefined;
  readonly agents: readonly string[];
  readonly examples: number;
  readonly json: boolean;
  readonly help: boolean;
}

function readOptions(): Options {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        agents: { type: "string" },
        examples: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (positionals.length > 1) throw new Error("One file at a time.");
    return {
      file: positionals[0],
      agents: values.agents?.split(",").filter((name) => name !== "") ?? [],
      examples: readCount(values.examples ?? "0"),
      json: values.json ?? false,
      help: values.help ?? false,
    };
  } catch (error) {
    throw new EvalVoiceFault(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`.trimEnd());
  }
}

function readCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0 || count > EXAMPLES_MAX) {
    throw new Error(`--examples takes a whole number from 0 to ${EXAMPLES_MAX}, not "${text}".`);
  }
  return count;
}

function chosenAgents(names: readonly string[]) {
  const chosen = voicedAgents.filter(({ name }) => names.length === 0 || names.some((part) => name.includes(part)));
  if (chosen.length > 0) return chosen;
  throw new EvalVoiceFault(
    `No agent is called "${names.join(",")}". There are: ${voicedAgents.map(({ name }) => name).join(", ")}.`,
  );
}

async function run(file: string, options: Options, emit: Emit): Promise<Summary> {
  const agents = chosenAgents(options.agents);
  const { collections } = await readInputFile(file, file);
  const memories = collections.reduce((count, collection) => count + collection.memories.length, 0);
  emit({ event: "preparing", memories, agents: agents.length });
  const total = memories * agents.length;
  const startMs = performance.now();
  let shownMs = startMs;
  const figures = await measure(agents, collections, {
    teller: await createTeller(interruption.signal),
    examples: options.examples,
    signal: interruption.signal,
    onTold: (done) => {
      const nowMs = performance.now();
      if (nowMs - shownMs < PROGRESS_MS && done < total) return;
      shownMs = nowMs;
      emit({ event: "progress", done, total, per_second: (done * 1_000) / (nowMs - startMs) });
    },
  });
  const bounds = boundsOf(figures);
  return { event: "summary", ok: bounds.every(({ ok }) => ok), bounds, ...figures };
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
    if (options.file === undefined) throw new EvalVoiceFault(`Name a file.\n\n${USAGE}`.trimEnd());
    emit = options.json ? emitJson : createOutput(process.stdout);
    const summary = await run(options.file, options, emit);
    emit(summary);
    return summary.ok ? 0 : 1;
  } catch (error) {
    return tellEnd(error, {
      isExplained: (cause) => cause instanceof EvalVoiceFault || cause instanceof DemoFault,
      tell: (message) => emit?.({ event: "error", message }),
    });
  }
}

endOnSignals(() => undefined);
process.exitCode = await main();
process.exit();
