import { execFile, type ExecFileOptions } from "node:child_process";

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

export interface CommandEnd {
  readonly ok: boolean;
  /** What it said on both streams. */
  readonly said: string;
}

/** Runs a command to its end, whatever its exit code. @throws the reason of the signal when that ended it. */
export function runCommand(file: string, args: readonly string[], options: ExecFileOptions): Promise<CommandEnd> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { maxBuffer: OUTPUT_BYTES_MAX, encoding: "utf8", ...options }, (error, stdout, stderr) => {
      if (options.signal?.aborted) reject(options.signal.reason);
      else if (error !== null && "code" in error && error.code === "ENOENT") reject(error);
      else resolve({ ok: error === null, said: `${String(stdout)}\n${String(stderr)}` });
    });
  });
}
