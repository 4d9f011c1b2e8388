import { DurableObject } from "cloudflare:workers";
import { parseOwnJson } from "../domain/own-json";
import { mismatchPointers, type RequestMaterial, WHOLE_REQUEST } from "../domain/request";
import type { Services } from "../services/context";
import type { ClaimAnswer, ClaimRequest, RequestRecord } from "../services/ports";
import { lookAtTask, recordTask, ringForTask } from "../services/watch-task";
import { type Claim, Claims } from "./claims";
import { openServices } from "./context";
import { SeenCounts } from "./seen-counts";
import { within } from "../domain/time-limit";
import { nextTryMs } from "./backoff";
import { Waiters } from "./waiters";

/** Own time limits of the two steps outside, so that no caller waits for a database that hangs. */
const ROW_WITHIN_MS = 5_000;
const RING_WITHIN_MS = 3_000;
/** A claim is looked after by the alarm from then on, whatever became of the call that made it. */
const FIRST_DUE_MS = ROW_WITHIN_MS + RING_WITHIN_MS + 1_000;
/** The alarm is armed again so far ahead before it works: a fired alarm is used up. */
const REARM_MS = 60_000;
/** Never in the past, and far enough that a loop would be seen. */
const ALARM_SOONEST_MS = 50;
const DUE_CLAIMS_MAX = 100;

/** Who looks after a claim: only the alarm's own tries count for its back-off. */
type Driver = "call" | "alarm";

function triesAfter(claim: Claim, by: Driver): number {
  return claim.tries + (by === "alarm" ? 1 : 0);
}

/**
 * The object of a request id: makes a creation atomic, and sees to it that its task ends.
 *
 * Atomic: look-up and claim stand in one call without an await between, so no other call can come in; claim, outbox
 * and alarm are one `transactionSync`, and the output gate holds the answer until they are durable. Everything after
 * that is repeatable: the row is insert-or-find, a bell may ring twice. Calls do interleave at awaits; so each await is
 * followed by writes that name what they rely on (`ended = 0`), and one drive of a task at a time is shared by all.
 */
export class TaskRequestObject extends DurableObject<Env> {
  readonly #claims: Claims;
  readonly #services: Services;
  readonly #seen = new SeenCounts();
  readonly #waiters = new Waiters();
  readonly #driving = new Map<string, Promise<void>>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#claims = new Claims(ctx.storage);
    this.#services = openServices(env);
    // An alarm can be lost or used up. Whatever wakes the object arms it again while anything is due.
    this.#arm();
  }

  /** Look-up, else the verdict's refusal, else the claim; then the row and the bell. */
  async claim(request: ClaimRequest): Promise<ClaimAnswer> {
    const known = this.#claims.find(request.taskId);
    if (known === undefined) {
      const { verdict } = request;
      if (!verdict.ok) return { kind: "refused", error: verdict.error };
      const nowMs = this.#services.clock.nowMs();
      this.ctx.storage.transactionSync(() => {
        this.#claims.insert(request, verdict.value, { nowMs, dueAtMs: nowMs + FIRST_DUE_MS });
        this.#arm();
      });
    } else if (known.fingerprint !== request.fingerprint) {
      return this.#mismatch(known, request);
    }
    if (known?.rowDone !== true) await this.#drive(request.taskId, "call");
    return this.#answer(request);
  }

  #answer(request: ClaimRequest): ClaimAnswer {
    const claim = this.#claims.find(request.taskId);
    if (claim === undefined) throw new Error("A claim vanished while it was answered.");
    // The row turned out to hold another request while this call was under way.
    if (claim.fingerprint !== request.fingerprint) return this.#mismatch(claim, request);
    const first = claim.callId === request.callId;
    if (!first) this.#count(claim.taskId, { replays: 1, mismatches: 0 });
    return { kind: first ? "claimed" : "replayed", task: claim.task, rowStands: claim.rowDone };
  }

  #mismatch(claim: Claim, request: ClaimRequest): ClaimAnswer {
    this.#count(claim.taskId, { replays: 0, mismatches: 1 });
    const { taskId, firstSeenAtMs } = claim;
    const pointers =
      claim.material === ""
        ? [WHOLE_REQUEST]
        : mismatchPointers(
            parseOwnJson<RequestMaterial>(claim.material),
            parseOwnJson<RequestMaterial>(request.material),
          );
    return { kind: "mismatch", taskId, firstSeenAtMs, pointers };
  }

  record(taskId: string): RequestRecord | undefined {
    const record = this.#claims.record(taskId);
    return record && this.#seen.addTo(record);
  }

  /** Looks after the task now. @returns false when there is no claim. */
  async poke(taskId: string): Promise<boolean> {
    const claim = this.#claims.find(taskId);
    if (claim === undefined) return false;
    if (claim.ended) await this.#reopenIfOpen(taskId);
    await this.#attend(taskId, "call");
    return true;
  }

  /** D1 says what state a task is in: one that is open there, after a restore, is watched again. */
  async #reopenIfOpen(taskId: string): Promise<void> {
    const sight = await within(ROW_WITHIN_MS, lookAtTask(this.#services, taskId));
    if (sight.kind === "busy" || sight.kind === "still") this.#claims.reopen(taskId);
  }

  /** The task ended: who waits is woken, and the alarm sleeps. */
  ended(taskId: string): void {
    this.#markEnded(taskId);
  }

  async waitForEnd(taskId: string, timeoutMs: number): Promise<void> {
    const claim = this.#claims.find(taskId);
    if (claim !== undefined && !claim.ended) await this.#waiters.wait(taskId, timeoutMs);
  }

  /** Answers when the object can be reached; touches nothing. */
  ping(): boolean {
    return true;
  }

  override async alarm(): Promise<void> {
    const nowMs = this.#services.clock.nowMs();
    const due = this.#claims.listDue(nowMs, DUE_CLAIMS_MAX);
    // Before the work, because the alarm that fired is used up; and in the table, so that neither a crash in the work
    // nor a call that arms meanwhile makes the same claims due at once.
    this.ctx.storage.transactionSync(() => {
      for (const taskId of due) this.#claims.setDue(taskId, nowMs + REARM_MS);
      this.#arm();
    });
    await Promise.all(due.map((taskId) => this.#attend(taskId, "alarm")));
    this.ctx.storage.transactionSync(() => {
      this.#seen.flush((taskId, seen) => this.#claims.addSeen(taskId, seen));
      this.#arm();
    });
  }

  /** One drive of a task at a time; who comes meanwhile waits for the same. Never throws. */
  #drive(taskId: string, by: Driver): Promise<void> {
    const running = this.#driving.get(taskId);
    if (running !== undefined) return running;
    const drive = this.#driveOutbox(taskId, by).finally(() => this.#driving.delete(taskId));
    this.#driving.set(taskId, drive);
    return drive;
  }

  /** The row, then the bell; each is tried though the other failed. Marked in one write: both may be done again. */
  async #driveOutbox(taskId: string, by: Driver): Promise<void> {
    const claim = this.#claims.find(taskId);
    if (claim === undefined || claim.ended) return;
    const rowDone = claim.rowDone || (await this.#try("row-not-written", taskId, () => this.#writeRow(claim)));
    const bellDone =
      claim.bellDone ||
      (await this.#try("bell-not-rung", taskId, () => within(RING_WITHIN_MS, ringForTask(this.#services, taskId))));
    const done = rowDone && bellDone;
    this.#mark(claim, { rowDone, bellDone, tries: done ? 0 : triesAfter(claim, by), by: done ? "alarm" : by });
  }

  #mark(
    claim: Claim,
    state: { readonly rowDone: boolean; readonly bellDone: boolean; readonly tries: number; readonly by: Driver },
  ): void {
    const nextMs = this.#services.clock.nowMs() + nextTryMs(state.tries, this.#services.limits.leaseSeconds);
    // However often clients call, the alarm comes when it would have come.
    const dueAtMs = state.by === "alarm" ? nextMs : Math.min(claim.dueAtMs ?? nextMs, nextMs);
    this.ctx.storage.transactionSync(() => {
      this.#claims.mark(claim.taskId, { ...state, dueAtMs });
      this.#arm();
    });
  }

  async #writeRow(claim: Claim): Promise<void> {
    const row = await within(ROW_WITHIN_MS, recordTask(this.#services, claim.task));
    const same = row.fingerprint === claim.fingerprint;
    if (same && row.createdAtMs === claim.task.createdAtMs) return;
    this.#services.log("error", "row-older-than-claim", { task_id: claim.taskId, same });
    this.#claims.adopt(claim.taskId, row);
  }

  async #try(event: string, taskId: string, step: () => Promise<void>): Promise<boolean> {
    try {
      await step();
      return true;
    } catch (error) {
      this.#services.log("warn", event, { task_id: taskId, error: String(error) });
      return false;
    }
  }

  /** What the alarm does for one claim: finishes its outbox, else looks at its task. Never throws. */
  async #attend(taskId: string, by: Driver): Promise<void> {
    try {
      const claim = this.#claims.find(taskId);
      if (claim === undefined || claim.ended) return;
      if (claim.rowDone && claim.bellDone) await this.#watch(claim, by);
      else await this.#drive(taskId, by);
    } catch (error) {
      // The alarm moved the claim ahead before it came here, so it comes again.
      this.#services.log("error", "attend-failed", { task_id: taskId, error: String(error) });
    }
  }

  async #watch(claim: Claim, by: Driver): Promise<void> {
    const { taskId } = claim;
    const sight = await within(ROW_WITHIN_MS, lookAtTask(this.#services, taskId));
    const watched = { rowDone: true, bellDone: true, by };
    switch (sight.kind) {
      case "ended":
        return this.#markEnded(taskId);
      case "busy":
        return this.#mark(claim, { ...watched, tries: 0 });
      case "still":
        // Due again before the ring: a crash in it must not end the watch.
        this.#mark(claim, { ...watched, tries: triesAfter(claim, by) });
        return within(RING_WITHIN_MS, ringForTask(this.#services, taskId, sight.waiting));
      case "missing":
        this.#mark(claim, { rowDone: false, bellDone: false, tries: claim.tries, by });
        return this.#drive(taskId, by);
    }
  }

  #markEnded(taskId: string): void {
    if (this.#claims.find(taskId) === undefined) return;
    this.ctx.storage.transactionSync(() => {
      this.#claims.markEnded(taskId);
      this.#arm();
    });
    this.#waiters.wake(taskId);
  }

  #count(taskId: string, more: { readonly replays: number; readonly mismatches: number }): void {
    const first = this.#seen.dueAtMs() === null;
    this.#seen.add(taskId, { ...more, lastSeenAtMs: this.#services.clock.nowMs() });
    // One write for all counts of the next minute; the others cost none.
    if (first) this.#arm();
  }

  /** Arms the alarm for the earliest of what is due, read from the tables now; nobody sleeps on an older read. */
  #arm(): void {
    if (!this.#claims.exist) return;
    const nowMs = this.#services.clock.nowMs();
    const due = [this.#claims.nextDueAtMs(), this.#seen.dueAtMs()].filter((time) => time !== null);
    if (due.length === 0) void this.ctx.storage.deleteAlarm();
    else void this.ctx.storage.setAlarm(Math.max(Math.min(...due), nowMs + ALARM_SOONEST_MS));
  }
}
