import { rmSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { aboveZero } from "./bench/above-zero.ts";
import { BenchFault } from "./bench/bench-fault.ts";
import { busyNotes, machineLoad } from "./bench/creation.ts";
import { startRuntime } from "./bench/runtime.ts";
import { median } from "./bench/statistics.ts";
import type { EmitTask, TaskSummary } from "./bench/tasks/events.ts";
import { subjectFigures, taskTargets } from "./bench/tasks/figures.ts";
import { type Model, startModel } from "./bench/tasks/model.ts";
import { createTaskOutput } from "./bench/tasks/output.ts";
import { runFloor, runTask, type TaskSample, type TaskSubject } from "./bench/tasks/round.ts";
import { makeTaskScene, type TaskScene } from "./bench/tasks/scene.ts";
import { generatorFloor } from "./bench/tasks/task-worker.ts";
import { PROJECT_ROOT } from "./dev/wrangler.ts";
import { endOnSignals, interruption } from "./interruption.ts";
import { scriptMain } from "./script-main.ts";

const USAGE = `Measures how a task keeps pace with its model, and counts what each memory costs.

  npm run bench:tasks

  --rounds N      rounds of which the median counts (3)
  --memories N    memories of the task (1000)
  --only A,B      of model-16, model-6 and embedded
  --json          one JSON object a line; the last is the summary

The exit code is 1 when a target is missed. See test/bench/README.md.
`;

const DEFAULTS = { rounds: 3, memories: 1_000 };
const MODEL = { latencyMs: 200, limit: 16 };
/** A Worker may hold six calls open; locally nothing limits it. */
const SUBJECTS: readonly TaskSubject[] = [
  { name: "model-16", model: { ...MODEL, callsPerInvocation: 16 } },
  { name: "model-6", model: { ...MODEL, callsPerInvocation: 6 } },
  { name: "embedded", model: null },
];

interface Options {
  readonly rounds: number;
  readonly memories: number;
  readonly subjects: readonly TaskSubject[];
  readonly json: boolean;
  readonly help: boolean;
}

let workDir: string | undefined;

function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: "string" },
        memories: { type: "string" },
        only: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    const { json = false, help = false } = values;
    const only = values.only?.split(",").filter((name) => name !== "") ?? [];
    const unknown = only.filter((name) => !SUBJECTS.some((subject) => subject.name === name));
    if (unknown.length > 0) throw new BenchFault(`No subject is called ${unknown.join(", ")}.`);
    const subjects = SUBJECTS.filter(({ name }) => only.length === 0 || only.includes(name));
    const [rounds, memories] = [
      aboveZero("rounds", values.rounds, DEFAULTS.rounds),
      aboveZero("memories", values.memories, DEFAULTS.memories),
    ];
    return { rounds, memories, subjects, json, help };
  } catch (error) {
    throw new BenchFault(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`.trimEnd());
  }
}

async function run(options: Options, emit: EmitTask): Promise<TaskSummary> {
  const { signal } = interruption;
  const { memories, subjects } = options;
  const loadBefore = machineLoad();
  await mkdir(resolve(PROJECT_ROOT, ".wrangler"), { recursive: true });
  workDir = await mkdtemp(join(PROJECT_ROOT, ".wrangler/bench-"));
  emit({ event: "preparing", what: `Preparing: the bundle, its tables, an agent and ${memories} memories ...` });
  const model = await startModel();
  try {
    const scene = await makeTaskScene(workDir, memories, signal);
    const samples = await measure(options, scene, model, emit);
    const measured = subjects.map((subject) => subjectFigures(subject, samples.get(subject) ?? [], memories));
    const floor = subjects.some((each) => each.model === null) ? await measureFloor(options, scene) : null;
    const targets = taskTargets(measured);
    const ok = targets.every((target) => target.ok);
    const notes = notesOf(loadBefore);
    return { event: "summary", ok, memories, subjects: measured, floor_memories_per_second: floor, targets, notes };
  } finally {
    model.end();
    await rm(workDir, { recursive: true, force: true });
  }
}

/** In turns: what slows the machine for a while slows all. */
async function measure({ rounds, memories, subjects }: Options, scene: TaskScene, model: Model, emit: EmitTask) {
  const samples = new Map<TaskSubject, readonly TaskSample[]>();
  let done = 0;
  for (let round = 1; round <= rounds; round += 1) {
    for (const subject of round % 2 === 1 ? subjects : subjects.toReversed()) {
      interruption.signal.throwIfAborted();
      const tools = { workDir: workDir ?? "", model, memories, signal: interruption.signal };
      const sample = await runTask(subject, scene, tools);
      samples.set(subject, [...(samples.get(subject) ?? []), sample]);
      done += 1;
      const progress = { round, rounds, done, total: subjects.length * rounds };
      emit({ event: "round", ...progress, subject: subject.name, seconds: sample.fromCreationMs / 1_000 });
    }
  }
  return samples;
}

/** @returns memories a second of the generator alone. */
async function measureFloor({ rounds, memories }: Options, { texts }: TaskScene): Promise<number> {
  const floor = await generatorFloor(workDir ?? "", interruption.signal);
  const runtime = await startRuntime(floor, join(workDir ?? "", "floor-state"));
  try {
    const times: number[] = [];
    for (let round = 1; round <= rounds; round += 1) times.push(await runFloor(runtime, texts));
    return memories / (median(times) / 1_000);
  } finally {
    await runtime.stop();
  }
}

function notesOf(loadBefore: number): readonly string[] {
  const cores = cpus().length;
  return [
    `${cores} cores; load before the bench ${loadBefore.toFixed(1)}. Times are the local runtime's; counts are not.`,
    ...busyNotes(loadBefore),
    "Not in the dollars: what a plan includes, storage, the time for which objects are in memory, and the model.",
    "Processor time is that of the whole local runtime, its database and queue included: an upper bound.",
  ];
}

endOnSignals(() => {
  if (workDir !== undefined) rmSync(workDir, { recursive: true, force: true });
});
process.exitCode = await scriptMain({
  usage: USAGE,
  readOptions,
  createOutput: createTaskOutput,
  run,
  isExplained: (cause) => cause instanceof BenchFault,
});
process.exit();
