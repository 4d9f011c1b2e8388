import type { Services } from "../../../services/context";
import type { ClaimDriver } from "./claim-driver";
import type { ClaimRecord, Moved } from "./claim-record";
import type { Claims } from "./claims";
import type { SeenCounts } from "./seen-counts";
import type { Waiters } from "./waiters";

export interface DeskParts {
  readonly services: Services;
  readonly claims: Claims;
  readonly driver: ClaimDriver;
  readonly seen: SeenCounts;
  readonly waiters: Waiters;
  /** Runs the change and arms the alarm anew, as one unit. */
  readonly change: (change: () => void) => void;
  /** Resolves when all that was written is durable. */
  readonly durable: () => Promise<void>;
  /** Arms the alarm anew; to be called inside of a change, or where nothing was changed but the counts. */
  readonly arm: () => void;
}

/** The record was handed over to another object while a call was under way: the call goes there. */
export class MovedAway extends Error {}

/** @throws MovedAway @throws RecordUnreadable */
export function findHere(claims: Claims, taskId: string): Exclude<ClaimRecord, Moved> | undefined {
  const record = claims.find(taskId);
  if (record?.state === "moved") throw new MovedAway();
  return record;
}
