import type { ItemVerdict } from "./task";

/** `end` is the change to an end state; `item` tells of one that was not simply re-voiced. */
export const TASK_EVENT_KINDS = ["status", "progress", "item", "end"] as const;

export interface TaskEventItem {
  readonly position: number;
  readonly sourceMemoryId: string;
  readonly resultMemoryId: string | null;
  readonly verdict: ItemVerdict;
  /** The code of its problem. */
  readonly code: string | null;
}
