import { NIL, validate } from "uuid";
import { holdId } from "../../data/tasks/held-id-store";
import { cancelTask as cancelTaskRow } from "../../data/tasks/cancel-store";
import { taskIdOf } from "../../domain/ids";
import type { TaskStatus } from "../../domain/tasks/task";
import type { CallContext } from "../context";
import { ServiceError } from "../errors/errors";
import { tooManyHeld } from "./held-ids";
import type { RequestRecord } from "../ports/task-requests";

import { requestRetired } from "../tasks/remove-task";
import { findTaskToShow } from "../tasks/tasks";
import { announceEnd } from "../tasks/announce-end";

const DAY_MS = 86_400_000;

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
  if (record?.givenUp && task === undefined) throw requestGivenUp();
  if (record?.retired || (task !== undefined && task.deletedAtMs !== null)) throw requestRetired(taskId, task);
  const status = task?.status ?? statusWithoutRow(record);
  if (record !== undefined) return { ...record, status };
  if (task === undefined) throw requestNotFound();
  // The object's storage was lost; the row tells what there is to tell.
  const { createdAtMs } = task;
  const seen = { firstSeenAtMs: createdAtMs, lastSeenAtMs: createdAtMs, replayCount: 0, mismatchCount: 0 };
  return { taskId, requestId, status, ...seen, expiresAtMs: null, retired: false, givenUp: false, cancelWanted: false };
}

export interface CanceledRequest {
  readonly requestId: string;
  readonly taskId: string;
  readonly status: TaskStatus;
}

/**
 * Cancels by request id, whatever became of the creation: after it answered, nothing runs under this id. A row is
 * canceled in D1; without one the object writes the intent, and whatever still comes is born canceled.
 * @throws ServiceError `request-id-retired`; `cancel-pending` when it is not proven yet.
 */
export async function cancelRequest(ctx: CallContext, givenId: string): Promise<CanceledRequest> {
  const requestId = givenId.toLowerCase();
  if (!validate(requestId) || requestId === NIL) throw requestNotFound();
  const taskId = await taskIdOf(ctx.namespaceId, requestId);
  const task = await cancelTaskRow(ctx.db, ctx.namespaceId, taskId);
  if (task !== undefined && task.deletedAtMs !== null) throw requestRetired(taskId, task);
  if (task !== undefined) {
    await announceEnd(ctx, { ...task, hasWebhook: task.webhook !== null });
    return { requestId, taskId, status: task.status };
  }
  const outcome = await ctx.requests.cancel({ taskId, requestId, mayHold: await mayHold(ctx, taskId) });
  if (outcome === "refused") throw tooManyHeld();
  if (outcome === "retired") throw requestRetired(taskId, undefined);
  if (outcome === "pending") {
    const detail = "The cancel is kept and will be carried out, but it is not proven yet. Send the same call again.";
    throw new ServiceError("unavailable", "cancel-pending", detail, { extensions: { task_id: taskId } });
  }
  // The task may have ended otherwise before the cancel came; without a row nothing has come yet.
  const now = await findTaskToShow(ctx, taskId);
  return { requestId, taskId, status: now?.status ?? "canceled" };
}

/** Held before the object is asked, so that no id is held there without being counted. */
function mayHold(ctx: CallContext, taskId: string): Promise<boolean> {
  return holdId(ctx.db, { namespaceId: ctx.namespaceId, taskId, forMs: ctx.limits.tombstoneDays * DAY_MS });
}

/** Claimed, and its row not written yet. */
function statusWithoutRow(record: RequestRecord | undefined): TaskStatus {
  return record?.cancelWanted ? "canceled" : "created";
}

function requestGivenUp(): ServiceError {
  const detail =
    "Nothing was accepted under this requestId, and it was given up: what comes under it is born canceled.";
  return new ServiceError("not-found", "request-not-found", detail);
}

function requestNotFound(): ServiceError {
  const detail = "Nothing was accepted under this requestId until now. Sending the same request with it is safe.";
  return new ServiceError("not-found", "request-not-found", detail);
}
