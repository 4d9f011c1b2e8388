import { errorText } from "../../domain/basics/error-text";
import * as parts from "../../data/parts/part-store";
import { findTaskToRun, type FoundTask } from "../../data/tasks/task-store";
import { hasEnded } from "../../domain/tasks/task";
import type { TaskCommand } from "../../domain/tasks/operations";
import { ServiceError } from "../errors/errors";
import { LeaseLost, PartLease } from "../parts/part-lease";
import { workOf } from "../operations/table";
import { type PartRun, type RunServices, TaskFault, type Turn } from "../parts/part-work";
import { announceEnd } from "../tasks/announce-end";
import { tellWatchers } from "../tasks/notify-watchers";

/** A task with work to do. */
type RunnableTask = FoundTask & { readonly command: TaskCommand };

/** What becomes of a bell: it is done with, or is to be rung again later. */
export type BellVerdict = { readonly kind: "done" } | { readonly kind: "again"; readonly delaySeconds: number };

const DONE: BellVerdict = { kind: "done" };
/**
 * After its deadline a part begins one memory at most; what is left are calls in flight, each with a repair, behind the
 * other parts of the invocation that wait for the same slots. Well below the 15 minutes of a queue invocation.
 */
const AFTER_DEADLINE_MS = 600_000;
/** A bell that waited for so much of a turn is late. */
const LATE_TURNS = 0.5;
const RETRY_DELAY_SECONDS = 2;
const RETRY_DELAY_GROWTH = 4;
const RETRY_DELAY_SECONDS_MAX = 600;

/**
 * Answers a bell of a task: plans it if nobody has, else works on one part. A bell says nothing but "look": losing or
 * doubling it changes nothing, because parts are taken by compare-and-set and each part that ends rings for the next.
 * @param waitedMs how long it waited to be heard.
 */
export async function answerBell(services: RunServices, taskId: string, waitedMs = 0): Promise<BellVerdict> {
  const task = await findTaskToRun(services.db, taskId);
  // Bells are rung after the row stands: without one there is nothing to do.
  if (task === undefined) return DONE;
  if (hasEnded(task.status)) {
    await announceEnd(services, { ...task, hasWebhook: task.webhook !== null });
    return DONE;
  }
  const { command } = task;
  // A reserved id has no work: the sweeper ends it in time.
  if (command === null) return DONE;
  if (task.status === "created") await plan(services, { ...task, command });
  await takeTurn(services, { ...task, command }, waitedMs);
  return DONE;
}

async function plan(services: RunServices, task: RunnableTask): Promise<void> {
  const { id: taskId, namespaceId, command } = task;
  const planned = { namespaceId, taskId, ringMs: ringMsOf(services) };
  const atOnce = await workOf(command.operation).plan(services, planned, command);
  // This call works on one part itself; the others are for whoever hears the bells.
  if (atOnce > 1) await services.bells.ring(taskId, { times: atOnce - 1, delaySeconds: 0 });
}

/**
 * Works on parts of the task until the turn's time is up, one after the other, and the next already while the last calls
 * of the one before are in flight. After that its other tasks, and other bells, have their turn.
 */
async function takeTurn(services: RunServices, task: RunnableTask, waitedMs: number): Promise<void> {
  const turnMs = services.limits.partSeconds * 1_000;
  const deadlineMs = services.clock.nowMs() + turnMs;
  const isLate = waitedMs > turnMs * LATE_TURNS;
  const turn: Turn = { deadlineMs, begun: 0, answered: 0, isOver: false, delaySeconds: 0, restUntilMs: 0, isLate };
  const faults: unknown[] = [];
  const atWork = new Set<Promise<void>>();
  let leased = 0;
  do {
    const lease = await takeLease(services, task).catch((error: unknown) => void faults.push(error));
    // The plan, or the claim, may have changed its status.
    if (leased === 0) void tellWatchers(services, task.id, task.watchedUntilMs);
    if (lease === undefined) {
      if (atWork.size === 0) break;
      // As many parts as may be are at work: one that ends makes room.
      await Promise.race(atWork);
      continue;
    }
    leased += 1;
    await new Promise<void>((readAhead) => {
      const work = workOnPart(services, task, { command: task.command, lease, turn, readAhead })
        .catch((error: unknown) => void faults.push(error))
        .finally(() => {
          atWork.delete(work);
          readAhead();
        });
      atWork.add(work);
    });
  } while (faults.length === 0 && !turn.isOver && services.clock.nowMs() < deadlineMs);
  await Promise.all(atWork);
  if (faults.length > 0) throw faults[0];
  if (leased === 0) return findNothing(services, task);
  await endTurn(services, task.id, turn);
}

/** The last part may have used up its attempts, or the end of the task may not have been told. */
async function findNothing(services: RunServices, task: RunnableTask): Promise<void> {
  await parts.failIfExhausted(services.db, task);
  await noticeEnd(services, task.id);
}

async function workOnPart(services: RunServices, task: RunnableTask, run: PartRun): Promise<void> {
  const { lease, turn } = run;
  lease.start(services.limits.partSeconds * 1_000 + AFTER_DEADLINE_MS);
  try {
    const outcome = await workOf(task.command.operation).work(services, run);
    if (outcome === "finished") return await settle(services, lease);
    turn.isOver = true;
    const isUntouched = outcome === "untouched";
    const restMs = restMsOf(services, turn);
    const given = { restMs, isUntouched, ringMs: ringMsOf(services) };
    await parts.yieldPart(services.db, lease.part, given);
  } catch (error) {
    await giveBack(services, task, run, error);
  } finally {
    lease.stop();
  }
}

/** Rings for what is left: at once where something got through, else after a wait. */
async function endTurn(services: RunServices, taskId: string, turn: Turn): Promise<void> {
  const restSeconds = Math.ceil(restMsOf(services, turn) / 1_000);
  const failed = turn.delaySeconds > 0;
  const goesOn = failed && turn.answered > 0 && restSeconds === 0;
  if (goesOn) await services.bells.ring(taskId, { times: 1, delaySeconds: turn.delaySeconds });
  const delaySeconds = goesOn ? 0 : Math.max(turn.delaySeconds, restSeconds);
  // It only reads and rings: done twice, it changes nothing.
  const goOnNow = () => goOn(services, taskId, { delaySeconds, isLate: turn.isLate });
  await goOnNow().catch(goOnNow);
}

/** Announces an end that somebody else brought about, or whose telling was lost. */
async function noticeEnd(services: RunServices, taskId: string): Promise<void> {
  const pulse = await parts.findPulse(services.db, taskId);
  if (pulse !== undefined && hasEnded(pulse.status))
    await announceEnd(services, { ...pulse, id: taskId, hasWebhook: pulse.hasWebhook === 1 });
}

/** @throws what the claim threw, when it is not certain that it took nothing: the bell is then kept. */
async function takeLease(services: RunServices, task: RunnableTask): Promise<PartLease | undefined> {
  const { leaseSeconds, parallelParts } = services.limits;
  const token = crypto.randomUUID();
  const { id: taskId, namespaceId } = task;
  const leaseMs = leaseSeconds * 1_000;
  const standsUntilMs = services.clock.nowMs() + leaseMs;
  const claim = { namespaceId, taskId, token, leaseMs, ringMs: ringMsOf(services), parallelMax: parallelParts };
  const claimed = await parts.claimPart(services.db, claim).catch(async (error: unknown) => {
    // The answer of a write may be lost though it was made: then the token stands in the row.
    const held = await parts.findPartOfToken(services.db, claim);
    if (held === undefined) throw error;
    return held;
  });
  if (claimed === undefined) return undefined;
  return new PartLease(services, { namespaceId, taskId, token, part: claimed.part }, claimed, standsUntilMs);
}

async function settle(services: RunServices, lease: PartLease): Promise<void> {
  const settlePart = () => parts.settlePart(services.db, lease.part, ringMsOf(services));
  // A settle is repeatable: the second finds the part done and changes nothing.
  const { settled } = await settlePart().catch(settlePart);
  // An item that could not be written is still open: the part goes back as it stands.
  const given = { restMs: 0, isUntouched: false, ringMs: ringMsOf(services) };
  if (!settled) await parts.yieldPart(services.db, lease.part, given);
}

/**
 * Goes on with whatever is open: rings for as many parts as may be worked on besides those that are, so that parallelism
 * lost with a bell comes back. A surplus bell finds no free part and dies; lost ones are rung by the object's alarm. Where
 * bells wait long, those that were rung are not at work yet: then each turn rings for itself alone, or there would be more
 * bells after each.
 */
async function goOn(
  services: RunServices,
  taskId: string,
  { delaySeconds, isLate }: Pick<Turn, "delaySeconds" | "isLate">,
): Promise<void> {
  const pulse = await parts.findPulse(services.db, taskId);
  if (pulse === undefined) return;
  if (hasEnded(pulse.status))
    return announceEnd(services, { ...pulse, id: taskId, hasWebhook: pulse.hasWebhook === 1 });
  const told = tellWatchers(services, taskId, pulse.watchedUntilMs);
  const times = Math.min(pulse.waiting, services.limits.parallelParts - pulse.working, isLate ? 1 : Infinity);
  if (times > 0) await services.bells.ring(taskId, { times, delaySeconds });
  await told;
}

async function giveBack(services: RunServices, task: RunnableTask, run: PartRun, error: unknown): Promise<void> {
  const { lease, turn } = run;
  turn.isOver = true;
  if (error instanceof LeaseLost) return;
  if (error instanceof TaskFault) {
    await parts.failTask(services.db, task, { code: error.value.code, detail: error.message });
    return;
  }
  services.log("warn", "part-failed", { task_id: task.id, part: lease.part.part, error: errorText(error) });
  const delaySeconds = Math.max(backOffSeconds(lease.attempts), askedSeconds(error));
  turn.delaySeconds = Math.max(turn.delaySeconds, delaySeconds);
  const failure = { restMs: delaySeconds * 1_000, error: publicText(error), ringMs: ringMsOf(services) };
  await parts.retryPart(services.db, lease.part, failure);
  await parts.failIfExhausted(services.db, task);
}

function ringMsOf({ limits }: RunServices): number {
  return limits.ringSeconds * 1_000;
}

/** How long the model is to be left alone still. */
function restMsOf({ clock }: RunServices, { restUntilMs }: Turn): number {
  return Math.max(0, restUntilMs - clock.nowMs());
}

/** 2 s, 8 s, 32 s, 2 min, 9 min, then 10 min: the attempts outlast a model that is away for half an hour. */
function backOffSeconds(attempts: number): number {
  return Math.min(RETRY_DELAY_SECONDS * RETRY_DELAY_GROWTH ** Math.max(0, attempts - 1), RETRY_DELAY_SECONDS_MAX);
}

/** How long whoever is unavailable wants to be left alone; its provider has bounded it. */
function askedSeconds(error: unknown): number {
  return error instanceof ServiceError ? (error.value.retryAfterSeconds ?? 0) : 0;
}

/** What a client may read of a failure: our own words, never those of the platform. */
function publicText(error: unknown): string {
  return error instanceof ServiceError ? error.message : "An internal error; the service's log has it.";
}
