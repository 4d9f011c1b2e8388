import type { MemorySettings } from "../domain/memory-settings";
import type { NewTask, OnItemError } from "../domain/task";

/** What a caller says about a task besides what it does. */
export type TaskLabels = Pick<NewTask, "name" | "tags" | "memo" | "metadata">;

/** What a creation asks for: its form is right, what it refers to is still to be checked. Null for a reservation. */
export interface TaskInput {
  readonly labels: TaskLabels;
  readonly work: ReVoiceInput | null;
}

export const NO_LABELS: TaskLabels = { name: null, tags: [], memo: null, metadata: {} };

/** What a caller asks for; settings take any subset of their fields. */
export interface ReVoiceInput {
  readonly agentId: string;
  readonly collectionId: string;
  readonly target: { readonly collectionId: string } | { readonly name: string };
  readonly sourceMemorySettings: Partial<MemorySettings>;
  readonly agentMemorySettings: Partial<MemorySettings>;
  readonly instructions: string | null;
  readonly onItemError: OnItemError;
  /** Where agent and source stand in the caller's body, for the faults; null when they stand elsewhere. */
  readonly pointers: { readonly agent: string | null; readonly source: string | null };
}
