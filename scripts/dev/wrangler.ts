import { spawn } from "node:child_process";
import { constants } from "node:os";
import { resolve } from "node:path";

export const PROJECT_ROOT = resolve(import.meta.dirname, "../..");

const WRANGLER_PATH = resolve(PROJECT_ROOT, "node_modules/wrangler/bin/wrangler.js");

/**
 * Each of these would look for the network (telemetry, error reports, the update check behind the banner, the
 * `request.cf` sample) or write into the home folder. The environment may set them otherwise.
 */
const OFFLINE_DEFAULTS = {
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_WRITE_LOGS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
};

export interface WranglerRun {
  /** The checkout that it is about: this one, unless another is named. */
  readonly root?: string;
  readonly stateDir: string;
  /** Is given the function that sends wrangler a signal. */
  readonly onSignal: (send: (signal: NodeJS.Signals) => void) => void;
  /** `quiet` collects what wrangler says; `inherit` shows it. */
  readonly output: "quiet" | "inherit";
}

export interface WranglerEnd {
  readonly code: number;
  /** What wrangler said, when it ran quietly. */
  readonly said: string;
}

/**
 * Runs wrangler in this process group (never detached: whoever ends the group ends wrangler and workerd too) and waits
 * for its end.
 */
export function runWrangler(args: readonly string[], run: WranglerRun): Promise<WranglerEnd> {
  const stdin = run.output === "inherit" && process.stdin.isTTY ? "inherit" : "ignore";
  const output = run.output === "inherit" ? "inherit" : "pipe";
  const child = spawn(process.execPath, [WRANGLER_PATH, ...args], {
    cwd: run.root ?? PROJECT_ROOT,
    // A registry of its own: services that run at the same time on one machine do not meet each other.
    env: { WRANGLER_REGISTRY_PATH: resolve(run.stateDir, "registry"), ...OFFLINE_DEFAULTS, ...process.env },
    stdio: [stdin, output, output],
  });
  run.onSignal((signal) => child.kill(signal));
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  return new Promise((settle, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => settle({ code: exitCode(code, signal), said }));
  });
}

/** A shell's convention: a process that a signal ended has the code 128 + the signal's number. */
function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? (signal === null ? 1 : 128 + constants.signals[signal]);
}
