import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, rename } from "node:fs/promises";
import { join } from "node:path";

import { formatCount } from "../demo/layout.ts";
import { BenchFault } from "./bench-fault.ts";
import { type Bench, chosen, type Contender, machineLoad, machineNotes, measureInTurns } from "./creation.ts";
import type { Summary } from "./events.ts";
import { fillTasks } from "./growth-fill.ts";
import { freshState } from "./round.ts";
import { makeScene } from "./scene.ts";
import type { Measured } from "./statistics.ts";
import { listSubjects, type Subject, sweepSubject } from "./subjects.ts";
import type { Target } from "./targets.ts";
import { serviceWorker } from "./workers.ts";

const INDEXES_MAX = 3;
/** How many times as long a creation, or a sweep, may take with the rows as without. */
const FACTORS: Readonly<Record<string, number>> = {
  "request-new": 1.2,
  "request-replay": 1.2,
  "shared-new": 1.5,
  "sweep-page": 1.2,
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
  const sweepPage = await sweepSubject(scene, workDir, signal);
  const all = [...(await listSubjects(scene, bench.sharedObjects)), sweepPage];
  const subjects = chosen(all, bench.only.length === 0 ? Object.keys(FACTORS) : bench.only);
  if (subjects.some(({ name }) => FACTORS[name] === undefined)) {
    throw new BenchFault(`bench:growth measures ${Object.keys(FACTORS).join(", ")}.`);
  }
  const service = await serviceWorker(scene.code, "per-request");
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
  const targets = [...growthTargets(subjects, measured), indexTarget(indexes)];
  const ok = targets.every((target) => target.ok);
  const notes = [
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
  const rateOf = (name: string) => measured.find((row) => row.subject === name)?.per_second ?? Number.NaN;
  return subjects.map((subject) => {
    const value = rateOf(lessName(subject)) / rateOf(grownName(subject));
    const bound = FACTORS[subject.name] ?? 1;
    return {
      text: `${subject.name}: cost, ${GROWN} / ${lessOf(subject)}`,
      value,
      bound: `<= ${bound}`,
      ok: value <= bound,
    };
  });
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
