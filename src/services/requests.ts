import { validate } from "uuid";
import { taskIdOf } from "../domain/ids";
import type { TaskStatus } from "../domain/task";
import type { CallContext } from "./context";
import { ServiceError } from "./errors";
import type { RequestRecord } from "./ports";
import { findTaskToShow } from "./tasks";

export interface KnownRequest extends RequestRecord {
  readonly status: TaskStatus;
}

/**
 * What became of a request id.
 * @throws ServiceError `request-not-found`: nothing was accepted until now; `unavailable` when that is not certain.
 */
export async function getRequest(ctx: CallContext, requestId: string): Promise<KnownRequest> {
  // An object that is asked leaves a trace in storage, so it is not asked for what cannot be an id.
  if (!validate(requestId)) throw requestNotFound();
  const taskId = await taskIdOf(ctx.namespaceId, requestId);
  const [task, record] = await Promise.all([findTaskToShow(ctx, taskId), ctx.requests.find(taskId)]);
  const status = task?.status ?? "created";
  if (record !== undefined) return { ...record, status };
  if (task === undefined) throw requestNotFound();
  // The object's storage was lost; the row tells what there is to tell.
  const { createdAtMs } = task;
  const seen = { firstSeenAtMs: createdAtMs, lastSeenAtMs: createdAtMs, replayCount: 0, mismatchCount: 0 };
  return { taskId, requestId, status, ...seen };
}

function requestNotFound(): ServiceError {
  const detail = "Nothing was accepted under this requestId until now. Sending the same request with it is safe.";
  return new ServiceError("not-found", "request-not-found", detail);
}
