import type { References } from "../../data/tasks/reference-store";
import type { NewTask } from "../../domain/tasks/task";
import { type ReferredIds, workOf } from "../operations/table";
import type { TaskInput, TaskLabels } from "../ports/task-input";

/** What a task is made of, beside what its request says: checked and resolved. */
export type TaskPlan = TaskLabels & Pick<NewTask, "operation" | "command" | "subject" | "webhook">;

/** The ids of what it refers to. */
export function idsOf({ work }: TaskInput): ReferredIds {
  return work === null ? { agentIds: [], collectionIds: [] } : workOf(work.operation).referencesOf(work);
}

/** Checks what is referred to and freezes it. @throws ServiceError the refusal. */
export async function planTask(
  taskId: string,
  namespaceId: string,
  { labels, work, subject: given, webhook: checked }: TaskInput,
  references: References,
): Promise<TaskPlan> {
  const subject = given ?? null;
  const webhook = checked ?? null;
  if (work === null) return { ...labels, operation: null, command: null, subject, webhook };
  const command = await workOf(work.operation).resolve({ id: taskId, namespaceId }, work, references);
  return { ...labels, operation: command.operation, command, subject, webhook };
}
