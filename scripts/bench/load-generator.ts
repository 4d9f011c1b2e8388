import { type ChildProcess, fork } from "node:child_process";
import { resolve } from "node:path";

import { BenchFault } from "./bench-fault.ts";
import type { Load, LoadResult } from "./load.ts";

export interface LoadGenerator {
  /** @throws BenchFault when an answer was wrong: errors must not count as throughput. */
  run(load: Load): Promise<LoadResult>;
  end(): void;
}

/** @param signal ends a run that is under way. */
export function startLoadGenerator(signal: AbortSignal): LoadGenerator {
  const child = fork(resolve(import.meta.dirname, "load-process.ts"));
  return {
    run: async (load) => {
      signal.throwIfAborted();
      const result = await ask(child, load, signal);
      if (result.faults > 0) {
        throw new BenchFault(
          `${result.faults} of ${result.answers} answers of ${load.path} were not the ${load.status} that was expected. The first: ${result.firstFault}`,
        );
      }
      if (result.answers === 0) throw new BenchFault(`No answer came in ${JSON.stringify(load.until)}.`);
      return result;
    },
    end: () => void child.kill("SIGKILL"),
  };
}

function ask(child: ChildProcess, load: Load, signal: AbortSignal): Promise<LoadResult> {
  return new Promise((settle, reject) => {
    const onExit = (): void => reject(new BenchFault("The load generator ended by itself."));
    const onAbort = (): void => reject(signal.reason);
    child.once("exit", onExit);
    signal.addEventListener("abort", onAbort, { once: true });
    child.once("message", (result: LoadResult) => {
      child.off("exit", onExit);
      signal.removeEventListener("abort", onAbort);
      settle(result);
    });
    child.send(load);
  });
}
