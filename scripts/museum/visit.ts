import { availableParallelism } from "node:os";
import { join } from "node:path";

import type { Bug } from "./bugs.ts";
import { type Copy, makeCopy } from "./copy.ts";
import { MuseumFault } from "./museum-fault.ts";
import { byProject, runTests } from "./tests.ts";
import { type Trial, tryBug } from "./trial.ts";

/** One copy of the project for each bug that is faced at a time. */
const COPIES = Math.min(2, availableParallelism());

export interface Visit {
  readonly bugs: readonly Bug[];
  readonly workDir: string;
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

export type MuseumEvent =
  | { readonly event: "preparing"; readonly what: string }
  | ({ readonly event: "bug"; readonly done: number; readonly total: number } & Trial)
  | Summary
  | { readonly event: "error"; readonly message: string };
export type Emit = (event: MuseumEvent) => void;

export interface Summary {
  readonly event: "summary";
  readonly ok: boolean;
  readonly seconds: number;
  readonly trials: readonly Trial[];
}

/** Compiles and runs all named tests without a bug, then each bug's with it. @throws MuseumFault for what fails without. */
export async function visit({ bugs, workDir, signal, emit }: Visit): Promise<Summary> {
  const startedAtMs = Date.now();
  emit({ event: "preparing", what: "Running the named tests without a bug." });
  const copies = await Promise.all(
    Array.from({ length: COPIES }, (_, index) => makeCopy(join(workDir, `copy-${index}`), signal)),
  );
  const [first] = copies;
  if (first === undefined) throw new Error("There is no copy.");
  await requirePassing(first, bugs, signal);
  emit({ event: "preparing", what: `${bugs.length} bugs are faced, ${COPIES} at a time.` });
  const waiting = [...bugs];
  const trials: Trial[] = [];
  await Promise.all(
    copies.map(async (copy) => {
      for (let bug = waiting.shift(); bug !== undefined; bug = waiting.shift()) {
        const trial = await tryBug(copy, bug, signal);
        trials.push(trial);
        emit({ event: "bug", done: trials.length, total: bugs.length, ...trial });
      }
    }),
  );
  const seconds = Math.round((Date.now() - startedAtMs) / 1_000);
  const ok = trials.every(({ verdict }) => verdict === "killed");
  return { event: "summary", ok, seconds, trials: trials.toSorted((a, b) => (a.bug < b.bug ? -1 : 1)) };
}

/** What fails without a bug proves nothing with one. */
async function requirePassing(copy: Copy, bugs: readonly Bug[], signal: AbortSignal): Promise<void> {
  const complaint = await copy.compile();
  if (complaint !== undefined) throw new MuseumFault(`Without a bug the source does not compile: ${complaint}`);
  const killers = bugs.flatMap((bug) => bug.killers);
  for (const tests of byProject(killers)) {
    const { results, trouble } = await runTests(copy.folder, tests, { bail: false, signal });
    const failed = results.find(({ passed }) => !passed);
    if (failed !== undefined) throw new MuseumFault(`Without a bug "${failed.name}" fails: ${failed.failure}`);
    if (trouble !== undefined || results.length === 0)
      throw new MuseumFault(`Without a bug the tests of ${tests.project} do not run: ${trouble ?? "there are none"}`);
  }
}
