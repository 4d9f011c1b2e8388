import type { LimitFunction } from "p-limit";
import type { Commands, Operation } from "../domain/task-commands";
import type { Services } from "./context";
import { REFERENCE_GONE } from "../domain/task";
import { ServiceError } from "./errors";
import type { LeaseKeeper } from "./lease-keeper";
import type { PartLease } from "./part-lease";

/** One invocation of a consumer: its services, and the slots that all its parts share. */
export interface RunServices extends Services {
  /** For calls of the model. */
  readonly modelSlot: LimitFunction;
  /** For steps of work that goes by a cursor: each holds some megabytes of memories. */
  readonly stepSlot: LimitFunction;
  /** Looks after the leases of all its parts. */
  readonly leases: LeaseKeeper;
}

export interface PartRun<O extends Operation = Operation> {
  readonly command: Commands[O];
  readonly lease: PartLease;
  /** After this time no further memory is begun. */
  readonly deadlineMs: number;
}

/** What became of a turn: the part is done, or it goes on in a later turn. */
export type TurnOutcome = "finished" | "yielded";

/** Work that can never succeed, however often it is tried: its task ends as `error`, with this code. */
export class TaskFault extends ServiceError {
  constructor(code: string, detail: string) {
    super("gone", code, detail);
    this.name = "TaskFault";
  }
}

export function referenceGone(): TaskFault {
  return new TaskFault(REFERENCE_GONE.code, REFERENCE_GONE.detail);
}
