import { mismatchPointers, type RequestMaterial, WHOLE_REQUEST } from "../domain/request";
import { isUnfilled, reservationEndsAtMs } from "../domain/reservation";
import { parseOwnJson } from "../domain/own-json";
import { bornTask, type Task } from "../domain/task";
import { within } from "../domain/time-limit";
import { checkClaims, type CheckedClaim } from "../services/check-claim";
import { notFound } from "../services/errors";
import type { ClaimAnswer, ClaimRequest } from "../services/ports";
import { headOf } from "../services/task-removal";
import { readTasks } from "../services/watch-task";
import { firstDueMs } from "./backoff";
import type { Claim, ClaimRecord, Tombstone } from "./claim-record";
import { type DeskParts, findHere } from "./desk-parts";
import { type Gathered, Gatherer } from "./gatherer";
import { ROW_WITHIN_MS } from "./outbox";

/** What a look-up found, where more is to be done than to answer. */
type Step = { readonly kind: "go-on" } | Extract<ClaimAnswer, { kind: "refused" | "unknown" | "mismatch" }>;

const GO_ON: Step = { kind: "go-on" };

type Known = ReturnType<typeof findHere>;
type Checked = CheckedClaim & { readonly request: ClaimRequest };

/**
 * Answers creations: look-up; for what is not known the checks; then look-up and claim in one step; then the row and the
 * bell. What comes together is read, claimed and written together.
 */
export class ClaimDesk {
  readonly #checks: Gatherer<ClaimRequest, CheckedClaim>;
  readonly #claiming: Gatherer<Checked, Step>;
  readonly #reads: Gatherer<ClaimRequest, Task | undefined>;

  constructor(private readonly parts: DeskParts) {
    const { services } = parts;
    this.#checks = new Gatherer(async (requests) => succeeded(await checkClaims(services, requests)));
    this.#claiming = new Gatherer((checked) => this.#claimTogether(checked));
    this.#reads = new Gatherer(async (requests) => {
      const tasks = await within(ROW_WITHIN_MS, readTasks(services, requests));
      return succeeded(requests.map(({ taskId }) => tasks.get(taskId)));
    });
  }

  async answer(request: ClaimRequest): Promise<ClaimAnswer> {
    const { taskId } = request;
    await this.#endReservation(taskId);
    const step = this.#lookUp(request, this.#find(taskId)) ?? (await this.#check(request));
    if (step.kind !== "go-on") return step;
    const record = this.#find(taskId);
    if (record?.state === "claimed" && !record.rowDone) await this.parts.driver.drive(taskId, "call");
    return this.#show(request);
  }

  /** A reservation whose time is up ends now, though its alarm is late. */
  async #endReservation(taskId: string): Promise<void> {
    const { driver, services } = this.parts;
    const isOver = (record: ClaimRecord | undefined) =>
      record?.state === "claimed" && record.unfilled && (record.keepUntilMs ?? Infinity) <= services.clock.nowMs();
    if (!isOver(this.#find(taskId))) return;
    await driver.attend(taskId, "call");
    if (isOver(this.#find(taskId))) throw new Error("A reservation is over, and that could not be written.");
  }

  /** @returns undefined when nothing that is known decides. */
  #lookUp(request: ClaimRequest, known: Known): Step | undefined {
    if (known === undefined || known.state === "stone") return undefined;
    const { namespaceId } = known.state === "claimed" ? known.task : known.head;
    // The id of a fill is the client's: of another namespace it is told nothing.
    if (namespaceId !== request.namespaceId) return { kind: "unknown" };
    if (known.state !== "claimed") return GO_ON;
    if (request.door === "fill" && known.unfilled) return undefined;
    return isSame(known, request) ? GO_ON : this.#mismatch(known, request);
  }

  /** Only what no claim is known of is checked, so a replay is never refused for what has changed since. */
  async #check(request: ClaimRequest): Promise<Step> {
    const checked = await this.#checks.add(request);
    const { standing } = checked;
    if (standing !== undefined && this.#isOverByRow(request, standing)) {
      await this.parts.driver.retire({ task: headOf(standing) });
      return GO_ON;
    }
    return this.#claiming.add({ ...checked, request });
  }

  /** A tombstone in one place is made one in both; a reservation of which only the row is left ends in time too. */
  #isOverByRow({ door, taskId }: ClaimRequest, standing: Task): boolean {
    if (standing.deletedAtMs !== null) return true;
    const isReserved = door === "fill" && isUnfilled(standing) && this.#find(taskId) === undefined;
    return isReserved && reservationEndsAtMs(standing.createdAtMs) <= this.parts.services.clock.nowMs();
  }

  /**
   * Claims what came together, each by a look-up and a write without an await between, all in one transaction: no other
   * call can come in, and one durable write serves them all.
   */
  async #claimTogether(group: readonly Checked[]): Promise<readonly Gathered<Step>[]> {
    let steps: readonly Gathered<Step>[] = [];
    this.parts.change(() => {
      steps = group.map((checked) => {
        try {
          const known = this.#find(checked.request.taskId);
          return { ok: true, value: this.#lookUp(checked.request, known) ?? this.#claim(checked, known) };
        } catch (error) {
          return { ok: false, error };
        }
      });
    });
    await this.parts.durable();
    return steps;
  }

  #claim({ request, verdict, standing }: Checked, known: Known): Step {
    const { claims, services } = this.parts;
    const { door } = request;
    const reservation = door === "fill" && standing !== undefined && isUnfilled(standing) ? standing : null;
    if (door === "fill" && known === undefined && reservation === null) return unreserved(standing);
    if (!verdict.ok)
      return { kind: "refused", error: verdict.error, standing: reservation === null ? (standing ?? null) : null };
    const nowMs = services.clock.nowMs();
    const times = { nowMs, dueAtMs: nowMs + firstDueMs(services.limits.leaseSeconds) };
    if (known?.state === "claimed") {
      claims.fill(request, verdict.value, times);
      return GO_ON;
    }
    const keepUntilMs = door === "reserve" ? reservationEndsAtMs(verdict.value.createdAtMs) : null;
    claims.insert(request, verdict.value, {
      ...times,
      keepUntilMs,
      cancelWanted: known !== undefined,
      fills: reservation?.fingerprint ?? null,
    });
    return GO_ON;
  }

  async #show(request: ClaimRequest): Promise<ClaimAnswer> {
    const claim = this.#find(request.taskId);
    if (claim?.state === "retired") return this.#retired(claim);
    if (claim?.state !== "claimed") throw new Error("A claim vanished while it was answered.");
    // The row turned out to hold another request while this call was under way.
    if (!isSame(claim, request)) return this.#mismatch(claim, request);
    const isFirst = claim.callId === request.callId;
    if (!isFirst) this.#count(claim.taskId, { replays: 1, mismatches: 0 });
    const kind = isFirst ? "claimed" : "replayed";
    if (!claim.rowDone) return { kind, task: null };
    if (isFirst && !claim.ended) return { kind, task: bornTask(claim.task) };
    const task = await this.#reads.add(request).catch(() => undefined);
    return { kind, task: task ?? null };
  }

  /** Told only when the row is a tombstone too: nobody reads an open task after that. */
  async #retired(record: Tombstone): Promise<ClaimAnswer> {
    return { kind: "retired", rowStands: record.rowDone || (await this.parts.driver.bury(record.head)) };
  }

  #mismatch(claim: Claim, request: ClaimRequest): Extract<ClaimAnswer, { kind: "mismatch" }> {
    this.#count(claim.taskId, { replays: 0, mismatches: 1 });
    const pointers =
      claim.material === ""
        ? [WHOLE_REQUEST]
        : mismatchPointers(materialOf(claim.material), materialOf(request.material));
    return { kind: "mismatch", firstSeenAtMs: claim.firstSeenAtMs, pointers };
  }

  #find(taskId: string) {
    return findHere(this.parts.claims, taskId);
  }

  #count(taskId: string, more: { readonly replays: number; readonly mismatches: number }): void {
    const { seen, services, arm } = this.parts;
    const first = seen.dueAtMs() === null;
    seen.add(taskId, { ...more, lastSeenAtMs: services.clock.nowMs() });
    // One write for all counts of the next minute; the others cost none.
    if (first) arm();
  }
}

/** A fill of an id that nobody has reserved; or that was filled, though no record is left of it. */
function unreserved(standing: Task | undefined): Step {
  if (standing === undefined) return { kind: "unknown" };
  return { kind: "refused", error: notFound("task").value, standing };
}

function succeeded<T>(values: readonly T[]): readonly Gathered<T>[] {
  return values.map((value) => ({ ok: true, value }));
}

/** A repeated reservation is the same also after its id was filled. */
function isSame(claim: Claim, request: ClaimRequest): boolean {
  const first = request.door === "reserve" ? (claim.reservedFingerprint ?? claim.fingerprint) : claim.fingerprint;
  return first === request.fingerprint;
}

function materialOf(text: string): RequestMaterial {
  return parseOwnJson<RequestMaterial>(text);
}
