import { cpus, loadavg } from "node:os";
import { join } from "node:path";

import { BenchFault } from "./bench-fault.ts";
import { measureObjectWorth } from "./counted/object-worth.ts";
import { countOperations, type OperationCounts } from "./counted/operations.ts";
import type { Emit, Summary } from "./events.ts";
import { freshState, type RoundTools, runRound, type Sample } from "./round.ts";
import { makeScene, type Scene } from "./scene.ts";
import { type Measured, summarize } from "./statistics.ts";
import { type Former, listSubjects, type Subject } from "./subjects.ts";
import { ratioTargets } from "./targets.ts";
import type { WorkTree } from "./work-tree.ts";

/** Rounds that lie further apart tell more of the machine than of the subject. */
const SPREAD_MAX = 1.5;
/** A load for each core above which others take the time that is measured. */
const BUSY = 0.5;

/** The bench under way: its folder, its tools, and how often it measures. */
export interface Bench extends RoundTools {
  readonly workDir: string;
  readonly rounds: number;
  readonly sharedObjects: number;
  /** Names of subjects; empty for all. */
  readonly only: readonly string[];
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

/** One subject in one state: a row of the table. */
export interface Contender {
  readonly name: string;
  readonly subject: Subject;
  /** Makes the state of a round ready. @returns its folder. */
  readonly state: () => Promise<string>;
}

/** What else `bench:create` is asked for. */
export interface CreationOptions {
  /** The files of another commit, to be measured beside ours. */
  readonly tree: WorkTree | null;
  /** Only what is counted, and nothing that is timed. */
  readonly countsOnly: boolean;
}

/** Floors, Workflows and ours, side by side; and what a creation asks of the platform, counted. */
export async function measureCreation(bench: Bench, { tree, countsOnly }: CreationOptions): Promise<Summary> {
  const loadBefore = machineLoad();
  bench.emit({ event: "preparing", what: "Preparing: the bundle, its tables, an agent and a collection ..." });
  const scene = await makeScene(bench.workDir, bench.signal);
  const former = tree === null ? null : await makeFormer(tree, bench);
  const subjects = chosen(await listSubjects(scene, bench.sharedObjects, former), bench.only);
  const contenders = subjects.map((subject) => ({
    name: subject.name,
    subject,
    state: () => freshState(subject, bench.workDir),
  }));
  const measured = countsOnly ? [] : await measureInTurns(bench, contenders);
  const targets = ratioTargets(measured, tree);
  const counts = bench.only.length > 0 ? {} : await countAll(bench, scene, former);
  const notes = [
    "The queue has no consumer: bells are sent, and no task runs.",
    ...(tree === null || tree.hasOurPackages
      ? []
      : [`package-lock.json of ${tree.name} differs: it ran with the packages of this checkout.`]),
    ...(countsOnly ? [] : machineNotes(measured, loadBefore)),
  ];
  return { event: "summary", ok: targets.every(({ ok }) => ok), subjects: measured, targets, ...counts, notes };
}

async function makeFormer(tree: WorkTree, { emit, workDir, signal }: Bench): Promise<Former> {
  emit({ event: "preparing", what: `The same at ${tree.name} ...` });
  return { against: tree, scene: await makeScene(join(workDir, "former"), signal, tree.root) };
}

async function countAll(
  bench: Bench,
  scene: Scene,
  former: Former | null,
): Promise<Pick<Summary, "counted" | "worth">> {
  const { emit, sharedObjects } = bench;
  emit({ event: "preparing", what: "Counting what a creation asks of the platform: a minute or two ..." });
  const counted: OperationCounts[] = [];
  for (const placement of ["per-request", sharedObjects] as const) {
    counted.push(...(await countOperations(scene, placement, bench)));
    if (former !== null) counted.push(...(await countOperations(former.scene, placement, bench, former.against)));
  }
  return { counted, worth: await measureObjectWorth(scene, bench) };
}

/**
 * Measures in turns, A B C A B C: what slows the machine for a while slows all. Every second round goes backwards, so
 * that nobody always comes after the same one.
 */
export async function measureInTurns(bench: Bench, contenders: readonly Contender[]): Promise<readonly Measured[]> {
  const samples = new Map<string, readonly Sample[]>(contenders.map(({ name }) => [name, []]));
  const total = contenders.length * bench.rounds;
  let done = 0;
  for (let round = 1; round <= bench.rounds; round += 1) {
    for (const { name, subject, state } of round % 2 === 1 ? contenders : contenders.toReversed()) {
      bench.signal.throwIfAborted();
      const sample = await runRound(subject, await state(), bench);
      samples.set(name, [...(samples.get(name) ?? []), sample]);
      done += 1;
      const progress = { round, rounds: bench.rounds, done, total };
      bench.emit({ event: "round", ...progress, subject: name, per_second: sample.perSecond });
    }
  }
  return contenders.map(({ name }) => summarize(name, samples.get(name) ?? []));
}

export function chosen(subjects: readonly Subject[], only: readonly string[]): readonly Subject[] {
  const names = subjects.map((subject) => subject.name);
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new BenchFault(`No subject is called ${unknown.join(", ")}. There are: ${names.join(", ")}.`);
  return only.length === 0 ? subjects : subjects.filter((subject) => only.includes(subject.name));
}

/** The load average of the last minute. */
export function machineLoad(): number {
  return loadavg()[0] ?? Number.NaN;
}

/** That others took the time which was measured, where they did. */
export function busyNotes(loadBefore: number): readonly string[] {
  const isBusy = loadBefore > cpus().length * BUSY;
  return isBusy ? ["The machine was busy: its times, reached or missed, mean nothing."] : [];
}

/** How far the figures can be trusted. */
export function machineNotes(measured: readonly Measured[], loadBefore: number): readonly string[] {
  const unsteady = measured.filter(({ slowest, fastest }) => fastest > SPREAD_MAX * slowest).length;
  const machine = `${cpus().length} cores; load before the bench ${loadBefore.toFixed(1)}.`;
  if (unsteady === 0) return [machine, ...busyNotes(loadBefore)];
  const share = `${unsteady} of ${measured.length} subjects`;
  return [
    machine,
    ...busyNotes(loadBefore),
    `In ${share} the fastest round was over ${SPREAD_MAX} times the slowest: run it on a quieter machine.`,
  ];
}
