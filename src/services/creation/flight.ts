import { errorText } from "../../domain/basics/error-text";
import { TimeLimitError, within } from "../../domain/basics/time-limit";
import type { Task } from "../../domain/tasks/task";
import { HELD_IDS_MAX } from "../../domain/tasks/reservation";
import { type ReadForCreation, readForCreation, readStanding } from "../../data/requests/creation-read-store";
import {
  type BulkEntry,
  type CreationEntry,
  idsOfRows,
  writeCreations,
} from "../../data/requests/creation-write-store";
import type { Services } from "../context";
import { type ErrorValue, notFound, ServiceError } from "../errors/errors";
import { outcomeOf } from "../errors/outcome";
import type { CalledBulk, CreationAnswer, CreationCall } from "../ports/task-requests";
import { announceEnds, type RunEnd } from "../tasks/announce-end";
import { rateLimited } from "../access/rate-limit";
import { FlightAnswers } from "./flight-answers";
import { FlightBulks } from "./flight-bulks";
import { tooManyHeld } from "./held-ids";
import { knownReferencesOf } from "./known-references";
import { idsOf, planEntry } from "./plan-task";

/** A call, and the bulk that it came in. */
export type FlyingCall = CreationCall & { readonly bulk: CalledBulk | null };

/** An own time limit for each trip, so that no caller waits for a database that hangs. */
export const TRIP_WITHIN_MS = 5_000;
/** So often the guards of an insert may refuse before the call is given up: each time something else came first. */
const ROUNDS_MAX = 3;

/**
 * One flight: creations that are answered together, of one request id or of many. No other flight of the same ids is under
 * way in this object; another object may have one, and then the primary key decides.
 *
 * First trip: the rows that stand, and all that new ones refer to, in one snapshot. A row with content decides. Otherwise
 * each call is judged by its own faults, and the first of an id that has none inserts. Second trip: one transaction
 * of guarded inserts and of a read of what stands then, which decides for all calls of the id. Where it decides nothing
 * the guards have refused, and the flight begins again. With all references remembered the first trip is left out.
 *
 * In doubt: once an insert may have been sent under a call id, and so on every second try, only a row answers that call.
 */
class Flight {
  readonly #answers: FlightAnswers;
  /** Their quota was taken: once for each call. */
  readonly #charged = new Set<FlyingCall>();

  constructor(
    private readonly services: Services,
    private readonly calls: readonly FlyingCall[],
  ) {
    this.#answers = new FlightAnswers(calls);
  }

  async fly(): Promise<readonly CreationAnswer[]> {
    const nowMs = this.services.clock.nowMs();
    this.#doubt(
      this.calls.filter((call) => call.deadlineMs < nowMs),
      "It came after its deadline.",
    );
    await this.#flyKnown();
    for (let round = 0; round < ROUNDS_MAX && this.#answers.open.length > 0; round++) await this.#round();
    this.#doubt(this.#answers.open, "What it refers to changed again and again.");
    await this.#answers.explain(this.services, TRIP_WITHIN_MS);
    await this.#ring();
    return this.calls.map((call) => this.#answers.of(call));
  }

  async #round(): Promise<void> {
    const read = await this.#read();
    if (read === undefined) return;
    knownReferencesOf(this.services.db).keep(read.references);
    this.#answers.decide(read);
    const bulksOfRound = new FlightBulks(this.calls, (call) => this.#answers.isAccepted(call));
    const entries = await this.#judge(read, bulksOfRound);
    const bulks = bulksOfRound.toWrite(read, entries);
    if (entries.length > 0 || bulks.length > 0) await this.#write(entries, bulks);
  }

  /** The first trip. The database cannot be asked: then nothing was started. */
  async #read(): Promise<ReadForCreation | undefined> {
    const { open } = this.#answers;
    try {
      return await within(TRIP_WITHIN_MS, readForCreation(this.services.db, wantedOf(open)));
    } catch (error) {
      const reason = errorText(error);
      this.services.log("warn", "creation-checks-failed", { error: reason });
      for (const call of open) this.#refuse(call, uncheckable().value, reason);
      return undefined;
    }
  }

  /**
   * One trip, without a read: only where every call has content of its own and no fault, all that it refers to is
   * remembered, and its quota is taken before. What is remembered may let in, because the guard tells, but never refuses.
   */
  async #flyKnown(): Promise<void> {
    const known = knownReferencesOf(this.services.db);
    const entries: CreationEntry[] = [];
    for (const [leader] of this.#answers.groups()) {
      if (leader === undefined || leader.door !== "task" || leader.bulk !== null) return;
      const planned = await outcomeOf(() => planEntry(leader, known, undefined));
      if (!planned.ok || !(await this.#hasQuota(leader))) return;
      entries.push(planned.value);
    }
    if (entries.length > 0) await this.#write(entries, []);
  }

  /** @returns for each id whose row decides nothing: what its first call without a fault writes. */
  async #judge(read: ReadForCreation, bulks: FlightBulks): Promise<readonly CreationEntry[]> {
    const entries: CreationEntry[] = [];
    for (const group of this.#answers.groups()) {
      for (const call of group.filter((each) => bulks.mayWrite(each))) {
        const planned = await outcomeOf(() => this.#plan(call, read));
        if (planned.ok) {
          entries.push(planned.value);
          bulks.write(call);
          break;
        }
        this.#refuse(call, planned.error, planned.error.message);
      }
    }
    return entries;
  }

  /** @throws ServiceError the call's own fault: its quota, its form, what it refers to. */
  async #plan(call: FlyingCall, read: ReadForCreation): Promise<CreationEntry> {
    if (!(await this.#hasQuota(call))) throw rateLimited();
    const row = read.requests.get(call.taskId);
    // An id that was reserved for another type is not there for this one.
    if (call.door === "fill" && read.tasks.get(call.taskId)?.type !== call.type) throw notFound("task");
    const entry = await planEntry(call, read.references, row?.requestId);
    const isHeld = (row?.heldUntilMs ?? null) !== null;
    if (call.door === "reservation" && !isHeld && read.heldBy(call.namespaceId) >= HELD_IDS_MAX) throw tooManyHeld();
    return entry;
  }

  /** The rate of a key counts what is made: a replay never comes here, but where a read was left out. */
  async #hasQuota(call: FlyingCall): Promise<boolean> {
    const { claimRate } = this.services;
    if (claimRate === null || this.#charged.has(call)) return true;
    const taken = await claimRate.take(call.keyId);
    if (taken) this.#charged.add(call);
    return taken;
  }

  /** The second trip. One bad row undoes the whole: so what no row answers then is sent once more, by itself. */
  async #write(entries: readonly CreationEntry[], bulks: readonly BulkEntry[]): Promise<void> {
    const failure = await this.#send(entries, bulks);
    if (failure === undefined) return;
    const left = entries.filter(({ task }) => this.#answers.openOf(task.id).length > 0);
    const isLate = failure instanceof TimeLimitError;
    if (entries.length > 1 && !isLate) {
      for (const entry of left) {
        const ofEntry = bulks.filter(({ id }) => id === entry.claim.bulkId);
        const again = await this.#send([entry], ofEntry);
        // Nothing answers: then each of the others would take its time too.
        if (again instanceof TimeLimitError) break;
        if (again !== undefined) this.#doubt(this.#answers.openOf(entry.task.id), errorText(again));
      }
    }
    for (const { task } of left) this.#doubt(this.#answers.openOf(task.id), errorText(failure));
  }

  /**
   * Writes, and answers from what stands then. After an error the row is read back: it decides.
   * @returns the error, where there was one.
   */
  async #send(entries: readonly CreationEntry[], bulks: readonly BulkEntry[]): Promise<unknown> {
    const { db, limits } = this.services;
    const wanted = { entries, bulks };
    try {
      this.#answers.decide(await within(TRIP_WITHIN_MS, writeCreations(db, wanted, limits.ringSeconds * 1_000)));
      return undefined;
    } catch (error) {
      this.services.log("warn", "creation-not-written", { count: entries.length, error: errorText(error) });
      const standing = await within(TRIP_WITHIN_MS, readStanding(db, idsOfRows(wanted))).catch(() => undefined);
      if (standing !== undefined) this.#answers.decide(standing);
      return error;
    }
  }

  #refuse(call: FlyingCall, error: ErrorValue, reason: string): void {
    // An item that stands is accepted, though its bulk is not yet.
    if (call.isSecondTry || this.#answers.isAccepted(call)) this.#doubt([call], reason);
    else this.#answers.set(call, { kind: "refused", error });
  }

  #doubt(calls: readonly FlyingCall[], reason: string): void {
    for (const call of calls) this.#answers.set(call, { kind: "unproven", reason });
  }

  /** After the rows stand: a bell is a courtesy, and the row says when the sweeper looks. */
  async #ring(): Promise<void> {
    const made = this.#answers.made().filter(({ status }) => status === "created");
    if (made.length > 0) await this.services.bells.ringOnce(made.map(({ id }) => id));
    // What is born canceled has ended: somebody may want to hear of it.
    const ended = this.#answers.made().filter(({ status, webhook }) => status === "canceled" && webhook !== null);
    if (ended.length > 0) await announceEnds(this.services, ended.map(toEnd));
  }
}

function toEnd({ id, run, watchedUntilMs }: Task): RunEnd {
  return { id, run, watchedUntilMs, hasWebhook: true };
}

/** Answers creations together: for each, in its place. Never throws because of one of them. */
export function createTogether(services: Services, calls: readonly FlyingCall[]): Promise<readonly CreationAnswer[]> {
  return new Flight(services, calls).fly();
}

function wantedOf(calls: readonly FlyingCall[]) {
  const referred = calls.map((call) => ({
    namespaceId: call.namespaceId,
    ...(call.wanted.ok ? idsOf(call.wanted.value) : { agentIds: [], collectionIds: [] }),
  }));
  return {
    requests: calls.flatMap(({ taskId: id, namespaceId, bulk }) => [
      { id, namespaceId },
      ...(bulk === null ? [] : [bulk]),
    ]),
    agents: referred.flatMap(({ namespaceId, agentIds }) => agentIds.map((id) => ({ namespaceId, id }))),
    collections: referred.flatMap(({ namespaceId, collectionIds }) => collectionIds.map((id) => ({ namespaceId, id }))),
    heldIn: calls.filter(({ door }) => door === "reservation").map(({ namespaceId }) => namespaceId),
  };
}

function uncheckable(): ServiceError {
  const detail = "The request could not be checked, and nothing was started. Send it again.";
  return new ServiceError("unavailable", "creation-unavailable", detail);
}
