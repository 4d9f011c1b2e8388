import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { Failure } from "./state.ts";

const TESTS = "test/workers/creation/schedules";
const LAST_WORDS_CHARACTERS = 2_000;
/** As `test/support/schedules/explore.ts` tells a schedule that broke a promise. */
const BROKEN = /After (\d+) schedules[^]*?\n\s*(SCHEDULE_SEED=\S+ SCHEDULE_PATH=\S+)[^\n]*\n([^]*)/;

const Report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      assertionResults: z.array(z.object({ status: z.string(), failureMessages: z.array(z.string()).nullish() })),
    }),
  ),
});

export interface SliceResult {
  readonly schedules: number;
  readonly failures: readonly Failure[];
}

/**
 * One run of vitest over the schedules' tests, each with its own draw of so many.
 * @throws Error when it told no result, or the signal's reason.
 */
export async function runSlice(seed: number, runsPerTest: number, signal: AbortSignal): Promise<SliceResult> {
  const folder = await mkdtemp(join(tmpdir(), "refrain-schedules-"));
  try {
    const outputFile = join(folder, "report.json");
    const lastWords = await runVitest(seed, runsPerTest, outputFile, signal);
    signal.throwIfAborted();
    const text = await readFile(outputFile, "utf8").catch(() => undefined);
    if (text === undefined) throw new Error(`vitest told no result. Its last words:\n${lastWords}`);
    return resultOf(Report.parse(JSON.parse(text)), runsPerTest);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns its last words. */
function runVitest(seed: number, runs: number, outputFile: string, signal: AbortSignal): Promise<string> {
  const args = ["node_modules/vitest/vitest.mjs", "run", "--project", "workers", TESTS];
  const child = spawn(process.execPath, [...args, "--reporter=json", `--outputFile=${outputFile}`], {
    env: { ...process.env, SCHEDULE_SEED: String(seed), SCHEDULE_RUNS: String(runs), NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that its end is the end of workerd too.
    detached: true,
  });
  const end = (): void => endGroup(child.pid);
  signal.addEventListener("abort", end, { once: true });
  process.once("exit", end);
  let words = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      words = (words + text).slice(-LAST_WORDS_CHARACTERS);
    });
  }
  return new Promise<string>((resolve, reject) => {
    child.once("error", reject).once("close", () => resolve(words));
  }).finally(() => {
    signal.removeEventListener("abort", end);
    process.off("exit", end);
  });
}

function endGroup(group: number | undefined): void {
  if (group === undefined) return;
  try {
    process.kill(-group, "SIGTERM");
  } catch {
    // It has ended by itself.
  }
}

function resultOf({ testResults }: z.infer<typeof Report>, runs: number): SliceResult {
  const tests = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ status, failureMessages }) => {
      if (status === "passed") return { schedules: runs, failure: [] };
      const told = (failureMessages ?? []).join("\n");
      const [, count, replay = "unknown", what = told] = BROKEN.exec(told) ?? [];
      return { schedules: Number(count ?? 0), failure: [{ file: name, replay, told: what.trim() }] };
    }),
  );
  if (tests.length === 0) throw new Error("vitest found no tests of schedules.");
  return {
    schedules: tests.reduce((sum, { schedules }) => sum + schedules, 0),
    failures: tests.flatMap(({ failure }) => failure),
  };
}
