import { NIL, validate } from "uuid";
import { findBulkItems, findRequestNow, type MadeTask } from "../../data/requests/request-store";
import { findTask } from "../../data/tasks/task-store";
import { taskIdOf } from "../../domain/ids";
import { isOverdue } from "../../domain/requests/decision";
import type { StandingRequest } from "../../domain/requests/request";
import { reservationEndsAtMs } from "../../domain/tasks/reservation";
import { hasEnded, type TaskStatus } from "../../domain/tasks/task";
import type { CallContext } from "../context";
import { ServiceError } from "../errors/errors";
import { requestRetired, retiredOf } from "./standing-request";

const DAY_MS = 86_400_000;

/** One thing that a request id made. */
export interface MadeThing {
  readonly kind: "task" | "agent" | "collection";
  readonly id: string;
}

/** What became of a request id. */
export interface KnownRequest extends Pick<
  StandingRequest,
  "requestId" | "door" | "firstSeenAtMs" | "lastSeenAtMs" | "replayCount" | "mismatchCount"
> {
  readonly status: TaskStatus;
  readonly made: readonly MadeThing[];
  /** When the record ends; null while that is open. */
  readonly expiresAtMs: number | null;
}

/**
 * What became of a request id, whatever door it came through.
 * @throws ServiceError `request-not-found`: nothing was accepted until now; `request-id-retired`.
 */
export async function getRequest(ctx: CallContext, givenId: string): Promise<KnownRequest> {
  const id = await idOfRequest(ctx, givenId);
  const { row, readAtMs } = await findRequestNow(ctx.db, ctx.namespaceId, id);
  if (row === undefined) throw requestNotFound(readAtMs);
  if (row.retiredAtMs !== null || isOverdue(row, readAtMs)) throw requestRetired(retiredOf(row));
  const { status, made, endedAtMs } = await stateOf(ctx, row);
  const { retentionDays } = ctx.limits;
  const isHeld = row.heldUntilMs !== null;
  const keptUntilMs = endedAtMs === null ? null : endedAtMs + retentionDays * DAY_MS;
  const expiresAtMs = status === "unbound" ? reservationEndsAtMs(row.firstSeenAtMs) : keptUntilMs;
  const { requestId, door, firstSeenAtMs, lastSeenAtMs, replayCount, mismatchCount } = row;
  const seen = { requestId, door, firstSeenAtMs, lastSeenAtMs, replayCount, mismatchCount };
  return { ...seen, status, made, expiresAtMs: isHeld ? row.heldUntilMs : expiresAtMs };
}

interface RequestState {
  readonly status: TaskStatus;
  readonly made: readonly MadeThing[];
  /** When all that it made had ended; null while something is open. */
  readonly endedAtMs: number | null;
}

async function stateOf(ctx: CallContext, row: StandingRequest): Promise<RequestState> {
  switch (row.door) {
    case "cancel":
      return { status: "canceled", made: [], endedAtMs: null };
    case "agent":
    case "collection":
      return { status: "complete", made: [{ kind: row.door, id: row.madeId ?? row.id }], endedAtMs: null };
    case "bulk": {
      const items = await findBulkItems(ctx.db, ctx.namespaceId, row.id);
      if (items.length > 0) return bulkState(items);
      // It only found what was there, and lives as long as that.
      const found = row.madeId === null ? undefined : await findTask(ctx.db, ctx.namespaceId, row.madeId);
      return { status: "complete", made: [], endedAtMs: found?.endedAtMs ?? null };
    }
    default: {
      const taskId = row.door === "invoke" ? (row.madeId ?? row.id) : row.id;
      const task = await findTask(ctx.db, ctx.namespaceId, taskId);
      // It was removed between the two reads.
      if (task === undefined) throw requestRetired(retiredOf(row));
      // An invoke that found the task open has opened no run of it.
      const hasMade = row.door !== "invoke" || row.madeRun !== null;
      const made = hasMade ? [{ kind: "task" as const, id: taskId }] : [];
      return { status: task.status, made, endedAtMs: task.endedAtMs };
    }
  }
}

/** A bulk is at work while one of its items is. */
function bulkState(items: readonly MadeTask[]): RequestState {
  const isOpen = items.some(({ status }) => status !== null && !hasEnded(status));
  const ends = items.map(({ endedAtMs }) => endedAtMs ?? 0);
  return {
    status: isOpen ? "created" : "complete",
    made: items.map(({ id }) => ({ kind: "task", id })),
    endedAtMs: isOpen ? null : Math.max(...ends),
  };
}

/** The id of the row of a request id. @throws ServiceError `request-not-found` for what cannot be one. */
export async function idOfRequest(ctx: CallContext, givenId: string): Promise<string> {
  const requestId = givenId.toLowerCase();
  if (!validate(requestId) || requestId === NIL) throw requestNotFound(ctx.clock.nowMs());
  return taskIdOf(ctx.namespaceId, requestId);
}

/** @param nowMs by the database's clock, of the read that found nothing: after the deadline of a call it is final. */
function requestNotFound(nowMs: number): ServiceError {
  const detail = "Nothing was accepted under this requestId until now. Sending the same request with it is safe.";
  return new ServiceError("not-found", "request-not-found", detail, {
    extensions: { as_of: new Date(nowMs).toISOString() },
  });
}
