import * as fc from "fast-check";
import { endControl } from "./bindings-control";
import { heal } from "./heal";
import { judge } from "./judge";
import { playSteps } from "./play";
import type { Stage } from "./stage";
import { type Flavour, scheduleOf, type Step } from "./steps";

export interface Exploration {
  readonly flavour: Flavour;
  readonly seed: number;
  readonly runs: number;
  /** Where the shrinking ended: replays that one schedule. */
  readonly path: string | undefined;
}

/**
 * Plays random schedules.
 * @returns how many.
 * @throws Error that tells of the first that broke a promise, as short as it got, and how to play it again.
 */
export async function explore(stage: Stage, { flavour, seed, runs, path }: Exploration): Promise<number> {
  const told = await fc.check(
    fc.asyncProperty(scheduleOf(flavour), (steps) => playOne(stage, steps)),
    {
      seed,
      numRuns: runs,
      ...(path !== undefined && { path, endOnFailure: true }),
    },
  );
  if (!told.failed) return told.numRuns;
  const replay = `SCHEDULE_SEED=${told.seed} SCHEDULE_PATH=${told.counterexamplePath}`;
  const lines = [
    `After ${told.numRuns} schedules and ${told.numShrinks} shrinks a promise was broken. Once more:`,
    `  ${replay} npx vitest run --project workers test/workers/creation/schedules-${flavour}.test.ts`,
    String(told.errorInstance instanceof Error ? told.errorInstance.message : told.errorInstance),
  ];
  throw new Error(lines.join("\n"));
}

async function playOne(stage: Stage, steps: readonly Step[]): Promise<void> {
  try {
    const play = await playSteps(stage, steps);
    await heal(play);
    const wrong = await judge(play);
    if (wrong.length > 0) throw new Error([...wrong, "The schedule:", ...play.ledger.trace].join("\n"));
  } finally {
    endControl();
  }
}
