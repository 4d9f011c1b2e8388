import { basename, resolve } from "node:path";
import { parseArgs } from "node:util";

import { DemoFault } from "./demo/demo-fault.ts";
import { formatCount, table } from "./demo/layout.ts";
import { createProgress } from "./demo/progress.ts";
import { launchService, type Service, waitUntilReady } from "./demo/service.ts";
import type { Figures } from "./eval/figures.ts";
import { readConversations } from "./eval/questions.ts";
import { type Contender, measureRecall, type Step } from "./eval/recall.ts";
import { endOnSignals, interruption, tellEnd } from "./interruption.ts";

const USAGE = `Measures how well questions find the memories that hold their answers, over HTTP:
plain BM25 beside the default embedder.

  npm run eval:recall -- FILE

  FILE         a JSON array of { sample_id, memories: [{ id, speaker, text, occurred_at }],
               questions: [{ question, evidence: [ids of memories] }] }
  --rounds N   rounds of all questions of which the median time counts (3)
  --json       one JSON object a line; the last is the summary

The exit code is 1 when the default does not reach plain BM25 + 2.5 points R@10 and + 3 points
MRR, or takes more than 3 times as long.
`;

const ROUNDS_DEFAULT = 3;
const ROUNDS_MAX = 100;
/** Plain BM25 first: the others are compared with it. */
const EMBEDDERS = ["none", "embedded"] as const;
const TARGETS = { recall_at_10: 2.5, mrr: 3, time_ratio: 3 };

interface Options {
  readonly file: string;
  readonly rounds: number;
  readonly json: boolean;
  readonly help: boolean;
}

const services: Service[] = [];

function readOptions(): Options {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { rounds: { type: "string" }, json: { type: "boolean" }, help: { type: "boolean", short: "h" } },
    });
    const { rounds = String(ROUNDS_DEFAULT), json = false, help = false } = values;
    const [file = "", ...more] = positionals;
    if (!help && (file === "" || more.length > 0)) throw new DemoFault("Name one file.");
    const count = Number(rounds);
    if (!Number.isInteger(count) || count < 1 || count > ROUNDS_MAX)
      throw new DemoFault(`--rounds must be a whole number from 1 to ${ROUNDS_MAX}.`);
    return { file, rounds: count, json, help };
  } catch (error) {
    throw new DemoFault(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`.trimEnd());
  }
}

async function launchAll(): Promise<readonly Contender[]> {
  const contenders: Contender[] = [];
  for (const embedder of EMBEDDERS) {
    const service = await launchService({ EMBEDDER: embedder });
    services.push(service);
    await waitUntilReady(service, interruption.signal);
    contenders.push({ embedder, service });
  }
  return contenders;
}

async function run({ file, rounds, json }: Options): Promise<boolean> {
  // npm runs scripts in the project's folder; a relative path is meant from where the user stands.
  const base = process.env["npm_lifecycle_event"] === undefined ? undefined : process.env["INIT_CWD"];
  const conversations = readConversations(resolve(base ?? process.cwd(), file), file);
  const questions = conversations.reduce((sum, conversation) => sum + conversation.questions.length, 0);
  const memories = conversations.reduce((sum, { collection }) => sum + collection.memories.length, 0);
  if (questions === 0) throw new DemoFault(`${file} has no question whose evidence is among its memories.`);
  const tell = json ? tellJson : tellPerson();
  tell.line(
    `${basename(file)}: ${conversations.length} conversations, ${formatCount(memories)} memories, ${formatCount(questions)} questions. Two services start ...`,
  );
  try {
    const contenders = await launchAll();
    const figures = await measureRecall(contenders, conversations, {
      rounds,
      signal: interruption.signal,
      onStep: tell.step,
    });
    return tell.summary(figures);
  } finally {
    await Promise.all(services.map((service) => service.stop()));
  }
}

interface Told {
  readonly line: (text: string) => void;
  readonly step: (step: Step) => void;
  /** @returns whether the targets are reached. */
  readonly summary: (figures: readonly Figures[]) => boolean;
}

const tellJson: Told = {
  line: (text) => print({ event: "preparing", what: text }),
  step: () => undefined,
  summary: (figures) => {
    const verdict = compare(figures);
    print({ event: "summary", figures, ...verdict });
    return verdict.ok;
  },
};

function tellPerson(): Told {
  const progress = createProgress(process.stdout);
  let phase = "";
  const line = (text: string): void => {
    progress.end();
    process.stdout.write(`${text}\n`);
  };
  return {
    line,
    step: ({ what, done, total, perSecond }) => {
      if (what !== phase) line(what);
      phase = what;
      progress.update(done, total, perSecond);
    },
    summary: (figures) => {
      const { ok, differences, time_ratio } = compare(figures);
      const rows = figures.map((row) => [
        row.embedder === "none" ? "plain BM25 (EMBEDDER=none)" : `EMBEDDER=${row.embedder}`,
        ...[row.recall_at_5, row.recall_at_10, row.mrr].map((value) => value.toFixed(1)),
        ...[row.p50_ms, row.p95_ms].map((value) => value.toFixed(2)),
      ]);
      const difference = [
        "difference",
        ...differences.map(signed),
        `x ${time_ratio.p50.toFixed(2)}`,
        `x ${time_ratio.p95.toFixed(2)}`,
      ];
      line("");
      for (const row of table([["", "R@5", "R@10", "MRR", "p50 ms", "p95 ms"], ...rows, difference])) line(row);
      line("");
      line(
        `To reach: R@10 +${TARGETS.recall_at_10}, MRR +${TARGETS.mrr}, time x ${TARGETS.time_ratio} at most: ${ok ? "reached" : "MISSED"}.`,
      );
      return ok;
    },
  };
}

function signed(value: number): string {
  return `${value < 0 ? "" : "+"}${value.toFixed(1)}`;
}

function compare([plain, best]: readonly Figures[]) {
  if (plain === undefined || best === undefined) throw new Error("There is nothing to compare.");
  const differences = [
    best.recall_at_5 - plain.recall_at_5,
    best.recall_at_10 - plain.recall_at_10,
    best.mrr - plain.mrr,
  ] as const;
  const time_ratio = { p50: best.p50_ms / plain.p50_ms, p95: best.p95_ms / plain.p95_ms };
  const ok =
    differences[1] >= TARGETS.recall_at_10 && differences[2] >= TARGETS.mrr && time_ratio.p50 <= TARGETS.time_ratio;
  return { ok, differences, time_ratio };
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
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
    return tellEnd(error, { isExplained: (cause) => cause instanceof DemoFault });
  }
}

endOnSignals(() => {
  for (const service of services) service.killNow();
});
process.exitCode = await main();
process.exit();
