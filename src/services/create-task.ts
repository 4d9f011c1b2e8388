import { taskIdOf } from "../domain/ids";
import { claimTask, type ClaimInput, type Creation, type TaskPlan } from "./claim-task";
import type { CallContext } from "./context";

export interface CreateTaskInput extends Omit<ClaimInput, "door" | "taskId" | "check"> {
  /** Case-folded GUID; minted by the caller where a client may leave it out. */
  readonly requestId: string;
  /** As of {@link ClaimInput}, with the task's id. */
  readonly check: (taskId: string) => Promise<TaskPlan>;
}

/** Creates a task exactly once for a request id. @throws as {@link claimTask}. */
export async function createTask(ctx: CallContext, input: CreateTaskInput): Promise<Creation> {
  const taskId = await taskIdOf(ctx.namespaceId, input.requestId);
  return claimTask(ctx, { ...input, door: "create", taskId, check: () => input.check(taskId) });
}
