import type { References } from "../data/reference-store";
import type { NewTask } from "../domain/task";
import { planReVoicing, referencesOf, type ReVoiceInput } from "./plan-re-voicing";

/** What a caller says about a task besides what it does. */
export type TaskLabels = Pick<NewTask, "name" | "tags" | "memo" | "metadata">;

/** What a creation asks for: its form is right, what it refers to is still to be checked. Null for a reservation. */
export interface TaskInput {
  readonly labels: TaskLabels;
  readonly work: ReVoiceInput | null;
}

/** What a task is made of, beside what its request says: checked and resolved. */
export type TaskPlan = TaskLabels & Pick<NewTask, "operation" | "command">;

export const NO_LABELS: TaskLabels = { name: null, tags: [], memo: null, metadata: {} };

/** The ids of what it refers to. */
export function idsOf({ work }: TaskInput): ReturnType<typeof referencesOf> {
  return work === null ? { agentIds: [], collectionIds: [] } : referencesOf(work);
}

/** Checks what is referred to and freezes it. @throws ServiceError as of {@link planReVoicing}. */
export async function planTask(
  taskId: string,
  namespaceId: string,
  { labels, work }: TaskInput,
  references: References,
): Promise<TaskPlan> {
  if (work === null) return { ...labels, operation: null, command: null };
  const command = await planReVoicing(taskId, namespaceId, work, references);
  return { ...labels, operation: command.operation, command };
}
