/** Counts of one re-voicing. `flagged` are those of the re-voiced in which the fact guard misses a fact. */
export interface Counts {
  readonly re_voiced: number;
  readonly flagged: number;
  readonly skipped: number;
  readonly failed: number;
}

/** Every step of the demo, in the words that `--json` prints: one object a line. */
export type DemoEvent =
  | { readonly event: "service-starting" }
  | { readonly event: "service-ready"; readonly seconds: number }
  | { readonly event: "input"; readonly blank_lines: number; readonly unused_fields: readonly string[] }
  | { readonly event: "agent-created"; readonly agent_id: string; readonly name: string; readonly description: string }
  | {
      readonly event: "storing";
      readonly collection: string;
      readonly done: number;
      readonly total: number;
      readonly memories_per_second: number;
    }
  | {
      readonly event: "collection-stored";
      readonly collection_id: string;
      readonly name: string;
      readonly memories: number;
      readonly seconds: number;
    }
  | {
      readonly event: "request-cut";
      readonly request_id: string;
      readonly bytes_sent: number;
      readonly bytes_read: number;
    }
  | {
      readonly event: "request-looked-up";
      readonly request_id: string;
      /** null: the service had not seen the first request when the waiting ended. */
      readonly task_id: string | null;
    }
  | {
      readonly event: "request-repeated";
      readonly request_id: string;
      readonly http_status: number;
      readonly replayed: boolean;
      readonly task_id: string;
      readonly tasks_of_request: number;
    }
  | { readonly event: "submitted"; readonly tasks: number; readonly memories: number }
  | {
      readonly event: "progress";
      readonly done: number;
      readonly total: number;
      readonly memories_per_second: number;
    }
  | {
      readonly event: "task-ended";
      readonly task_id: string;
      readonly agent: string;
      readonly collection: string;
      readonly status: string;
      readonly error: string | null;
      readonly counts: Counts | null;
    }
  | {
      readonly event: "comparison";
      readonly memory_id: string;
      readonly occurred_at: string | null;
      readonly before: string;
      /** A text is null when the memory was not re-voiced. */
      readonly after: readonly { readonly agent: string; readonly text: string | null }[];
    }
  | Summary
  | { readonly event: "error"; readonly message: string };

export interface Summary extends Counts {
  readonly event: "summary";
  readonly ok: boolean;
  readonly tasks: number;
  readonly memories: number;
  /** The share of the re-voiced memories that kept every name, number and date; null when none was re-voiced. */
  readonly fact_guard_share: number | null;
  readonly seconds: number;
  readonly memories_per_second: number;
  /** Whether the repeated request was answered with the task that the first, unanswered one had made. */
  readonly same_task: boolean;
}

export type Emit = (event: DemoEvent) => void;
