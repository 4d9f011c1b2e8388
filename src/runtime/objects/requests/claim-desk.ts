import { mismatchPointers, type RequestMaterial, WHOLE_REQUEST } from "../../../domain/tasks/request";
import { isUnfilled, reservationEndsAtMs } from "../../../domain/tasks/reservation";
import { parseOwnJson } from "../../../domain/basics/own-json";
import { bornTask, type Task } from "../../../domain/tasks/task";
import { within } from "../../../domain/basics/time-limit";
import { checkClaims, type CheckedClaim } from "../../../services/creation/check-claims";
import { notFound, ServiceError } from "../../../services/errors/errors";
import type { ClaimAnswer, ClaimRequest } from "../../../services/ports/task-requests";
import { headOf } from "../../../services/tasks/remove-task";
import { readTasks } from "../../../services/tasks/task-rows";
import { firstDueMs } from "./backoff";
import type { Claim, Tombstone } from "./claim-record";
import { type DeskParts, findHere } from "./desk-parts";
import { type Gathered, Gatherer, TooManyWaiting } from "./gatherer";
import { ROW_WITHIN_MS } from "./outbox";

/** What a look-up found, where more is to be done than to answer. */
type Step = { readonly kind: "go-on" } | Extract<ClaimAnswer, { kind: "refused" | "unknown" | "mismatch" }>;

const GO_ON: Step = { kind: "go-on" };

/** The row that stands is a tombstone, or must become one. */
interface Over {
  readonly kind: "over";
  readonly standing: Task;
}

type Known = ReturnType<typeof findHere>;

/**
 * Answers creations: look-up; for what is not known the checks; then look-up and claim in one step; then the row. The
 * bell is rung after the answer. What comes together is read, claimed and written together.
 */
export class ClaimDesk {
  readonly #claiming: Gatherer<ClaimRequest, Step | Over>;
  readonly #reads: Gatherer<ClaimRequest, Task | undefined>;

  constructor(private readonly parts: DeskParts) {
    const { services } = parts;
    this.#claiming = new Gatherer(taskOf, (requests) => this.#claimTogether(requests));
    this.#reads = new Gatherer(taskOf, async (requests) => {
      const tasks = await within(ROW_WITHIN_MS, readTasks(services, requests));
      return succeeded(requests.map(({ taskId }) => tasks.get(taskId)));
    });
  }

  async answer(request: ClaimRequest): Promise<ClaimAnswer> {
    try {
      return await this.#answer(request);
    } finally {
      this.parts.claims.settle(request.taskId);
    }
  }

  async #answer(request: ClaimRequest): Promise<ClaimAnswer> {
    const { taskId } = request;
    let known = this.#findFirst(taskId);
    if (this.#isOver(known)) known = await this.#endReservation(taskId);
    const step = this.#lookUp(request, known);
    if (step !== undefined && step.kind !== "go-on") return step;
    if (step === undefined) {
      const checked = await this.#check(request);
      if (checked.kind !== "go-on") return checked;
      known = this.#find(taskId);
    } else if (known?.state === "claimed" && !known.rowDone) {
      await this.parts.driver.drive(taskId, "call");
      known = this.#find(taskId);
    }
    return this.#show(request, known);
  }

  #isOver(known: Known): boolean {
    const isOpen = known?.state === "claimed" && known.unfilled;
    return isOpen && (known.keepUntilMs ?? Infinity) <= this.parts.services.clock.nowMs();
  }

  /** A reservation whose time is up ends now, though its alarm is late. @returns what stands then. */
  async #endReservation(taskId: string): Promise<Known> {
    await this.parts.driver.attend(taskId, "call");
    const known = this.#find(taskId);
    if (this.#isOver(known)) throw new Error("A reservation is over, and that could not be written.");
    return known;
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
    const step = await this.#claiming.add(request).catch(refuseCrowd);
    if (step.kind !== "over") return step;
    await this.parts.driver.retire({ task: headOf(step.standing) });
    return GO_ON;
  }

  /** A tombstone in one place is made one in both; a reservation of which only the row is left ends in time too. */
  #isOverByRow({ door }: ClaimRequest, standing: Task, known: Known): boolean {
    if (standing.deletedAtMs !== null) return true;
    const isReserved = door === "fill" && isUnfilled(standing) && known === undefined;
    return isReserved && reservationEndsAtMs(standing.createdAtMs) <= this.parts.services.clock.nowMs();
  }

  /**
   * Checks what came together in one read, then claims it. The first call of each task goes before the others of it: they
   * find its claim, and need no check; nor does a call whose task was claimed while it waited.
   */
  async #claimTogether(requests: readonly ClaimRequest[]): Promise<readonly Gathered<Step | Over>[]> {
    const steps = new Map<ClaimRequest, Gathered<Step | Over>>();
    const firsts = new Set(new Map(requests.toReversed().map((request) => [request.taskId, request])).values());
    await this.#claimUnknown([...firsts], steps);
    // Behind one that was refused they are checked too, each by itself.
    await this.#claimUnknown(
      requests.filter((request) => !firsts.has(request)),
      steps,
    );
    return requests.map((request) => steps.get(request) ?? UNANSWERED);
  }

  /**
   * Each is claimed by a look-up and a write without an await between, all in one transaction. No other call can come in,
   * and one durable write serves them all. One group does both, because two that waited for each other would be smaller:
   * what comes meanwhile is the next.
   */
  async #claimUnknown(
    requests: readonly ClaimRequest[],
    steps: Map<ClaimRequest, Gathered<Step | Over>>,
  ): Promise<void> {
    const attempt = (request: ClaimRequest, step: () => Step | Over | undefined): void => {
      try {
        const value = step();
        if (value !== undefined) steps.set(request, { ok: true, value });
      } catch (error) {
        steps.set(request, { ok: false, error });
      }
    };
    for (const request of requests) attempt(request, () => this.#lookUp(request, this.#find(request.taskId)));
    const unknown = requests.filter((request) => !steps.has(request));
    if (unknown.length > 0) {
      try {
        const group = await checkClaims(this.parts.services, unknown);
        this.parts.change(() => {
          for (const checked of group) attempt(checked.request, () => this.#claimOne(checked));
        });
        await this.parts.durable();
      } catch (error) {
        for (const request of unknown) steps.set(request, { ok: false, error });
      }
    }
    await Promise.all(requests.filter((each) => isGoingOn(steps.get(each))).map(({ taskId }) => this.#drive(taskId)));
  }

  /** The row belongs to the group, so that what comes meanwhile is one group too, and not several smaller ones. */
  async #drive(taskId: string): Promise<void> {
    const { claims, driver } = this.parts;
    const claim = claims.find(taskId);
    if (claim?.state === "claimed" && !claim.rowDone) await driver.drive(taskId, "call");
  }

  #claimOne(checked: CheckedClaim): Step | Over {
    const { request, standing } = checked;
    const known = this.#find(request.taskId);
    if (standing !== undefined && this.#isOverByRow(request, standing, known)) return { kind: "over", standing };
    return this.#lookUp(request, known) ?? this.#claim(checked, known);
  }

  #claim({ request, verdict, standing }: CheckedClaim, known: Known): Step {
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

  /** @param claim as it stands now: nothing was awaited since it was found. */
  async #show(request: ClaimRequest, claim: Known): Promise<ClaimAnswer> {
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

  /** The first look of a call: when it finds none, the looks that follow need not ask again. */
  #findFirst(taskId: string): Known {
    return this.parts.claims.findFor(taskId) === undefined ? undefined : this.#find(taskId);
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

/** Nothing was looked at for this call, so it started nothing. @throws any other error. */
function refuseCrowd(error: unknown): Step {
  if (!(error instanceof TooManyWaiting)) throw error;
  const detail = "So many requests wait at once that this one was not looked at: it started nothing. Send it again.";
  const { value } = new ServiceError("unavailable", "creation-unavailable", detail);
  return { kind: "refused", error: value, standing: null };
}

const UNANSWERED: Gathered<never> = { ok: false, error: new Error("A claim got no answer.") };

function taskOf({ taskId }: ClaimRequest): string {
  return taskId;
}

function isGoingOn(step: Gathered<Step | Over> | undefined): boolean {
  return step?.ok === true && step.value.kind === "go-on";
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
