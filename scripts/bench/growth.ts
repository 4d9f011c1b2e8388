import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, rename } from "node:fs/promises";
import { join } from "node:path";

import { formatCount } from "../demo/layout.ts";
import { BenchFault } from "./bench-fault.ts";
import { type Bench, chosen, type Contender, machineLoad, machineNotes, measureInTurns } from "./creation.ts";
import type { Summary } from "./events.ts";
import { fillTasks } from "./growth-fill.ts";
import { creationRows, lookAtStatements, type Look } from "./growth-look.ts";
import { freshState } from "./round.ts";
import { makeScene } from "./scene.ts";
import type { Measured } from "./statistics.ts";
import { listSubjects, type Subject, sweepSubject } from "./subjects.ts";
import type { Target } from "./targets.ts";
import { bundleAround, serviceWorker } from "./workers.ts";

const INDEXES_MAX = 3;
const SWEEP_ENTRY = "test/bench/sweep/worker.ts";
/** How many times as long a creation, or a sweep, may take with the rows as without, and what is wished for. */
const FACTORS: Readonly<Record<string, { readonly atMost: number; readonly goal?: number }>> = {
  "request-new": { atMost: 1.2 },
  "request-replay": { atMost: 1.2 },
  "shared-new": { atMost: 1.5, goal: 1.3 },
  "shared-replay": { atMost: 1.5, goal: 1.3 },
  "sweep-page": { atMost: 1.2 },
};
/** A sweep has something to look after on both sides. */
const FEW_ROWS = 1_000;
/** A slice is reported when so many more rows are there. */
const REPORT_ROWS = 200_000;

/** What creation costs with `rows` tasks in D1, beside the same with none. */
export async function measureGrowth(bench: Bench, rows: number): Promise<Summary> {
  const { emit, workDir, signal } = bench;
  const loadBefore = machineLoad();
  emit({ event: "preparing", what: "Preparing: the bundle, its tables, an agent and a collection ..." });
  const scene = await makeScene(workDir, signal);
  const sweep = await bundleAround(SWEEP_ENTRY, workDir, signal);
  const sweepPage = await sweepSubject(scene, sweep);
  const all = [...(await listSubjects(scene, bench.sharedObjects)), sweepPage];
  const subjects = chosen(all, bench.only.length === 0 ? Object.keys(FACTORS) : bench.only);
  if (subjects.some(({ name }) => FACTORS[name] === undefined)) {
    throw new BenchFault(`bench:growth measures ${Object.keys(FACTORS).join(", ")}.`);
  }
  const service = await serviceWorker(scene.service, "per-request");
  const grownDir = join(workDir, "grown", "v3");
  await cp(scene.stateDir, grownDir, { recursive: true });
  emit({ event: "preparing", what: `Writing ${formatCount(rows)} tasks into D1 ...` });
  const indexes = await fillTasks(service, grownDir, scene, rows, (there) => {
    signal.throwIfAborted();
    if (there % REPORT_ROWS <= 1) emit({ event: "preparing", what: `  ${formatCount(there)}` });
  });
  const fewDir = join(workDir, "few", "v3");
  await cp(scene.stateDir, fewDir, { recursive: true });
  await fillTasks(service, fewDir, scene, FEW_ROWS, () => signal.throwIfAborted());
  const contenders = subjects.flatMap((subject) =>
    subject === sweepPage ? sweepPair(subject, fewDir, grownDir) : pair(subject, grownDir, workDir),
  );
  const measured = await measureInTurns(bench, contenders);
  emit({ event: "preparing", what: "Looking at the plans of all statements ..." });
  const [grown, empty] = [
    await lookAtStatements(scene, sweep, { stateDir: grownDir, signal }),
    await lookAtStatements(scene, sweep, { stateDir: await freshState({ scene }, workDir), signal }),
  ];
  const targets = [...growthTargets(subjects, measured), indexTarget(indexes), scanTarget(grown)];
  const ok = targets.every((target) => target.ok);
  const notes = [
    ...grown.scans,
    `One creation beside ${formatCount(rows)} tasks: ${creationRows(grown.creation)}.`,
    `One creation beside none: ${creationRows(empty.creation)}.`,
    `Indexes of D1 that a creation touches: ${indexes.join(", ")}.`,
    ...machineNotes(measured, loadBefore),
  ];
  return { event: "summary", ok, subjects: measured, targets, notes };
}

function pair(subject: Subject, grownDir: string, workDir: string): readonly Contender[] {
  return [
    { name: lessName(subject), subject, state: () => freshState(subject, workDir) },
    { name: grownName(subject), subject, state: () => grownState(grownDir) },
  ];
}

function sweepPair(subject: Subject, fewDir: string, grownDir: string): readonly Contender[] {
  return [
    { name: lessName(subject), subject, state: () => grownState(fewDir) },
    { name: grownName(subject), subject, state: () => grownState(grownDir) },
  ];
}

/**
 * The few thousand rows that the rounds add to a million stay; the objects' files of earlier rounds are put aside, and not
 * removed, as in {@link freshState}.
 */
async function grownState(stateDir: string): Promise<string> {
  const objectsDir = join(stateDir, "do");
  if (existsSync(objectsDir)) await rename(objectsDir, join(stateDir, "..", `objects-${randomUUID()}`));
  return stateDir;
}

function growthTargets(subjects: readonly Subject[], measured: readonly Measured[]): readonly Target[] {
  const rowOf = (name: string) => measured.find((row) => row.subject === name);
  return subjects.map((subject) => {
    const [less, grown] = [rowOf(lessName(subject)), rowOf(grownName(subject))];
    const value = (less?.per_second ?? Number.NaN) / (grown?.per_second ?? Number.NaN);
    const byRound = (less?.rounds ?? []).map((rate, round) => rate / (grown?.rounds[round] ?? Number.NaN));
    const { atMost, goal } = FACTORS[subject.name] ?? { atMost: 1 };
    return {
      text: `${subject.name}: cost, ${GROWN} / ${lessOf(subject)}`,
      value,
      lowest: Math.min(...byRound),
      highest: Math.max(...byRound),
      bound: `<= ${atMost}`,
      ok: value <= atMost,
      ...(goal === undefined ? {} : { goal: { bound: `<= ${goal}`, reached: value <= goal } }),
    };
  });
}

function scanTarget({ scans }: Look): Target {
  const value = scans.length;
  return { text: "steps of plans that scan a table", value, bound: "<= 0", ok: value === 0 };
}

function indexTarget(indexes: readonly string[]): Target {
  const value = indexes.length;
  return { text: "indexes that a creation touches", value, bound: `<= ${INDEXES_MAX}`, ok: value <= INDEXES_MAX };
}

const GROWN = "grown";

/** What a subject is measured beside: a creation beside an empty table, a sweep beside a small one. */
function lessOf({ name }: Subject): string {
  return name === "sweep-page" ? "small" : "empty";
}

function lessName(subject: Subject): string {
  return `${subject.name}, ${lessOf(subject)}`;
}

function grownName(subject: Subject): string {
  return `${subject.name}, ${GROWN}`;
}
