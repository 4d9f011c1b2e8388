import type { TaskHead } from "../domain/task";
import { mismatchPointers, type RequestMaterial, WHOLE_REQUEST } from "../domain/request";
import { reservationEndsAtMs } from "../domain/reservation";
import { parseOwnJson } from "../domain/own-json";
import { within } from "../domain/time-limit";
import type { Services } from "../services/context";
import type * as Port from "../services/ports";
import { lookAtTask, openRun, ringForTask } from "../services/watch-task";
import { nextTryMs } from "./backoff";
import { type ClaimDriver, DAY_MS } from "./claim-driver";
import type { Claim, ClaimRecord, Moved, Tombstone } from "./claim-record";
import type { Claims } from "./claims";
import { type Gathered, Gatherer } from "./gatherer";
import { RING_WITHIN_MS, ROW_WITHIN_MS } from "./outbox";
import type { SeenCounts } from "./seen-counts";
import type { Waiters } from "./waiters";

/** At the latest then a claim is looked after by the alarm, whatever became of the call that made it. */
const FIRST_DUE_MS_MAX = ROW_WITHIN_MS + RING_WITHIN_MS + 1_000;

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

/** What a look-up found, where more is to be done than to answer. */
type Step = { readonly kind: "go-on" } | Extract<Port.ClaimAnswer, { kind: "refused" | "unknown" | "mismatch" }>;

const GO_ON: Step = { kind: "go-on" };

/** Answers for the requests whose records this object has. */
export class RequestDesk implements Port.TaskRequests {
  readonly #claiming: Gatherer<Port.ClaimRequest, Step>;

  constructor(private readonly parts: DeskParts) {
    this.#claiming = new Gatherer((requests) => this.#claimTogether(requests));
  }

  /** Look-up, else the verdict's refusal, else the claim; then the row and the bell. */
  async claim(request: Port.ClaimRequest): Promise<Port.ClaimAnswer> {
    const { taskId } = request;
    await this.#endReservation(request);
    const step = this.#lookUp(request, this.#find(taskId)) ?? (await this.#claiming.add(request));
    if (step.kind !== "go-on") return step;
    const record = this.#find(taskId);
    if (record?.state === "claimed" && !record.rowDone) await this.parts.driver.drive(taskId, "call");
    return this.#answer(request);
  }

  /** A reservation whose time is up ends now, though its alarm is late, or only its row is left of it. */
  async #endReservation({ taskId, reservation, verdict }: Port.ClaimRequest): Promise<void> {
    const { driver, services } = this.parts;
    if (this.#find(taskId) === undefined && reservation !== null && verdict.ok) {
      const endsAtMs = reservationEndsAtMs(verdict.value.createdAtMs);
      if (endsAtMs <= services.clock.nowMs()) await driver.retire({ task: verdict.value });
      return;
    }
    const isOver = (record: ClaimRecord | undefined) =>
      record?.state === "claimed" && record.unfilled && (record.keepUntilMs ?? Infinity) <= services.clock.nowMs();
    if (!isOver(this.#find(taskId))) return;
    await driver.attend(taskId, "call");
    if (isOver(this.#find(taskId))) throw new Error("A reservation is over, and that could not be written.");
  }

  /** @returns undefined when nothing that is known decides, so that the verdict does. */
  #lookUp(request: Port.ClaimRequest, known: ClaimRecord | undefined): Step | undefined {
    if (known === undefined || known.state === "stone") return undefined;
    if (known.state !== "claimed") return GO_ON;
    if (request.door === "fill" && known.unfilled) return undefined;
    return isSame(known, request) ? GO_ON : this.#mismatch(known, request);
  }

  /**
   * Claims what came together, each by a look-up and a write without an await between, all in one transaction: no other
   * call can come in, and one durable write serves them all.
   */
  async #claimTogether(requests: readonly Port.ClaimRequest[]): Promise<readonly Gathered<Step>[]> {
    let steps: readonly Gathered<Step>[] = [];
    this.parts.change(() => {
      steps = requests.map((request) => {
        try {
          const known = this.#find(request.taskId);
          return { ok: true, value: this.#lookUp(request, known) ?? this.#claim(request, known) };
        } catch (error) {
          return { ok: false, error };
        }
      });
    });
    await this.parts.durable();
    return steps;
  }

  #claim(request: Port.ClaimRequest, known: ClaimRecord | undefined): Step {
    const { claims, services } = this.parts;
    const { verdict, door } = request;
    if (door === "fill" && known === undefined && request.reservation === null) return { kind: "unknown" };
    if (!verdict.ok) return { kind: "refused", error: verdict.error };
    const nowMs = services.clock.nowMs();
    const times = { nowMs, dueAtMs: nowMs + this.#firstDueMs() };
    if (known?.state === "claimed") {
      claims.fill(request, verdict.value, times);
      return GO_ON;
    }
    const keepUntilMs = door === "reserve" ? reservationEndsAtMs(verdict.value.createdAtMs) : null;
    claims.insert(request, verdict.value, { ...times, keepUntilMs, cancelWanted: known !== undefined });
    return GO_ON;
  }

  async #answer(request: Port.ClaimRequest): Promise<Port.ClaimAnswer> {
    const claim = this.#find(request.taskId);
    if (claim?.state === "retired") return this.#retired(claim);
    if (claim?.state !== "claimed") throw new Error("A claim vanished while it was answered.");
    // The row turned out to hold another request while this call was under way.
    if (!isSame(claim, request)) return this.#mismatch(claim, request);
    const { rowDone: rowStands, firstSeenAtMs } = claim;
    if (claim.callId === request.callId) return { kind: "claimed", rowStands, canceled: claim.ended };
    this.#count(claim.taskId, { replays: 1, mismatches: 0 });
    return { kind: "replayed", rowStands, firstSeenAtMs };
  }

  /** Told only when the row is a tombstone too: nobody reads an open task after that. */
  async #retired(record: Tombstone): Promise<Port.ClaimAnswer> {
    const rowStands = record.rowDone || (await this.parts.driver.bury(record.head));
    return { kind: "retired", taskId: record.taskId, rowStands };
  }

  #mismatch(claim: Claim, request: Port.ClaimRequest): Extract<Port.ClaimAnswer, { kind: "mismatch" }> {
    this.#count(claim.taskId, { replays: 0, mismatches: 1 });
    const { taskId, firstSeenAtMs } = claim;
    const pointers =
      claim.material === ""
        ? [WHOLE_REQUEST]
        : mismatchPointers(materialOf(claim.material), materialOf(request.material));
    return { kind: "mismatch", taskId, firstSeenAtMs, pointers };
  }

  async find(taskId: string): Promise<Port.RequestRecord | undefined> {
    this.#find(taskId);
    const record = this.parts.claims.record(taskId);
    return record && this.parts.seen.addTo(record);
  }

  /** The intent is durable before anything is asked of D1, and acknowledged only when D1 has said so. */
  async cancel({ taskId, requestId, mayHold }: Port.CancelRequest): Promise<Port.CancelAnswer> {
    const { claims, driver, services, change } = this.parts;
    const known = this.#find(taskId);
    const nowMs = services.clock.nowMs();
    if (known?.state === "retired") return this.#removedOrPending(known, "retired");
    if (known?.state === "stone" || (known?.state === "claimed" && known.ended)) return "canceled";
    if (known === undefined) {
      if (!mayHold) return "refused";
      const keepUntilMs = nowMs + services.limits.tombstoneDays * DAY_MS;
      change(() => claims.insertStone(taskId, requestId, nowMs, keepUntilMs));
      return "canceled";
    }
    change(() => claims.wantCancel(taskId, nowMs + this.#firstDueMs()));
    await driver.drive(taskId, "call");
    // A drive that was under way may have passed the place where it would have seen the wish.
    const seen = this.#find(taskId);
    if (seen?.state === "claimed" && seen.cancelWanted) await driver.drive(taskId, "call");
    const after = this.#find(taskId);
    return after?.state === "claimed" && !after.ended ? "pending" : "canceled";
  }

  async remove(head: TaskHead): Promise<"removed" | "pending"> {
    const known = this.#find(head.id);
    if (known?.state === "retired") return this.#removedOrPending(known, "removed");
    return (await this.parts.driver.retire({ task: head })) ? "removed" : "pending";
  }

  async #removedOrPending<T>(record: Tombstone, removed: T): Promise<T | "pending"> {
    return record.rowDone || (await this.parts.driver.bury(record.head)) ? removed : "pending";
  }

  /**
   * Opens the next run. The watch begins before D1 is asked, so that a crash in between leaves nothing open and unseen;
   * the run goes into the claim, so that news of the former run does not end this one. Without a claim, because the
   * object's storage was lost, D1 decides alone, and the sweeper watches.
   */
  async invoke({ taskId, namespaceId, run, invokeId, mayOpen }: Port.InvokeRequest): Promise<Port.InvokeAnswer> {
    const { claims, driver, services, change } = this.parts;
    const record = this.#find(taskId);
    if (record?.state === "retired") return this.#removedOrPending(record, "retired");
    const claim = record?.state === "claimed" ? record : undefined;
    const known = claim && invokeId !== null ? claims.invokes.find(taskId, invokeId) : undefined;
    if (!mayOpen && known === undefined) return "unchanged";
    const expectedRun = known ?? run;
    const watch = (opened?: number) => {
      if (claim === undefined) return;
      change(() => {
        if (invokeId !== null) claims.invokes.add(taskId, invokeId, expectedRun);
        claims.reopen(taskId, services.clock.nowMs() + this.#firstDueMs(), opened);
      });
    };
    watch();
    const opened = await within(ROW_WITHIN_MS, openRun(services, { id: taskId, namespaceId, expectedRun }));
    if (opened === undefined) {
      await driver.attend(taskId, "call");
      return known === undefined ? "unchanged" : "repeated";
    }
    watch(opened);
    // A bell that is not rung is rung by the alarm.
    await within(RING_WITHIN_MS, ringForTask(services, taskId)).catch(() => undefined);
    return "opened";
  }

  /** Looks after the task now. */
  async poke(taskId: string): Promise<boolean> {
    const record = this.#find(taskId);
    if (record === undefined) return false;
    if (record.state === "claimed" && record.ended) await this.#reopenIfOpen(taskId);
    await this.parts.driver.attend(taskId, "call");
    return true;
  }

  /** D1 says what state a task is in: one that is open there, after a restore, is watched again. */
  async #reopenIfOpen(taskId: string): Promise<void> {
    const { claims, services, change } = this.parts;
    const sight = await within(ROW_WITHIN_MS, lookAtTask(services, taskId));
    if (sight.kind !== "busy" && sight.kind !== "still") return;
    change(() => claims.reopen(taskId, services.clock.nowMs(), sight.run));
  }

  async ended(taskId: string, run: number): Promise<void> {
    const { claims, driver, services, waiters, change } = this.parts;
    const known = this.#find(taskId);
    const isFill = known?.state === "claimed" && !known.unfilled && known.reservedFingerprint !== null;
    if (!isFill || known.rowDone || run < known.run) return driver.markEnded(taskId, run);
    // A reservation was canceled while its content is on the way to the row: that is still to come, and is canceled too.
    change(() => claims.wantCancel(taskId, services.clock.nowMs() + this.#firstDueMs()));
    waiters.wake(taskId);
  }

  async waitForEnd(taskId: string, timeoutMs: number): Promise<void> {
    const claim = this.#find(taskId);
    if (claim?.state === "claimed" && !claim.ended) await this.parts.waiters.wait(taskId, timeoutMs);
  }

  #firstDueMs(): number {
    return Math.min(FIRST_DUE_MS_MAX, nextTryMs(0, this.parts.services.limits.leaseSeconds));
  }

  /** @throws MovedAway @throws RecordUnreadable */
  #find(taskId: string): Exclude<ClaimRecord, Moved> | undefined {
    const record = this.parts.claims.find(taskId);
    if (record?.state === "moved") throw new MovedAway();
    return record;
  }

  #count(taskId: string, more: { readonly replays: number; readonly mismatches: number }): void {
    const { seen, services, arm } = this.parts;
    const first = seen.dueAtMs() === null;
    seen.add(taskId, { ...more, lastSeenAtMs: services.clock.nowMs() });
    // One write for all counts of the next minute; the others cost none.
    if (first) arm();
  }
}

/** A repeated reservation is the same also after its id was filled. */
function isSame(claim: Claim, request: Port.ClaimRequest): boolean {
  const first = request.door === "reserve" ? (claim.reservedFingerprint ?? claim.fingerprint) : claim.fingerprint;
  return first === request.fingerprint;
}

function materialOf(text: string): RequestMaterial {
  return parseOwnJson<RequestMaterial>(text);
}
