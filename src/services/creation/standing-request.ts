import { findRequestsAsSent } from "../../data/requests/request-store";
import type { Database } from "../../data/database/database";
import { parseOwnJson } from "../../domain/basics/own-json";
import {
  mismatchPointers,
  type RequestMaterial,
  type StandingRequest,
  WHOLE_REQUEST,
} from "../../domain/requests/request";
import { reservationEndsAtMs } from "../../domain/tasks/reservation";
import { ServiceError } from "../errors/errors";
import type { Mismatch, Retired } from "../ports/task-requests";

/** What stands under a request id, by its wire name. */
export function madeBy({ door, id, madeId }: StandingRequest): Readonly<Record<string, string>> {
  if (door === "task" || door === "reservation") return { task_id: id };
  if (madeId === null || door === "bulk" || door === "cancel") return {};
  return { [door === "invoke" ? "task_id" : `${door}_id`]: madeId };
}

/** What a tombstone says; a reservation that nobody has filled in time was canceled. */
export function retiredOf(row: StandingRequest): Omit<Retired, "isOfBulk"> {
  const isTask = row.door === "task" || row.door === "reservation";
  const isOverdue = row.door === "reservation" && row.retiredAtMs === null;
  if (isOverdue) return { id: row.id, status: "canceled", endedAtMs: reservationEndsAtMs(row.firstSeenAtMs) };
  return { id: isTask ? row.id : (row.madeId ?? row.id), status: row.status, endedAtMs: row.endedAtMs };
}

/** What was asked under request ids, as canonical JSON; none where that is not kept any more. */
export async function readMaterials(db: Database, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = await findRequestsAsSent(db, ids);
  return new Map([...found].flatMap(([id, material]) => (material === null ? [] : [[id, material] as const])));
}

/** Where a call differs from the request that stands: as a whole, where that is not at hand. */
export function mismatchOf(
  row: StandingRequest,
  first: string | undefined,
  second: string,
): Omit<Mismatch, "isOfBulk"> {
  const pointers =
    first === undefined
      ? [WHOLE_REQUEST]
      : mismatchPointers(parseOwnJson<RequestMaterial>(first), parseOwnJson<RequestMaterial>(second));
  return { made: madeBy(row), firstSeenAtMs: row.firstSeenAtMs, pointers };
}

/** The 422 of a request id that was used for another request. */
export function requestReused({ made, firstSeenAtMs, pointers }: Omit<Mismatch, "isOfBulk">): ServiceError {
  const detail =
    "This requestId was used for another request, and what that made is untouched. Use a new requestId for a new request.";
  return new ServiceError("mismatch", "request-id-reused", detail, {
    faults: pointers.map((pointer) => ({ pointer, detail: "Differs from the first request." })),
    extensions: { ...made, first_seen_at: new Date(firstSeenAtMs).toISOString(), mismatch: pointers },
  });
}

/** The 410 of a request id whose task was removed, with its outcome. */
export function requestRetired({ id, status, endedAtMs }: Omit<Retired, "isOfBulk">): ServiceError {
  const detail = "What this requestId made was removed. The id will not run again; use a new one for a new request.";
  const [noun = "task"] = id.split("_");
  const ended = endedAtMs === null ? null : new Date(endedAtMs).toISOString();
  const outcome = status === null ? {} : { task_status: status, ended_at: ended };
  return new ServiceError("gone", "request-id-retired", detail, { extensions: { [`${noun}_id`]: id, ...outcome } });
}

/** The 409 of a request id that was canceled before anything came, at a door that then makes nothing. */
export function requestCanceled(): ServiceError {
  const detail = "This requestId was canceled before this call came, so nothing was done. Use a new one.";
  return new ServiceError("conflict", "request-canceled", detail);
}
