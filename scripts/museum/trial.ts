import type { Bug, Killer } from "./bugs.ts";
import type { Copy } from "./copy.ts";
import { byProject, runTests, type TestRun } from "./tests.ts";

/**
 * `killed`: each of its killers failed by an assertion. `survived`: the tests passed. `not killed by an assertion`: a
 * test failed in another way, which proves nothing. The others are faults of the patch or its header.
 */
export type Verdict =
  | "killed"
  | "survived"
  | "not killed by an assertion"
  | "its tests did not run"
  | "does not apply"
  | "does not compile";

export interface Trial {
  readonly bug: string;
  readonly title: string;
  readonly source: string;
  readonly verdict: Verdict;
  /** The test that failed, or else the file that should have. */
  readonly test: string;
  /** What the assertion said, or what is wrong. */
  readonly message: string;
  readonly seconds: number;
}

type Outcome = Pick<Trial, "verdict" | "test" | "message">;

/** Plants one bug in the copy, runs its killers, and takes it out again. */
export async function tryBug(copy: Copy, bug: Bug, signal: AbortSignal): Promise<Trial> {
  const startedAtMs = Date.now();
  const outcome = await plant(copy, bug, signal);
  const { name, title, source } = bug;
  return { bug: name, title, source, ...outcome, seconds: Math.round((Date.now() - startedAtMs) / 1_000) };
}

async function plant(copy: Copy, bug: Bug, signal: AbortSignal): Promise<Outcome> {
  const refused = await copy.apply(bug.path);
  if (refused !== undefined) return { verdict: "does not apply", test: "", message: refused };
  try {
    const complaint = await copy.compile();
    if (complaint !== undefined) return { verdict: "does not compile", test: "", message: complaint };
    let outcome: Outcome = { verdict: "its tests did not run", test: "", message: "It names none." };
    for (const killer of bug.killers) {
      outcome = await face(copy, killer, signal);
      if (outcome.verdict !== "killed") break;
    }
    return outcome;
  } finally {
    await copy.revert(bug.path);
  }
}

async function face(copy: Copy, killer: Killer, signal: AbortSignal): Promise<Outcome> {
  const [tests] = byProject([killer]);
  if (tests === undefined) throw new Error("A killer is in no project.");
  return judge(killer, await runTests(copy.folder, tests, { bail: true, signal }));
}

function judge({ file }: Killer, { results, trouble }: TestRun): Outcome {
  const failed = results.filter(({ passed }) => !passed);
  const killer = failed.find(({ failure }) => isAssertion(failure));
  if (killer !== undefined) return { verdict: "killed", test: killer.name, message: messageOf(killer.failure) };
  const [other] = failed;
  if (other !== undefined)
    return { verdict: "not killed by an assertion", test: other.name, message: messageOf(other.failure) };
  if (results.length === 0 || trouble !== undefined)
    return { verdict: "its tests did not run", test: file, message: trouble ?? "No test has that name." };
  return { verdict: "survived", test: file, message: "" };
}

/** A timeout or any other error shows that something broke, not that a promise was seen to be broken. */
function isAssertion(failure: string): boolean {
  return failure.startsWith("AssertionError");
}

function messageOf(failure: string): string {
  const [first = ""] = failure.split("\n");
  return first.replace(/^AssertionError: /, "");
}
