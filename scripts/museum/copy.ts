import { cp, mkdir, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

import { PROJECT_ROOT } from "../dev/wrangler.ts";
import { type CommandEnd, runCommand } from "./command.ts";
import { MuseumFault } from "./museum-fault.ts";

const TSC = join(PROJECT_ROOT, "node_modules/typescript/bin/tsc");

/** A copy of the project in which bugs are planted, one at a time. The packages are those of the project. */
export interface Copy {
  readonly folder: string;
  /** @returns what is in the way, or undefined when the patch stands. */
  apply(patch: string): Promise<string | undefined>;
  revert(patch: string): Promise<void>;
  /** @returns the first complaint of the compiler, or undefined. */
  compile(): Promise<string | undefined>;
}

/** Copies what git knows or would take, as it is in the work tree now. */
export async function makeCopy(folder: string, signal: AbortSignal): Promise<Copy> {
  const listed = await runCommand("git", ["ls-files", "-co", "--exclude-standard", "-z"], { cwd: PROJECT_ROOT });
  if (!listed.ok) throw new MuseumFault(`git cannot list the project: ${listed.said.trim()}`);
  for (const file of listed.said
    .trim()
    .split("\0")
    .filter((name) => name !== "")) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    // A file that was deleted and not committed is listed too.
    await cp(join(PROJECT_ROOT, file), join(folder, file)).catch(ignoreMissing);
  }
  await symlink(join(PROJECT_ROOT, "node_modules"), join(folder, "node_modules"));
  // Outside of any repository: inside of one, `git apply` skips in silence what is not below its root.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(folder) };
  // The patch of the copy too: that of the project may be edited meanwhile.
  const git = (patch: string, ...args: string[]) =>
    runCommand("git", ["apply", "--whitespace=nowarn", ...args, relative(PROJECT_ROOT, patch)], { cwd: folder, env });
  const buildInfo = ["--incremental", "--tsBuildInfoFile", `${folder}.tsbuildinfo`];
  const tsc = [TSC, "-p", "tsconfig.json", "--noEmit", ...buildInfo];
  return {
    folder,
    apply: async (patch) => complaintOf(await git(patch)),
    revert: async (patch) => {
      const complaint = complaintOf(await git(patch, "--reverse"));
      if (complaint !== undefined) throw new Error(`A bug could not be taken out again: ${complaint}`);
    },
    compile: async () => complaintOf(await runCommand(process.execPath, tsc, { cwd: folder, signal })),
  };
}

/** The first line that a failed command said. */
function complaintOf({ ok, said }: CommandEnd): string | undefined {
  if (ok) return undefined;
  return said.split("\n").find((line) => line.trim() !== "") ?? "It says nothing.";
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}
