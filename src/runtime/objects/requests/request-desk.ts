import type { TaskHead } from "../../../domain/tasks/task";
import { within } from "../../../domain/basics/time-limit";
import type * as Port from "../../../services/ports/task-requests";
import { lookAtTasks, openRun, ringForTask } from "../../../services/tasks/task-rows";
import { firstDueMs } from "./backoff";
import { ClaimDesk } from "./claim-desk";
import { DAY_MS } from "./claim-driver";
import type { Tombstone } from "./claim-record";
import { type DeskParts, findHere } from "./desk-parts";
import { ROW_WITHIN_MS } from "./outbox";

/** Answers for the requests whose records this object has. */
export class RequestDesk implements Port.TaskRequests {
  readonly #claims: ClaimDesk;

  constructor(private readonly parts: DeskParts) {
    this.#claims = new ClaimDesk(parts);
  }

  claim(requests: readonly Port.ClaimRequest[]): Promise<readonly Port.ClaimAnswer[]> {
    return Promise.all(requests.map((request) => this.#claims.answer(request)));
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

  /**
   * An invoke may come at any time: it notes in the claim that the task runs, before anything else. Where there is no claim,
   * because the object's storage was lost, D1 tells.
   */
  async removeEnded(head: TaskHead): Promise<Port.RemoveAnswer | "open"> {
    if (this.#find(head.id) === undefined && (await this.#isOpenInRow(head.id))) return "open";
    if (this.#isOpen(head.id)) await this.parts.driver.attend(head.id, "call");
    return this.#isOpen(head.id) ? "open" : this.remove(head);
  }

  async #isOpenInRow(taskId: string): Promise<boolean> {
    const [sight] = await within(ROW_WITHIN_MS, lookAtTasks(this.parts.services, [taskId]));
    return sight?.kind === "busy" || sight?.kind === "still";
  }

  #isOpen(taskId: string): boolean {
    const record = this.#find(taskId);
    return record?.state === "claimed" && !record.ended && !record.unfilled;
  }

  async remove(head: TaskHead): Promise<Port.RemoveAnswer> {
    const { driver } = this.parts;
    const known = this.#find(head.id);
    // Also where the record says that the row is a tombstone: the caller has seen one that is none, as after a restore.
    const isDone = known?.state === "retired" ? driver.bury(known.head) : driver.retire({ task: head });
    return (await isDone) ? "removed" : "pending";
  }

  async #removedOrPending<T>(record: Tombstone, removed: T): Promise<T | "pending"> {
    return record.rowDone || (await this.parts.driver.bury(record.head)) ? removed : "pending";
  }

  /**
   * Opens the next run. The watch begins before D1 is asked, so that a crash in between leaves nothing open and unseen;
   * the run goes into the claim, so that news of the former run does not end this one. Without a claim, because the
   * object's storage was lost, D1 decides alone, and the sweeper watches.
   */
  async invoke(request: Port.InvokeRequest): Promise<Port.InvokeAnswer> {
    const { taskId, namespaceId, run, invokeId, from, mayOpen } = request;
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
    const opened = await within(ROW_WITHIN_MS, openRun(services, { id: taskId, namespaceId, expectedRun, from }));
    if (opened === undefined) {
      await driver.attend(taskId, "call");
      return known === undefined ? "unchanged" : "repeated";
    }
    watch(opened);
    // After the answer: if it is lost, the alarm that `watch` armed finds the task still, and rings.
    await ringForTask(services, taskId);
    return "opened";
  }

  /** Looks after the task now. @returns false where nothing is known of it, or nothing but that it is over. */
  async poke(taskId: string): Promise<boolean> {
    const record = this.#find(taskId);
    if (record === undefined || record.state === "retired") return false;
    if (record.state === "claimed" && record.ended) await this.#reopenIfOpen(taskId);
    await this.parts.driver.attend(taskId, "call");
    return true;
  }

  /** D1 says what state a task is in: one that is open there, after a restore, is watched again. */
  async #reopenIfOpen(taskId: string): Promise<void> {
    const { claims, services, change } = this.parts;
    const [sight] = await within(ROW_WITHIN_MS, lookAtTasks(services, [taskId]));
    if (sight === undefined) return;
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
    return firstDueMs(this.parts.services.limits.leaseSeconds);
  }

  #find(taskId: string) {
    return findHere(this.parts.claims, taskId);
  }
}
