import type { LimitFunction } from "p-limit";
import type { Commands, Operation } from "../../domain/tasks/operations";
import type { Services } from "../context";
import { REFERENCE_GONE } from "../../domain/tasks/task";
import { ServiceError } from "../errors/errors";
import type { LeaseKeeper } from "./lease-keeper";
import type { ModelCalls } from "../model/call-slots";
import type { PartLease } from "./part-lease";

/** One invocation of a consumer: its services, and the slots that all its parts share. */
export interface RunServices extends Services {
  readonly modelCalls: ModelCalls;
  /** For steps of work that goes by a cursor: each holds some megabytes of memories. */
  readonly stepSlot: LimitFunction;
  /** For recalls: one after the other, so that the first part has its calls open while the next is reckoned about. */
  readonly recallSlot: LimitFunction;
  /** Looks after the leases of all its parts. */
  readonly leases: LeaseKeeper;
}

/** The time that one bell has for a task, over all parts that it works on. */
export interface Turn {
  /** After this time no further memory is begun, if one was. */
  readonly deadlineMs: number;
  /** Memories that were begun, and those that the model answered. */
  begun: number;
  answered: number;
  /** Set when no further part is to be taken in this turn. */
  isOver: boolean;
  /** How long the next turn is to wait after a failure. */
  delaySeconds: number;
  /** The model is to be left alone so long. */
  restUntilMs: number;
  /** Its bell waited long before it was heard: others of its task may wait too. */
  readonly isLate: boolean;
}

export interface PartRun<O extends Operation = Operation> {
  readonly command: Commands[O];
  readonly lease: PartLease;
  readonly turn: Turn;
  /** To be called when so little of the part is left to begin that the next part may be read. */
  readonly readAhead: () => void;
}

/** What became of a part in a turn: it is done, or goes on in a later one. Of an untouched one nothing was begun. */
export type TurnOutcome = "finished" | "yielded" | "untouched";

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
