import type { References } from "../data/reference-store";
import type { NewTask } from "../domain/task";
import { planReVoicing, referencesOf } from "./plan-re-voicing";
import type { TaskInput, TaskLabels } from "./task-input";

/** What a task is made of, beside what its request says: checked and resolved. */
export type TaskPlan = TaskLabels & Pick<NewTask, "operation" | "command">;

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
