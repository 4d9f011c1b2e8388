import { findLastOfSubject } from "../../data/requests/request-store";
import { findTask } from "../../data/tasks/task-store";
import { requestIdOfSubject } from "../../domain/ids";
import { hasEnded } from "../../domain/tasks/task";
import type { CallContext } from "../context";
import { type Creation, createTask, type CreateTaskInput } from "./create-task";

/**
 * The task of a subject that is still open, or a new one. Who asks for one at the same time gets the same: its request id
 * follows from the task that came last.
 * @throws as `createTask`.
 */
export async function createForSubject(
  ctx: CallContext,
  subject: string,
  { request, wanted }: Pick<CreateTaskInput, "request" | "wanted">,
): Promise<Creation> {
  const lastId = await findLastOfSubject(ctx.db, ctx.namespaceId, subject);
  const last = lastId === undefined ? undefined : await findTask(ctx.db, ctx.namespaceId, lastId);
  if (last !== undefined && !hasEnded(last.status)) return { task: last, replayed: true };
  const requestId = await requestIdOfSubject(subject, lastId ?? "");
  const input = wanted.ok ? ({ ok: true, value: { ...wanted.value, subject } } as const) : wanted;
  return createTask(ctx, { request, wanted: input, requestId, requestIdIsClients: true });
}
