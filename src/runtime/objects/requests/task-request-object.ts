import { DurableObject } from "cloudflare:workers";
import { errorText } from "../../../domain/basics/error-text";
import type { TaskHead } from "../../../domain/tasks/task";
import { within } from "../../../domain/basics/time-limit";
import type { Services } from "../../../services/context";
import type * as Port from "../../../services/ports/task-requests";
import { requestUnreadable } from "../../../services/errors/refusals";
import { ClaimDriver } from "./claim-driver";
import { RecordUnreadable } from "./claim-record";
import { migrateTables } from "./claim-tables";
import { Claims } from "./claims";
import { courteous, type WaitUntil } from "../../adapters/courtesy-bells";
import { openServices } from "../../composition";
import { placementsOf } from "../../config/cached-config";
import { MovedAway } from "./desk-parts";
import { Handover, type HandoverAnswer } from "./handover";
import { Outbox } from "./outbox";
import { objectNameOf, type Placements } from "../../config/placement";
import { RequestDesk } from "./request-desk";
import { SeenCounts } from "./seen-counts";
import { requestsAt } from "../../adapters/request-client";
import { Waiters } from "./waiters";

/** What is due is moved so far ahead before the work on it, or a lease where that is less: a fired alarm is used up. */
const REARM_MS_MAX = 60_000;
/** Never in the past, and far enough that a loop would be seen. */
const ALARM_SOONEST_MS = 50;
const DUE_CLAIMS_MAX = 100;
const HANDOVER_WITHIN_MS = 5_000;
/** Objects that a record may have passed through since this one saw it. */
const HOPS_MAX = 4;

/**
 * The object of a request id, or of many: makes a creation atomic, and sees to it that its task ends.
 *
 * Atomic: look-up and claim stand without an await between, so no other call can come in; claim, outbox and alarm are
 * one `transactionSync`, and the output gate holds the answer until they are durable. Everything after that is
 * repeatable: the row is insert-or-find, a bell may ring twice. Calls do interleave at awaits; so each await is followed
 * by writes that name what they rely on (state, run, not ended), and one drive of a task at a time is shared.
 */
export class TaskRequestObject extends DurableObject<Env> {
  readonly #claims: Claims;
  readonly #services: Services;
  readonly #placements: Placements;
  readonly #driver: ClaimDriver;
  readonly #desk: RequestDesk;
  readonly #handover: Handover;
  readonly #fetching = new Map<string, Promise<void>>();
  readonly #seen = new SeenCounts();
  readonly #waiters = new Waiters();

  constructor(
    ctx: DurableObjectState,
    env: Env,
    services: Services = openServices(env),
    placements: Placements = placementsOf(env),
  ) {
    super(ctx, env);
    this.#claims = new Claims(ctx.storage.sql);
    this.#services = services;
    this.#placements = placements;
    const change = (change: () => void) => this.#change(change);
    const waitUntil: WaitUntil = (work) => ctx.waitUntil(work);
    // Calls wait for no bell. The outbox has bells that are awaited, because its alarm marks what was rung.
    const common = { services: courteous(services, waitUntil), claims: this.#claims, waiters: this.#waiters, change };
    this.#driver = new ClaimDriver({ ...common, outbox: new Outbox(services), waitUntil });
    this.#desk = new RequestDesk({
      ...common,
      driver: this.#driver,
      seen: this.#seen,
      durable: () => ctx.storage.sync(),
      arm: () => this.#arm(),
    });
    this.#handover = new Handover(this.#claims, services, change);
    ctx.storage.transactionSync(() => migrateTables(ctx.storage.sql));
    // An alarm can be lost or used up. Whatever wakes the object arms it again while anything is due.
    this.#arm();
  }

  claim(requests: readonly Port.ClaimRequest[]): Promise<readonly Port.ClaimAnswer[]> {
    return Promise.all(requests.map((request) => this.#claim(request)));
  }

  /** One that fails is no matter of the others. */
  async #claim(request: Port.ClaimRequest): Promise<Port.ClaimAnswer> {
    try {
      const [answer] = await this.#at(request.taskId, "takes", (requests) => requests.claim([request]));
      return answer ?? { kind: "unproven", reason: "There was no answer." };
    } catch (error) {
      if (error instanceof RecordUnreadable)
        return { kind: "refused", error: requestUnreadable().value, standing: null };
      return { kind: "unproven", reason: errorText(error) };
    }
  }

  find(taskId: string): Promise<Port.RequestRecord | undefined> {
    return this.#at(taskId, "looks", (requests) => requests.find(taskId));
  }

  cancel(request: Port.CancelRequest): Promise<Port.CancelAnswer> {
    return this.#at(request.taskId, "takes", (requests) => requests.cancel(request));
  }

  remove(head: TaskHead): Promise<Port.RemoveAnswer> {
    return this.#at(head.id, "takes", (requests) => requests.remove(head));
  }

  removeEnded(head: TaskHead): Promise<Port.RemoveAnswer | "open"> {
    return this.#at(head.id, "takes", (requests) => requests.removeEnded(head));
  }

  invoke(request: Port.InvokeRequest): Promise<Port.InvokeAnswer> {
    return this.#at(request.taskId, "looks", (requests) => requests.invoke(request));
  }

  poke(taskId: string): Promise<boolean> {
    return this.#at(taskId, "looks", (requests) => requests.poke(taskId));
  }

  /** A run of the task ended: who waits is woken. */
  ended(taskId: string, run: number): Promise<void> {
    return this.#at(taskId, "looks", (requests) => requests.ended(taskId, run));
  }

  waitForEnd(taskId: string, timeoutMs: number): Promise<void> {
    return this.#at(taskId, "looks", (requests) => requests.waitForEnd(taskId, timeoutMs));
  }

  /** Gives a record to the object of that name, which a new placement says is the one. */
  handOver(taskId: string, to: string, refuse: boolean): HandoverAnswer {
    this.#change(() => this.#seen.flush((id, seen) => this.#claims.addSeen(id, seen)));
    const answer = this.#handover.give(taskId, to, refuse);
    this.#waiters.wake(taskId);
    return answer;
  }

  /** That object has it. */
  handedOver(taskId: string, to: string): void {
    this.#handover.given(taskId, to);
  }

  /** Answers when the object can be reached; touches nothing. */
  ping(): boolean {
    return true;
  }

  override async alarm(): Promise<void> {
    const nowMs = this.#services.clock.nowMs();
    const rearmMs = Math.min(REARM_MS_MAX, this.#services.limits.leaseSeconds * 1_000);
    const due = this.#claims.listDue(nowMs, DUE_CLAIMS_MAX);
    // Before the work, because the alarm that fired is used up; and in the table, so that neither a crash in the work
    // nor a call that arms meanwhile makes the same claims due at once.
    this.#change(() => {
      for (const taskId of due) this.#claims.setDue(taskId, nowMs + rearmMs);
    });
    await Promise.all(due.map((taskId) => this.#driver.attend(taskId, "alarm")));
    this.#change(() => this.#seen.flush((taskId, seen) => this.#claims.addSeen(taskId, seen)));
  }

  /**
   * Makes a call where the record of the task is. `takes`: where it will be, too; a former object refuses the id from
   * then on.
   */
  async #at<T>(taskId: string, mode: "takes" | "looks", call: (requests: Port.TaskRequests) => Promise<T>): Promise<T> {
    for (let hop = 0; hop < HOPS_MAX; hop++) {
      // Without a former placement a record can only be here, or was handed over: the desk sees that itself.
      const isHere = hop === 0 && this.#placements.former.length === 0;
      const elsewhere = isHere ? undefined : await this.#locate(taskId, mode);
      if (elsewhere !== undefined) return call(requestsAt(this.env.TASK_REQUESTS, elsewhere));
      try {
        return await call(this.#desk);
      } catch (error) {
        if (!(error instanceof MovedAway)) throw error;
      }
    }
    throw new Error("The record of a request moves faster than a call can follow.");
  }

  /** @returns the name of the object that has the record, or undefined when that is this one. */
  async #locate(taskId: string, mode: "takes" | "looks"): Promise<string | undefined> {
    const known = this.#claims.find(taskId);
    if (known !== undefined && known.state !== "moved") return undefined;
    const { current, former } = this.#placements;
    const own = this.ctx.id.name ?? "";
    if (objectNameOf(current, taskId) === own) {
      for (const placement of former) await this.#fetchOnce(taskId, objectNameOf(placement, taskId), mode);
    }
    const record = this.#claims.find(taskId);
    return record?.state === "moved" ? record.to : undefined;
  }

  #fetchOnce(taskId: string, from: string, mode: "takes" | "looks"): Promise<void> {
    const key = `${mode} ${taskId} ${from}`;
    const fetching = this.#fetching.get(key);
    if (fetching !== undefined) return fetching;
    const fetch = this.#fetch(taskId, from, mode).finally(() => this.#fetching.delete(key));
    this.#fetching.set(key, fetch);
    return fetch;
  }

  /** Asks a former object for the record. Unless it answers nothing is certain, and nothing may be claimed. */
  async #fetch(taskId: string, from: string, mode: "takes" | "looks"): Promise<void> {
    const own = this.ctx.id.name ?? "";
    let name = from;
    for (let hop = 0; hop < HOPS_MAX && name !== own; hop++) {
      const object = this.env.TASK_REQUESTS.getByName(name);
      const answer = await within<HandoverAnswer>(HANDOVER_WITHIN_MS, object.handOver(taskId, own, mode === "takes"));
      if (answer.kind === "nothing") return;
      if (answer.kind === "given") {
        this.#handover.take(answer.parcel);
        // Lost, it only keeps the parcel longer than need be.
        void object.handedOver(taskId, own).catch(() => undefined);
        return;
      }
      name = answer.object;
    }
  }

  /** A change of the tables and the alarm that follows from it, as one unit. */
  #change(change: () => void): void {
    try {
      this.ctx.storage.transactionSync(() => {
        change();
        this.#arm();
      });
    } catch (error) {
      this.#claims.rolledBack();
      throw error;
    }
  }

  /** Arms the alarm for the earliest of what is due, read from the tables now; nobody sleeps on an older read. */
  #arm(): void {
    const times = [this.#claims.nextDueAtMs(), this.#seen.dueAtMs()].filter((time) => time !== null);
    if (times.length === 0) return;
    void this.ctx.storage.setAlarm(Math.max(Math.min(...times), this.#services.clock.nowMs() + ALARM_SOONEST_MS));
  }
}
