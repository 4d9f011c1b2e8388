import type { Measured } from "./statistics.ts";
import type { Target } from "./targets.ts";

/** What the bench tells: with `--json` one of them a line. The last is the summary. */
export type BenchEvent =
  | { readonly event: "preparing"; readonly what: string }
  | {
      readonly event: "round";
      readonly round: number;
      readonly rounds: number;
      readonly subject: string;
      readonly per_second: number;
      /** Rounds of single subjects that are done, and all that there will be. */
      readonly done: number;
      readonly total: number;
    }
  | Summary
  | { readonly event: "error"; readonly message: string };

export interface Summary {
  readonly event: "summary";
  readonly ok: boolean;
  readonly subjects: readonly Measured[];
  readonly targets: readonly Target[];
  readonly notes: readonly string[];
}

export type Emit = (event: BenchEvent) => void;
