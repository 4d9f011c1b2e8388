import { errorText } from "../../../domain/basics/error-text";
import { hasEnded } from "../../../domain/tasks/task";
import { within } from "../../../domain/basics/time-limit";
import type { Services } from "../../../services/context";
import { announceEndFromObject } from "../../../services/tasks/announce-end";
import { buryTask, cancelRecordedTask, forgetTask } from "../../../services/tasks/task-rows";
import type { WaitUntil } from "../../adapters/courtesy-bells";
import { nextTryMs } from "./backoff";
import type { Claim, ClaimRecord, Tombstone } from "./claim-record";
import type { Claims } from "./claims";
import { type Outbox, ROW_WITHIN_MS } from "./outbox";
import type { Waiters } from "./waiters";

export const DAY_MS = 86_400_000;

/** Who looks after a claim: only the alarm's own tries count for its back-off, and only the alarm waits for a bell. */
export type Driver = "call" | "alarm";

/** What the driver works on: the object's own tables, and a way to change them together with the alarm. */
export interface DriverParts {
  /** Their bells return at once, in the alarm too: these are for deliveries, and nothing depends on their outcome. */
  readonly services: Services;
  readonly claims: Claims;
  /** Its bells are awaited: the alarm marks what the queue took. */
  readonly outbox: Outbox;
  readonly waitUntil: WaitUntil;
  readonly waiters: Waiters;
  /** Runs the change and arms the alarm anew, as one unit. */
  readonly change: (change: () => void) => void;
}

/** Brings each claim on: its outbox, then the watch until its task has ended, then its removal. */
export class ClaimDriver {
  readonly #driving = new Map<string, Promise<void>>();

  constructor(private readonly parts: DriverParts) {}

  /**
   * One drive of a task at a time; a caller that comes meanwhile waits for the same. It waits for the row and for no queue,
   * so that a call may wait for a drive that the alarm began. Never throws.
   */
  drive(taskId: string, by: Driver): Promise<void> {
    const running = this.#driving.get(taskId);
    if (running !== undefined) return running;
    const drive = this.#driveOutbox(taskId, by).finally(() => this.#driving.delete(taskId));
    this.#driving.set(taskId, drive);
    return drive;
  }

  /** What is to be done for one record now. Never throws. */
  async attend(taskId: string, by: Driver): Promise<void> {
    const { claims, services } = this.parts;
    try {
      const record = claims.find(taskId);
      if (record === undefined) return;
      const over = record.keepUntilMs !== null && record.keepUntilMs <= services.clock.nowMs();
      if (record.state === "stone" || record.state === "moved")
        return over ? this.#forget(taskId) : this.#sleep(taskId, record.keepUntilMs);
      if (record.state === "retired") return await this.#attendTombstone(record, over);
      if (over) return await this.#attendOver(record);
      const idle = record.unfilled && record.rowDone && !record.cancelWanted;
      if (record.ended || idle) return this.#sleep(taskId, record.keepUntilMs);
      if (record.rowDone && record.bellDone && !record.cancelWanted) await this.#watch(record, by);
      else await this.#empty(taskId, by);
    } catch (error) {
      // The alarm moved the record ahead before it came here, so it comes again.
      services.log("error", "attend-failed", { task_id: taskId, error: errorText(error) });
    }
  }

  /**
   * A run of the task ended: who waits is woken, and the alarm sleeps until the end of retention. A reservation ends
   * when it would have, canceled or not.
   */
  markEnded(taskId: string, run: number): void {
    const { claims, services, change, waiters } = this.parts;
    const claim = claims.find(taskId);
    if (claim?.state !== "claimed") return;
    const retainedMs = services.clock.nowMs() + services.limits.retentionDays * DAY_MS;
    const keepUntilMs = claim.unfilled ? (claim.keepUntilMs ?? retainedMs) : retainedMs;
    change(() => claims.markEnded(taskId, run, keepUntilMs));
    waiters.wake(taskId);
  }

  /** The claim becomes a tombstone first, then the row: an insert that is under way finds one or the other. */
  async retire({ task }: { readonly task: Tombstone["head"] }): Promise<boolean> {
    const { claims, services, change, waiters } = this.parts;
    const nowMs = services.clock.nowMs();
    const { id, namespaceId, requestId, keyId, type, operation, fingerprint, createdAtMs } = task;
    const head = { id, namespaceId, requestId, keyId, type, operation, fingerprint, createdAtMs };
    const keepUntilMs = nowMs + services.limits.tombstoneDays * DAY_MS;
    change(() => claims.retire(head, keepUntilMs, { nowMs, dueAtMs: nowMs + ROW_WITHIN_MS + 1_000 }));
    waiters.wake(id);
    return this.bury(head);
  }

  /** @returns whether D1 said that the row is a tombstone. */
  async bury(head: Tombstone["head"]): Promise<boolean> {
    const { claims, services, change } = this.parts;
    const done = await this.#try("row-not-buried", head.id, () => within(ROW_WITHIN_MS, buryTask(services, head)));
    if (done) change(() => claims.markBuried(head.id));
    return done;
  }

  async #attendTombstone(record: Tombstone, over: boolean): Promise<void> {
    const { services } = this.parts;
    if (!record.rowDone) return void (await this.bury(record.head));
    if (!over) return this.#sleep(record.taskId, record.keepUntilMs);
    await within(ROW_WITHIN_MS, forgetTask(services, record.head));
    this.#forget(record.taskId);
  }

  /** Retention is over; or the time of a reservation, unless D1 knows it as filled. */
  async #attendOver(claim: Claim): Promise<void> {
    if (!claim.unfilled) return void (await this.retire(claim));
    const { claims, outbox } = this.parts;
    const sight = await outbox.look(claim.taskId);
    if (sight.kind === "busy" || sight.kind === "still") await this.#writeRow(claim, false);
    const now = claims.find(claim.taskId);
    if (now?.state === "claimed" && now.unfilled) await this.retire(now);
  }

  #forget(taskId: string): void {
    this.parts.change(() => this.parts.claims.forget(taskId));
  }

  #sleep(taskId: string, untilMs: number | null): void {
    if (untilMs !== null) this.parts.change(() => this.parts.claims.setDue(taskId, untilMs));
  }

  /** What a drive leaves to do is the alarm's: to ring, and to note that the queue took it. */
  async #empty(taskId: string, by: Driver): Promise<void> {
    const { claims, outbox } = this.parts;
    await this.drive(taskId, by);
    const owing = claims.find(taskId);
    if (by === "call" || !owesBell(owing)) return;
    if (!(await this.#try("bell-not-rung", taskId, () => outbox.ring(taskId)))) return;
    const now = claims.find(taskId);
    // The drive has counted this try.
    if (owesBell(now))
      this.#mark(now, { rowDone: now.rowDone, bellDone: true, by, tries: now.rowDone ? 0 : now.tries });
  }

  /**
   * The row, then the bell; each is tried though the other failed: both may be done again. A cancel that came meanwhile is
   * carried out before the drive ends.
   */
  async #driveOutbox(taskId: string, by: Driver): Promise<void> {
    const { claims } = this.parts;
    const claim = claims.find(taskId);
    if (claim?.state !== "claimed" || claim.ended) return;
    if (claim.cancelWanted) return this.#driveCancel(claim, by);
    const rowDone = claim.rowDone || (await this.#try("row-not-written", taskId, () => this.#writeRow(claim, false)));
    if (by === "call" && !claim.bellDone) this.#ringAfterAnswer(taskId);
    const now = claims.find(taskId);
    if (now?.state !== "claimed" || now.ended) return;
    // Filled meanwhile: what was written is not what is claimed now.
    if (claim.unfilled && !now.unfilled) return this.#driveOutbox(taskId, by);
    // The alarm that was armed with the claim looks whether somebody works on the task, so the ring needs no proof.
    if (rowDone && by === "call" && !now.cancelWanted) return claims.noteEmptied(taskId);
    this.#mark(claim, { rowDone, bellDone: claim.bellDone, by });
    if (now.cancelWanted) await this.#driveCancel(now, by);
  }

  /** Born canceled, or canceled if the row came meanwhile; done only when D1 has said so. */
  async #driveCancel(claim: Claim, by: Driver): Promise<void> {
    const { services } = this.parts;
    const { taskId } = claim;
    const done = await this.#try("cancel-not-written", taskId, async () => {
      await this.#writeRow(claim, true);
      const end = await within(ROW_WITHIN_MS, cancelRecordedTask(services, claim.task, claim.run));
      this.markEnded(taskId, claim.run);
      await announceEndFromObject(services, end);
    });
    if (!done) this.#mark(claim, { rowDone: claim.rowDone, bellDone: claim.bellDone, by });
  }

  #mark(
    claim: Claim,
    state: {
      readonly rowDone: boolean;
      readonly bellDone: boolean;
      readonly by: Driver;
      readonly tries?: number;
      /** The run that D1 shows, where it was looked at. */
      readonly run?: number;
    },
  ): void {
    const { claims, services, change } = this.parts;
    const done = state.rowDone && state.bellDone && !claim.cancelWanted;
    const tries = state.tries ?? (done ? 0 : triesAfter(claim, state.by));
    const nextMs = services.clock.nowMs() + nextTryMs(tries, services.limits.leaseSeconds);
    // However often clients call, the alarm comes when it would have come.
    const dueAtMs = done || state.by === "alarm" ? nextMs : Math.min(claim.dueAtMs ?? nextMs, nextMs);
    change(() => claims.mark(claim.taskId, { ...state, tries, dueAtMs }));
  }

  async #writeRow(claim: Claim, canceled: boolean): Promise<void> {
    const { claims, services, outbox, change } = this.parts;
    const { task, taskId, reservedFingerprint, unfilled } = claim;
    const row = await outbox.writeRow({ task, canceled, fills: unfilled ? null : reservedFingerprint });
    const same = row.fingerprint === claim.fingerprint;
    if (!same || row.createdAtMs !== task.createdAtMs) {
      services.log("error", "row-older-than-claim", { task_id: taskId, same });
      change(() => claims.adopt(taskId, row));
    }
    // A reservation may have been canceled before it was filled.
    if (hasEnded(row.status) && !canceled) this.markEnded(taskId, claim.run);
  }

  async #watch(claim: Claim, by: Driver): Promise<void> {
    const { outbox, services } = this.parts;
    const { taskId } = claim;
    const sight = await outbox.look(taskId);
    const watched = { rowDone: true, bellDone: true, by };
    switch (sight.kind) {
      case "ended":
        // A run that D1 does not know of any more, after a restore, has ended too; one that was opened meanwhile has not.
        this.markEnded(taskId, Math.max(sight.end.run, claim.run));
        // Who brought the end about may have crashed before it told of it.
        return announceEndFromObject(services, sight.end);
      case "busy":
        return this.#mark(claim, { ...watched, tries: 0, run: sight.run });
      case "still":
        // Due again before the ring: a crash in it must not end the watch.
        this.#mark(claim, { ...watched, tries: triesAfter(claim, by), run: sight.run });
        if (by === "call") return this.#ringAfterAnswer(taskId, sight.waiting);
        return outbox.ring(taskId, sight.waiting);
      case "unfilled":
      case "missing":
        this.#mark(claim, { rowDone: false, bellDone: false, tries: claim.tries, by });
        return this.#empty(taskId, by);
    }
  }

  /** Started, and not waited for. Together with what other calls ring for, where they share an object. */
  #ringAfterAnswer(taskId: string, waiting?: number): void {
    const { outbox, waitUntil } = this.parts;
    waitUntil(this.#try("bell-not-rung", taskId, () => outbox.ring(taskId, waiting)));
  }

  async #try(event: string, taskId: string, step: () => Promise<void>): Promise<boolean> {
    try {
      await step();
      return true;
    } catch (error) {
      this.parts.services.log("warn", event, { task_id: taskId, error: errorText(error) });
      return false;
    }
  }
}

/** The row may be owed too. A cancel rings for nothing. */
function owesBell(record: ClaimRecord | undefined): record is Claim {
  return record?.state === "claimed" && !record.ended && !record.bellDone && !record.cancelWanted;
}

function triesAfter(claim: Claim, by: Driver): number {
  return claim.tries + (by === "alarm" ? 1 : 0);
}
