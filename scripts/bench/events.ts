import type { Worth } from "./counted/object-worth.ts";
import type { OperationCounts } from "./counted/operations.ts";
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
  /** What operations ask of the platform: counted, not timed. */
  readonly counted?: readonly OperationCounts[];
  /** What the objects of request ids save: counted too. */
  readonly worth?: readonly Worth[];
  readonly notes: readonly string[];
}

export type Emit = (event: BenchEvent) => void;
