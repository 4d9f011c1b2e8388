import { execFile } from "node:child_process";
import { cp, mkdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { PROJECT_ROOT } from "../dev/wrangler.ts";

const run = promisify(execFile);
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
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
  const { stdout } = await run("git", ["ls-files", "-co", "--exclude-standard", "-z"], {
    cwd: PROJECT_ROOT,
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  for (const file of stdout.split("\0").filter((name) => name !== "")) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    // A file that was deleted and not committed is listed too.
    await cp(join(PROJECT_ROOT, file), join(folder, file)).catch(ignoreMissing);
  }
  await symlink(join(PROJECT_ROOT, "node_modules"), join(folder, "node_modules"));
  // Outside of any repository: inside of one, `git apply` skips in silence what is not below its root.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(folder) };
  const apply = (...args: string[]) => run("git", ["apply", "--whitespace=nowarn", ...args], { cwd: folder, env });
  const buildInfo = ["--incremental", "--tsBuildInfoFile", `${folder}.tsbuildinfo`];
  const tscArgs = [TSC, "-p", "tsconfig.json", "--noEmit", ...buildInfo];
  return {
    folder,
    apply: (patch) => complaintOf(apply(patch)),
    revert: async (patch) => void (await apply("--reverse", patch)),
    compile: () => complaintOf(run(process.execPath, tscArgs, { cwd: folder, signal, maxBuffer: OUTPUT_BYTES_MAX })),
  };
}

/** @returns the first line that a failed command said. */
async function complaintOf(command: Promise<unknown>): Promise<string | undefined> {
  try {
    await command;
    return undefined;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { readonly stdout?: string; readonly stderr?: string };
    const [line] = `${stdout}\n${stderr}`.split("\n").filter((text) => text.trim() !== "");
    if (line === undefined) throw error;
    return line;
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}
