import { cancelBefore, cancelBulk } from "../../data/tasks/cancel-request-store";
import { findRequestNow } from "../../data/requests/request-store";
import { cancelTask } from "../../data/tasks/cancel-store";
import { findTask } from "../../data/tasks/task-store";
import { isOverdue } from "../../domain/requests/decision";
import type { StandingRequest } from "../../domain/requests/request";
import { hasEnded } from "../../domain/tasks/task";
import type { CallContext } from "../context";
import { ServiceError } from "../errors/errors";
import { announceEnd, announceEnds } from "../tasks/announce-end";
import { tooManyHeld } from "./held-ids";
import { getRequest, idOfRequest, type KnownRequest } from "./look-up";
import { requestRetired, retiredOf } from "./standing-request";

const DAY_MS = 86_400_000;
/** Each lost try means that a creation, a fill or an invoke came first. */
const TRIES_MAX = 5;

/**
 * Cancels by request id, whatever became of it: after it answered, nothing runs under this id. What was made is canceled;
 * where nothing has come a bar is left, and what still comes is born canceled, or refused. An agent or a collection stays.
 * @throws ServiceError `request-id-retired`, `too-many-held-ids`; `cancel-pending` when others always came first.
 */
export async function cancelRequest(ctx: CallContext, givenId: string): Promise<KnownRequest> {
  const id = await idOfRequest(ctx, givenId);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const { row, readAtMs } = await findRequestNow(ctx.db, ctx.namespaceId, id);
    if (row !== undefined && (row.retiredAtMs !== null || isOverdue(row, readAtMs)))
      throw requestRetired(retiredOf(row));
    if (await cancelOnce(ctx, id, givenId.toLowerCase(), row)) return getRequest(ctx, givenId);
  }
  const detail = "Other calls of this requestId always came first. Send the same call again.";
  throw new ServiceError("unavailable", "cancel-pending", detail, { extensions: { task_id: id } });
}

/** @returns whether it is canceled; false where something came in between: then it is read again. */
async function cancelOnce(
  ctx: CallContext,
  id: string,
  requestId: string,
  row: StandingRequest | undefined,
): Promise<boolean> {
  switch (row?.door) {
    case undefined: {
      const forMs = ctx.limits.tombstoneDays * DAY_MS;
      const bar = { id, namespaceId: ctx.namespaceId, requestId, callId: crypto.randomUUID(), forMs };
      const standing = await cancelBefore(ctx.db, bar);
      if (standing === undefined) throw tooManyHeld();
      return standing.door === "cancel";
    }
    case "cancel":
    case "agent":
    case "collection":
      return true;
    case "bulk": {
      const items = await cancelBulk(ctx.db, ctx.namespaceId, id);
      await announceEnds(
        ctx,
        items.filter(({ status }) => !hasEnded(status)),
      );
      return true;
    }
    case "invoke":
      // Where it has opened none there is none to cancel.
      return row.madeRun === null || cancelRun(ctx, row.madeId ?? id, row.madeRun);
    default:
      return cancelRun(ctx, id, null);
  }
}

/** @param run the one that an invoke opened: of a later one nothing is canceled; null for the present one. */
async function cancelRun(ctx: CallContext, taskId: string, run: number | null): Promise<boolean> {
  const task = await findTask(ctx.db, ctx.namespaceId, taskId);
  if (task === undefined) return false;
  if (run !== null && task.run !== run) return true;
  const now = await cancelTask(ctx.db, ctx.namespaceId, task);
  if (now === undefined || now.run !== task.run || !hasEnded(now.status)) return false;
  await announceEnd(ctx, { ...now, hasWebhook: now.webhook !== null });
  return true;
}
