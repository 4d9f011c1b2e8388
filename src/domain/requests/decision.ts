import { RESERVATION_MS } from "../tasks/reservation";
import type { StandingRequest } from "./request";

/** What it takes to tell a call from another under the same request id. */
export interface ClaimingCall {
  /** `task`: any door that gives a request id its content at once. */
  readonly door: "task" | "reservation" | "fill";
  readonly namespaceId: string;
  readonly fingerprint: string;
  readonly callId: string;
}

/**
 * What the row of a request says of a call. `open`: nothing has come that decides, though a cancel may have. `unknown`: a
 * reservation to fill that there is not.
 */
export type Decision = "open" | "unknown" | "mine" | "replay" | "mismatch" | "retired";

/**
 * The one place where a call is compared with the row that stands: whatever else is wrong with the call, the row decides.
 * @param nowMs by the clock of the database, from the same read as the row.
 */
export function decisionOf(row: StandingRequest | undefined, call: ClaimingCall, nowMs: number): Decision {
  // The id of a fill is the caller's: of another namespace it is told nothing.
  if (row === undefined || row.namespaceId !== call.namespaceId) return call.door === "fill" ? "unknown" : "open";
  if (row.retiredAtMs !== null || isOverdue(row, nowMs)) return "retired";
  const first = call.door === "reservation" ? row.reservedFingerprint : row.fingerprint;
  if (first === null) return withoutContent(row, call);
  if (first !== call.fingerprint) return "mismatch";
  return row.callId === call.callId ? "mine" : "replay";
}

function withoutContent(row: StandingRequest, { door }: ClaimingCall): Decision {
  if (row.door === "cancel") return door === "fill" ? "unknown" : "open";
  return door === "fill" ? "open" : "mismatch";
}

/** True for a reservation whose time is over, though the sweeper has not come by: its age tells. */
export function isOverdue(row: StandingRequest, nowMs: number): boolean {
  const isUnfilled = row.reservedFingerprint !== null && row.fingerprint === null;
  return isUnfilled && row.firstSeenAtMs + RESERVATION_MS <= nowMs;
}

/** True where a cancel came before anything else. */
export function isBarred(row: StandingRequest | undefined): boolean {
  return row?.door === "cancel" && row.retiredAtMs === null;
}
