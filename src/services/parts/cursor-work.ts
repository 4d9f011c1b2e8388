import { errorText } from "../../domain/basics/error-text";
import type { CursorOperation, TaskCursor } from "../../domain/tasks/operations";
import { type CursorStep, loadCursor, type StepOutcome, writeStep } from "../../data/parts/cursor-store";
import type { Services } from "../context";
import { othersTurn } from "../basics/next-event-loop-turn";
import { LeaseLost, type PartLease } from "./part-lease";
import { type PartRun, referenceGone, type RunServices, type TaskFault, type TurnOutcome } from "./part-work";
import { tellWatchers } from "../tasks/notify-watchers";

/** A bounded piece of work that goes by a cursor: made in memory, and then written with its cursor at once. */
export interface Step<O extends CursorOperation> {
  readonly at: TaskCursor<O>["at"];
  readonly result: TaskCursor<O>["result"];
  /** How much is done, and has failed, after this step and all before it. */
  readonly done: number;
  readonly failed: number;
  /** The total of the task, where this step found it out. */
  readonly total?: number;
  /** Writes more than the cursor: in the transaction of the cursor, under its lease, and repeatable. */
  readonly write?: (step: CursorStep) => Promise<StepOutcome>;
  /** No step is left after this one. */
  readonly last: boolean;
  /** What ends the task once the step is written. */
  readonly fault?: TaskFault;
}

/**
 * Works on a part that goes by a cursor, step by step, until nothing is left or its time is up; one step at least, so
 * that a turn is always progress. After a crash in any place the next turn begins where the last written step ended.
 * @param take makes the step that follows a cursor.
 * @throws TaskFault; LeaseLost; or what the database or a store threw. Steps that were written stay.
 */
export async function workByCursor<O extends CursorOperation>(
  services: RunServices,
  run: PartRun<O>,
  take: (cursor: TaskCursor<O>) => Promise<Step<O>>,
): Promise<TurnOutcome> {
  const loaded = await loadCursor<O>(services.db, run.lease.part, run.command.collectionId);
  if (loaded === undefined) throw new LeaseLost();
  if (!loaded.collectionStands) throw referenceGone();
  let { cursor } = loaded;
  do {
    const step = await services.stepSlot(async () => {
      const taken = await take(cursor);
      cursor = await write(services, run.lease, cursor.step + 1, taken);
      return taken;
    });
    if (step.fault !== undefined) throw step.fault;
    if (step.last) return "finished";
    await othersTurn();
  } while (services.clock.nowMs() < run.turn.deadlineMs);
  return "yielded";
}

/** @returns the cursor as it stands then. @throws as above. */
function write<O extends CursorOperation>(
  services: Services,
  lease: PartLease,
  step: number,
  { at, result, done, failed, total, write }: Step<O>,
): Promise<TaskCursor<O>> {
  if (lease.lost) throw lease.signal.reason;
  const written: CursorStep = {
    lease: lease.part,
    cursor: { step, at, result },
    done,
    failed,
    total: total ?? null,
    leaseMs: services.limits.leaseSeconds * 1_000,
  };
  return writeTwice<O>(services, written, write ?? ((each) => writeStep(services.db, each)));
}

/** A write error is ambiguous, and a step repeatable: so it is repeated once before the part is given back. */
async function writeTwice<O extends CursorOperation>(
  services: Services,
  step: CursorStep,
  write: (step: CursorStep) => Promise<StepOutcome>,
): Promise<TaskCursor<O>> {
  const outcome = await write(step).catch((error: unknown) => {
    services.log("warn", "checkpoint-repeated", { task_id: step.lease.taskId, error: errorText(error) });
    return write(step);
  });
  if (outcome.kind === "lost") throw new LeaseLost();
  // Somebody else changed what the step stands on; the next turn sees it as it is then.
  if (outcome.kind === "refused") throw new Error("A step was refused by its condition.");
  // The work does not wait for it: at the end of the turn they are told once more.
  void tellWatchers(services, step.lease.taskId, outcome.watchedUntilMs);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the cursor that this step wrote
  return outcome.cursor as TaskCursor<O>;
}
