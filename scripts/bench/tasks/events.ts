import type { Target } from "../targets.ts";
import type { CostLine } from "./costs.ts";
import type { Written } from "./counts.ts";

/** What `bench:tasks` tells: with `--json` one of them a line. The last is the summary. */
export type TaskBenchEvent =
  | { readonly event: "preparing"; readonly what: string }
  | {
      readonly event: "round";
      readonly round: number;
      readonly rounds: number;
      readonly subject: string;
      readonly seconds: number;
      readonly done: number;
      readonly total: number;
    }
  | TaskSummary
  | { readonly event: "error"; readonly message: string };

/** One subject, by the median of its rounds. */
export interface SubjectFigures {
  readonly subject: string;
  /** From creation to the end. */
  readonly seconds: number;
  readonly slowest: number;
  readonly fastest: number;
  readonly memories_per_second: number;
  /** Null without a model. */
  readonly model: {
    /** From the first call to the end. */
    readonly seconds_from_first_call: number;
    readonly ideal_seconds: number;
    readonly calls: number;
    readonly refused: number;
    readonly most_open: number;
    /** Shares of the time from the first call to the end: with none open, and with fewer than the model takes. */
    readonly idle_share: number;
    readonly partly_share: number;
  } | null;
  /** For each memory. */
  readonly counted: Readonly<Record<string, number>>;
  /** For each memory, what is billed as rows written, and what the round trips are for. */
  readonly rows_written: readonly Written[];
  readonly round_trips: readonly Written[];
  readonly million: readonly CostLine[];
}

export interface TaskSummary {
  readonly event: "summary";
  readonly ok: boolean;
  readonly memories: number;
  readonly subjects: readonly SubjectFigures[];
  /** The generator alone; null when the embedded one was not measured. */
  readonly floor_memories_per_second: number | null;
  readonly targets: readonly Target[];
  readonly notes: readonly string[];
}

export type EmitTask = (event: TaskBenchEvent) => void;
