import type { TaskBudget } from "../../domain/tasks/budget";
import type { MemorySettings } from "../../domain/recall/memory-settings";
import type { NewTask } from "../../domain/tasks/task";
import type { OnItemError, OnLineError, Operation, StoredFile } from "../../domain/tasks/operations";
import type { TaskWebhook, WebhookWish } from "../../domain/tasks/task-end";

/** What a caller says about a task besides what it does. */
export type TaskLabels = Pick<NewTask, "name" | "tags" | "memo" | "metadata">;

/** What a creation asks for: its form is right, what it refers to is still to be checked. Null for a reservation. */
export interface TaskInput {
  readonly labels: TaskLabels;
  readonly work: Inputs[Operation] | null;
  /** What it is made of, where a GET asks for it: the next that asks joins it while it runs. */
  readonly subject?: string;
  /** Who wants to hear of its end. */
  readonly wish?: WebhookWish | null;
  /** The same, once its address was checked. */
  readonly webhook?: TaskWebhook;
}

/** What each operation is asked for with. */
export interface Inputs {
  readonly "re-voice": ReVoiceInput;
  readonly export: CollectionInput<"export">;
  readonly import: ImportInput;
  readonly analyze: CollectionInput<"analyze">;
  readonly rebuild: CollectionInput<"rebuild">;
}

export interface CollectionInput<O extends "export" | "analyze" | "rebuild"> {
  readonly operation: O;
  readonly collectionId: string;
  /** Where the collection stands in the caller's body; null when it stands elsewhere. */
  readonly pointer: string | null;
}

export interface ImportInput {
  readonly operation: "import";
  readonly collectionId: string;
  readonly file: StoredFile;
  readonly onLineError: OnLineError;
}

export const NO_LABELS: TaskLabels = { name: null, tags: [], memo: null, metadata: {} };

/** What a caller asks for; settings take any subset of their fields. */
export interface ReVoiceInput {
  readonly operation: "re-voice";
  readonly agentId: string;
  readonly collectionId: string;
  readonly target: { readonly collectionId: string } | { readonly name: string };
  readonly sourceMemorySettings: Partial<MemorySettings>;
  readonly agentMemorySettings: Partial<MemorySettings>;
  readonly instructions: string | null;
  readonly onItemError: OnItemError;
  readonly budget: TaskBudget;
  /** Where agent and source stand in the caller's body, for the faults; null when they stand elsewhere. */
  readonly pointers: { readonly agent: string | null; readonly source: string | null };
}
