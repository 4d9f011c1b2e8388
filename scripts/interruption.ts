import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A signal asked the script to end. */
export class Interruption extends Error {
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`Ended by ${signal}.`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** Aborted by the first signal: what the script does then is to clean up and end. */
export const interruption = new AbortController();

/**
 * Ends the script on signals, and cleans up in the last moment of the process, whatever happens.
 * @param cleanUp synchronous: who asks twice does not want to wait.
 */
export function endOnSignals(cleanUp: () => void): void {
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (interruption.signal.aborted) process.exit(128 + constants.signals[signal]);
      interruption.abort(new Interruption(signal));
    });
  }
  process.on("exit", cleanUp);
}

/**
 * Tells of what ended a script: in a sentence where it is a signal or a fault that the script explains, else with where
 * it was thrown.
 * @returns the exit code.
 */
export function tellEnd(
  error: unknown,
  {
    isExplained,
    tell,
  }: { readonly isExplained: (cause: unknown) => boolean; readonly tell?: (message: string) => void },
): number {
  const cause: unknown = interruption.signal.aborted ? interruption.signal.reason : error;
  const message = cause instanceof Error ? cause.message : String(cause);
  tell?.(message);
  const plain = isExplained(cause) || cause instanceof Interruption || !(cause instanceof Error);
  process.stderr.write(`${plain ? message : cause.stack}\n`);
  return cause instanceof Interruption ? cause.exitCode : 1;
}
