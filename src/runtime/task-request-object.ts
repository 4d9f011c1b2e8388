import { DurableObject } from "cloudflare:workers";
import type { TaskHead } from "../domain/task";
import { mismatchPointers, type RequestMaterial, WHOLE_REQUEST } from "../domain/request";
import { parseOwnJson } from "../domain/own-json";
import { within } from "../domain/time-limit";
import type { Services } from "../services/context";
import type { ClaimAnswer, ClaimRequest, InvokeAnswer, InvokeRequest, RequestRecord } from "../services/ports";
import { lookAtTask, openRun, ringForTask } from "../services/watch-task";
import { ClaimDriver, DAY_MS, RING_WITHIN_MS, ROW_WITHIN_MS } from "./claim-driver";
import type { Claim, Tombstone } from "./claim-record";
import { Claims } from "./claims";
import { openServices } from "./context";
import { SeenCounts } from "./seen-counts";
import { Waiters } from "./waiters";

/** A claim is looked after by the alarm from then on, whatever became of the call that made it. */
const FIRST_DUE_MS = ROW_WITHIN_MS + RING_WITHIN_MS + 1_000;
/** What is due is moved so far ahead before the work on it: a fired alarm is used up. */
const REARM_MS = 60_000;
/** Never in the past, and far enough that a loop would be seen. */
const ALARM_SOONEST_MS = 50;
const DUE_CLAIMS_MAX = 100;

/**
 * The object of a request id: makes a creation atomic, and sees to it that its task ends.
 *
 * Atomic: look-up and claim stand in one call without an await between, so no other call can come in; claim, outbox
 * and alarm are one `transactionSync`, and the output gate holds the answer until they are durable. Everything after
 * that is repeatable: the row is insert-or-find, a bell may ring twice. Calls do interleave at awaits; so each await is
 * followed by writes that name what they rely on (state, run, not ended), and one drive of a task at a time is shared.
 */
export class TaskRequestObject extends DurableObject<Env> {
  readonly #claims: Claims;
  readonly #services: Services;
  readonly #driver: ClaimDriver;
  readonly #seen = new SeenCounts();
  readonly #waiters = new Waiters();

  constructor(ctx: DurableObjectState, env: Env, services: Services = openServices(env)) {
    super(ctx, env);
    this.#claims = new Claims(ctx.storage);
    this.#services = services;
    this.#driver = new ClaimDriver({
      services,
      claims: this.#claims,
      waiters: this.#waiters,
      change: (change) => this.#change(change),
    });
    // An alarm can be lost or used up. Whatever wakes the object arms it again while anything is due.
    this.#arm();
  }

  /** Look-up, else the verdict's refusal, else the claim; then the row and the bell. */
  async claim(request: ClaimRequest): Promise<ClaimAnswer> {
    const known = this.#claims.find(request.taskId);
    if (known?.state === "retired") return this.#retired(known);
    if (known === undefined || known.state === "stone") {
      const { verdict } = request;
      if (!verdict.ok) return { kind: "refused", error: verdict.error };
      const nowMs = this.#services.clock.nowMs();
      const times = { nowMs, dueAtMs: nowMs + FIRST_DUE_MS };
      this.#change(() => this.#claims.insert(request, verdict.value, known !== undefined, times));
    } else if (known.fingerprint !== request.fingerprint) {
      return this.#mismatch(known, request);
    }
    if (known?.state !== "claimed" || !known.rowDone) await this.#driver.drive(request.taskId, "call");
    return this.#answer(request);
  }

  /** Told only when the row is a tombstone too: nobody reads an open task after that. */
  async #retired(record: Tombstone): Promise<ClaimAnswer> {
    const rowStands = record.rowDone || (await this.#driver.bury(record.head));
    return { kind: "retired", taskId: record.taskId, rowStands };
  }

  async #answer(request: ClaimRequest): Promise<ClaimAnswer> {
    const claim = this.#claims.find(request.taskId);
    if (claim?.state === "retired") return this.#retired(claim);
    if (claim?.state !== "claimed") throw new Error("A claim vanished while it was answered.");
    // The row turned out to hold another request while this call was under way.
    if (claim.fingerprint !== request.fingerprint) return this.#mismatch(claim, request);
    const { task, rowDone: rowStands } = claim;
    if (claim.callId === request.callId) return { kind: "claimed", task, rowStands, canceled: claim.ended };
    this.#count(claim.taskId, { replays: 1, mismatches: 0 });
    return { kind: "replayed", task, rowStands };
  }

  #mismatch(claim: Claim, request: ClaimRequest): ClaimAnswer {
    this.#count(claim.taskId, { replays: 0, mismatches: 1 });
    const { taskId, firstSeenAtMs } = claim;
    const pointers =
      claim.material === ""
        ? [WHOLE_REQUEST]
        : mismatchPointers(materialOf(claim.material), materialOf(request.material));
    return { kind: "mismatch", taskId, firstSeenAtMs, pointers };
  }

  record(taskId: string): RequestRecord | undefined {
    const record = this.#claims.record(taskId);
    return record && this.#seen.addTo(record);
  }

  /** The intent is durable before anything is asked of D1, and acknowledged only when D1 has said so. */
  async cancel(taskId: string, requestId: string): Promise<"canceled" | "retired" | "pending"> {
    const known = this.#claims.find(taskId);
    const nowMs = this.#services.clock.nowMs();
    if (known?.state === "retired") return this.#removedOrPending(known, "retired");
    if (known?.state === "stone" || (known?.state === "claimed" && known.ended)) return "canceled";
    if (known === undefined) {
      const keepUntilMs = nowMs + this.#services.limits.tombstoneDays * DAY_MS;
      this.#change(() => this.#claims.insertStone(taskId, requestId, nowMs, keepUntilMs));
      return "canceled";
    }
    this.#change(() => this.#claims.wantCancel(taskId, nowMs + FIRST_DUE_MS));
    await this.#driver.drive(taskId, "call");
    // A drive that was under way may have passed the place where it would have seen the wish.
    const seen = this.#claims.find(taskId);
    if (seen?.state === "claimed" && seen.cancelWanted) await this.#driver.drive(taskId, "call");
    const after = this.#claims.find(taskId);
    return after?.state === "claimed" && !after.ended ? "pending" : "canceled";
  }

  /** @returns `removed` when claim and row are tombstones; `pending` when the row will be one. */
  async remove(head: TaskHead): Promise<"removed" | "pending"> {
    const known = this.#claims.find(head.id);
    if (known?.state === "retired") return this.#removedOrPending(known, "removed");
    return (await this.#driver.retire({ task: head })) ? "removed" : "pending";
  }

  async #removedOrPending<T>(record: Tombstone, removed: T): Promise<T | "pending"> {
    return record.rowDone || (await this.#driver.bury(record.head)) ? removed : "pending";
  }

  /**
   * Opens the next run. The watch begins before D1 is asked, so that a crash in between leaves nothing open and unseen;
   * the run goes into the claim, so that news of the former run does not end this one. Without a claim, because the
   * object's storage was lost, D1 decides alone, and the sweeper watches.
   */
  async invoke({ taskId, namespaceId, run, invokeId, mayOpen }: InvokeRequest): Promise<InvokeAnswer> {
    const record = this.#claims.find(taskId);
    if (record?.state === "retired") return this.#removedOrPending(record, "retired");
    const claim = record?.state === "claimed" ? record : undefined;
    const known = claim && invokeId !== null ? this.#claims.findInvoke(taskId, invokeId) : undefined;
    if (!mayOpen && known === undefined) return "unchanged";
    const expectedRun = known ?? run;
    const watch = (opened?: number) => {
      if (claim === undefined) return;
      this.#change(() => {
        if (invokeId !== null) this.#claims.addInvoke(taskId, invokeId, expectedRun);
        this.#claims.reopen(taskId, this.#services.clock.nowMs() + FIRST_DUE_MS, opened);
      });
    };
    watch();
    const opened = await within(ROW_WITHIN_MS, openRun(this.#services, { id: taskId, namespaceId, expectedRun }));
    if (opened === undefined) {
      await this.#driver.attend(taskId, "call");
      return known === undefined ? "unchanged" : "repeated";
    }
    watch(opened);
    // A bell that is not rung is rung by the alarm.
    await within(RING_WITHIN_MS, ringForTask(this.#services, taskId)).catch(() => undefined);
    return "opened";
  }

  /** Looks after the task now. @returns false when there is no claim. */
  async poke(taskId: string): Promise<boolean> {
    const claim = this.#claims.find(taskId);
    if (claim === undefined) return false;
    if (claim.state === "claimed" && claim.ended) await this.#reopenIfOpen(taskId);
    await this.#driver.attend(taskId, "call");
    return true;
  }

  /** D1 says what state a task is in: one that is open there, after a restore, is watched again. */
  async #reopenIfOpen(taskId: string): Promise<void> {
    const sight = await within(ROW_WITHIN_MS, lookAtTask(this.#services, taskId));
    if (sight.kind !== "busy" && sight.kind !== "still") return;
    this.#change(() => this.#claims.reopen(taskId, this.#services.clock.nowMs(), sight.run));
  }

  /** A run of the task ended: who waits is woken. */
  ended(taskId: string, run: number): void {
    this.#driver.markEnded(taskId, run);
  }

  async waitForEnd(taskId: string, timeoutMs: number): Promise<void> {
    const claim = this.#claims.find(taskId);
    if (claim?.state === "claimed" && !claim.ended) await this.#waiters.wait(taskId, timeoutMs);
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
    this.#change(() => {
      for (const taskId of due) this.#claims.setDue(taskId, nowMs + REARM_MS);
    });
    await Promise.all(due.map((taskId) => this.#driver.attend(taskId, "alarm")));
    this.#change(() => this.#seen.flush((taskId, seen) => this.#claims.addSeen(taskId, seen)));
  }

  #count(taskId: string, more: { readonly replays: number; readonly mismatches: number }): void {
    const first = this.#seen.dueAtMs() === null;
    this.#seen.add(taskId, { ...more, lastSeenAtMs: this.#services.clock.nowMs() });
    // One write for all counts of the next minute; the others cost none.
    if (first) this.#arm();
  }

  /** A change of the tables and the alarm that follows from it, as one unit. */
  #change(change: () => void): void {
    this.ctx.storage.transactionSync(() => {
      change();
      this.#arm();
    });
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

function materialOf(text: string): RequestMaterial {
  return parseOwnJson<RequestMaterial>(text);
}
