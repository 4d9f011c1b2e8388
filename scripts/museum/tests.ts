import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

import { PROJECT_ROOT } from "../dev/wrangler.ts";
import type { Killer } from "./bugs.ts";
import { runCommand } from "./command.ts";

const VITEST = join(PROJECT_ROOT, "node_modules/vitest/vitest.mjs");
/** A run that has not ended by then has hung, whatever its tests' own limits say. */
const RUN_MS_MAX = 300_000;

/** What one test came to. */
export interface TestResult {
  readonly name: string;
  readonly passed: boolean;
  /** The error's name and message, where it failed. */
  readonly failure: string;
}

export interface TestRun {
  /** Tests that ran; those that the filter left out are not among them. */
  readonly results: readonly TestResult[];
  /** What went wrong beside the tests, such as a file that cannot be loaded. */
  readonly trouble: string | undefined;
}

/** What is read of the report of vitest. */
const Report = z.object({
  testResults: z.array(
    z.object({
      status: z.string(),
      message: z.string(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).nullish() }),
      ),
    }),
  ),
});

/** Runs the named tests of one project in a copy. `bail`: up to the first failure. */
export async function runTests(
  folder: string,
  tests: { readonly project: string; readonly files: readonly string[]; readonly names: readonly string[] },
  { bail, signal }: { readonly bail: boolean; readonly signal: AbortSignal },
): Promise<TestRun> {
  const report = `${folder}-report.json`;
  await rm(report, { force: true });
  const filter = tests.names.length === 0 ? [] : ["-t", tests.names.map(escaped).join("|")];
  const args = ["run", "--project", tests.project, ...tests.files, ...filter, ...(bail ? ["--bail", "1"] : [])];
  // A failed test is an exit code too: the report tells them apart.
  const { said } = await runCommand(process.execPath, [VITEST, ...args, "--reporter", "json", "--outputFile", report], {
    cwd: folder,
    signal,
    timeout: RUN_MS_MAX,
  });
  const text = await readFile(report, "utf8").catch(() => undefined);
  if (text === undefined) return { results: [], trouble: lastLine(said) };
  return toRun(Report.parse(JSON.parse(text)));
}

/** Vitest's name for a killer's tests, and its file, by project: so all of them run in a few runs. */
export function byProject(killers: readonly Killer[]) {
  const groups = Map.groupBy(killers, ({ project }) => project);
  return [...groups].map(([project, group]) => ({
    project,
    files: [...new Set(group.map(({ file }) => file))],
    names: group.some(({ testName }) => testName === undefined)
      ? []
      : [...new Set(group.flatMap(({ testName }) => (testName === undefined ? [] : [testName])))],
  }));
}

function toRun({ testResults }: z.infer<typeof Report>): TestRun {
  const results = testResults.flatMap(({ assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === "passed" || status === "failed")
      .map(({ fullName, status, failureMessages }) => ({
        name: fullName,
        passed: status === "passed",
        failure: failureMessages?.[0] ?? "",
      })),
  );
  const broken = testResults.find(({ status, message }) => status === "failed" && message !== "");
  return { results, trouble: broken && lastLine(broken.message) };
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

function escaped(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
