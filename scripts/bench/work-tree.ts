import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { PROJECT_ROOT } from "../dev/wrangler.ts";
import { BenchFault } from "./bench-fault.ts";

/** The files of another commit, in a work tree of their own below the system's folder for such things. */
export interface WorkTree {
  readonly root: string;
  /** Its hash: whole, and as people call it. */
  readonly commit: string;
  readonly name: string;
  /** Whether its package-lock.json is that of this checkout: it runs with the packages of this one. */
  readonly hasOurPackages: boolean;
  /** Synchronous: it may be the last moment of the process. */
  readonly remove: () => void;
}

/** @throws BenchFault when the history has no such commit. */
export function addWorkTree(revision: string): WorkTree {
  const commit = commitOf(revision);
  const root = join(mkdtempSync(join(tmpdir(), "refrain-bench-")), "tree");
  const packages = join(root, "node_modules");
  const remove = (): void => {
    // First the link, so that nothing behind it can be meant.
    rmSync(packages, { force: true });
    try {
      git("worktree", "remove", "--force", root);
    } catch {
      // Where git cannot, it forgets the tree by itself some time after the folder is gone.
    } finally {
      rmSync(join(root, ".."), { recursive: true, force: true });
    }
  };
  try {
    git("worktree", "add", "--detach", "--quiet", root, commit);
    symlinkSync(join(PROJECT_ROOT, "node_modules"), packages);
    const [theirs, ours] = [root, PROJECT_ROOT].map((folder) =>
      readFileSync(join(folder, "package-lock.json"), "utf8"),
    );
    return { root, commit, name: commit.slice(0, 7), hasOurPackages: theirs === ours, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function commitOf(revision: string): string {
  try {
    return git("rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`).trim();
  } catch {
    throw new BenchFault(
      `The history has no commit ${revision}. A shallow clone has only the newest: git fetch --unshallow.`,
    );
  }
}

function git(...args: readonly string[]): string {
  return execFileSync("git", [...args], { cwd: PROJECT_ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
