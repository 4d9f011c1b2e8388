import * as parts from "../data/task-part-store";
import { planTask } from "../data/task-plan-store";
import { findTaskToRun, type RunnableTask } from "../data/task-store";
import { hasEnded } from "../domain/task";
import { ServiceError } from "./errors";
import { LeaseLost, PartLease } from "./part-lease";
import { MODEL_CALL_SECONDS } from "./re-voice-memory";
import { reVoicePart, type RunServices } from "./re-voicing";

/** What becomes of a bell: it is done with, or is to be rung again later. */
export type BellVerdict = { readonly kind: "done" } | { readonly kind: "again"; readonly delaySeconds: number };

const DONE: BellVerdict = { kind: "done" };
const ROWLESS_DELAY_SECONDS = 5;
/** After its deadline a part begins nothing: what is left are calls in flight, each with a repair, and the writes. */
const AFTER_DEADLINE_MS = 2 * MODEL_CALL_SECONDS * 1_000 + 60_000;
const RETRY_DELAY_SECONDS = 2;
const RETRY_DELAY_SECONDS_MAX = 600;

/**
 * Answers a bell of a task: plans it if nobody has, else works on one part. A bell says nothing but "look": losing or
 * doubling it changes nothing, because parts are taken by compare-and-set and each part that ends rings for the next.
 */
export async function answerBell(services: RunServices, taskId: string): Promise<BellVerdict> {
  const task = await findTaskToRun(services.db, taskId);
  if (task === undefined) return rowless(services, taskId);
  if (hasEnded(task.status)) return DONE;
  if (task.status === "created") await plan(services, task);
  await workOnPart(services, task);
  return DONE;
}

/** The object may hold a claim whose row is not written yet. It is woken, and the bell kept until it has decided. */
async function rowless(services: RunServices, taskId: string): Promise<BellVerdict> {
  const claimed = await services.requests.poke(taskId);
  return claimed ? { kind: "again", delaySeconds: ROWLESS_DELAY_SECONDS } : DONE;
}

async function plan(services: RunServices, task: RunnableTask): Promise<void> {
  const { id: taskId, namespaceId, command } = task;
  const planned = await planTask(services.db, { namespaceId, taskId, command, nowMs: services.clock.nowMs() });
  // This call works on one part itself; the others are for whoever hears the bells.
  if (planned) await services.bells.ring(taskId, { times: services.limits.parallelParts - 1, delaySeconds: 0 });
}

async function workOnPart(services: RunServices, task: RunnableTask): Promise<void> {
  const lease = await takeLease(services, task);
  if (lease === undefined) {
    if (await parts.failIfExhausted(services.db, task, services.clock.nowMs())) await services.requests.ended(task.id);
    return;
  }
  const partMs = services.limits.partSeconds * 1_000;
  lease.start(partMs + AFTER_DEADLINE_MS);
  try {
    const deadlineMs = services.clock.nowMs() + partMs;
    const outcome = await reVoicePart(services, { command: task.command, lease, deadlineMs });
    if (outcome === "finished") await settle(services, lease);
    else await parts.yieldPart(services.db, lease.part, services.clock.nowMs());
    await ringForMore(services, task.id, 0);
  } catch (error) {
    await giveBack(services, task, lease, error);
  } finally {
    lease.stop();
  }
}

async function takeLease(services: RunServices, task: RunnableTask): Promise<PartLease | undefined> {
  const { leaseSeconds, parallelParts } = services.limits;
  const token = crypto.randomUUID();
  const { id: taskId, namespaceId } = task;
  const nowMs = services.clock.nowMs();
  const claim = { namespaceId, taskId, token, nowMs, leaseMs: leaseSeconds * 1_000, parallelMax: parallelParts };
  // The answer of a write may be lost though it was made: then the token stands in the row.
  const claimed = await parts.claimPart(services.db, claim).catch(() => parts.findPartOfToken(services.db, claim));
  if (claimed === undefined) return undefined;
  return new PartLease(services, { namespaceId, taskId, token, part: claimed.part }, claimed.attempts);
}

async function settle(services: RunServices, lease: PartLease): Promise<void> {
  const settlePart = () => parts.settlePart(services.db, lease.part, services.clock.nowMs());
  // A settle is repeatable: the second finds the part done and changes nothing.
  await settlePart().catch(settlePart);
}

/** Goes on with whatever is open. A ring that is lost is rung again by the object's alarm. */
async function ringForMore(services: RunServices, taskId: string, delaySeconds: number): Promise<void> {
  const pulse = await parts.findPulse(services.db, taskId, services.clock.nowMs());
  if (pulse === undefined) return;
  if (hasEnded(pulse.status)) await services.requests.ended(taskId);
  else if (pulse.waiting > 0) await services.bells.ring(taskId, { times: 1, delaySeconds });
}

async function giveBack(services: RunServices, task: RunnableTask, lease: PartLease, error: unknown): Promise<void> {
  const nowMs = services.clock.nowMs();
  if (error instanceof LeaseLost) return ringForMore(services, task.id, 0);
  if (error instanceof ServiceError && error.value.code === "reference-gone") {
    await parts.failTask(services.db, task, { code: error.value.code, detail: error.message }, nowMs);
    return ringForMore(services, task.id, 0);
  }
  services.log("warn", "part-failed", { task_id: task.id, part: lease.part.part, error: String(error) });
  const delaySeconds = backOffSeconds(lease.attempts);
  const notBeforeMs = nowMs + delaySeconds * 1_000;
  await parts.retryPart(services.db, lease.part, { nowMs, notBeforeMs, error: publicText(error) });
  await parts.failIfExhausted(services.db, task, nowMs);
  await ringForMore(services, task.id, delaySeconds);
}

/** Doubles with each vain attempt, from 2 s to 10 min. */
function backOffSeconds(attempts: number): number {
  return Math.min(RETRY_DELAY_SECONDS * 2 ** Math.max(0, attempts - 1), RETRY_DELAY_SECONDS_MAX);
}

/** What a client may read of a failure: our own words, never those of the platform. */
function publicText(error: unknown): string {
  return error instanceof ServiceError ? error.message : "An internal error; the service's log has it.";
}
