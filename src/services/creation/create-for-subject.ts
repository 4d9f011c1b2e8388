import { findLastOfSubject } from "../../data/tasks/task-store";
import { requestIdOfSubject } from "../../domain/ids";
import { hasEnded } from "../../domain/tasks/task";
import type { Creation } from "./read-claim-answer";
import type { CallContext } from "../context";
import { createTask, type CreateTaskInput } from "./create-task";

/**
 * The task of a subject that is still open, or a new one. Who asks for one at the same time gets the same: its request id
 * follows from the task that came last.
 * @throws as `createTask`.
 */
export async function createForSubject(
  ctx: CallContext,
  subject: string,
  input: Pick<CreateTaskInput, "request" | "parse">,
): Promise<Creation> {
  const last = await findLastOfSubject(ctx.db, ctx.namespaceId, subject);
  if (last !== undefined && !hasEnded(last.status)) return { task: last, replayed: true };
  const requestId = await requestIdOfSubject(subject, last?.id ?? "");
  const parse = () => ({ ...input.parse(), subject });
  return createTask(ctx, { ...input, parse, requestId, requestIdIsClients: true });
}
