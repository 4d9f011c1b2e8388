import type { ItemResult, PendingItem } from "../../../data/parts/item-store";
import { NO_USAGE, type TaskUsage } from "../../../domain/tasks/task";
import type { PartRun, RunServices } from "../../parts/part-work";
import type { ReVoiceRequest } from "../../ports/ports";
import { type BegunCall, type CallMeter, isBusy, OutOfCalls, reVoiceMemory, unavailableOf } from "./re-voice-memory";
import { likelyTokens } from "./estimate-tokens";
import type { CallPlace } from "../../model/call-slots";
import type { ServiceError } from "../../errors/errors";
import type { RecallContext } from "./work-on-part";

/**
 * A memory has a strike when the model did not answer for it, and then answered another call. So many make it `failed`:
 * where one call in seven fails by chance, so many in a row meet one memory of 120,000.
 */
export const ITEM_STRIKES_MAX = 6;
/** Failures without an answer in between, or before them, after which a turn asks for no further memory. */
const FAILURES_IN_A_ROW_MAX = 2;
/**
 * So long after its deadline a turn that has begun nothing still waits for a call. Then it makes room: where many wait for
 * few slots, it would else hold its leases until they are taken from it, and that is an attempt.
 */
export const FIRST_CALL_WITHIN_MS = 60_000;

interface Unanswered {
  readonly item: PendingItem;
  readonly error: ServiceError;
  /** Calls of the turn that were begun until it failed. */
  readonly begunBefore: number;
}

/**
 * The calls of one turn on one part: it counts them, and finds out whether what was not answered is the matter of one
 * memory or of the model.
 */
export class PartTurn {
  /** By position. */
  readonly #unanswered = new Map<number, Unanswered>();
  readonly #meter: CallMeter = { begin: () => this.#begin() };
  #begun = 0;
  /** The latest begun of the calls that were answered. */
  #lastAnswered = 0;
  #failuresInARow = 0;
  #leftOver = 0;
  #fault: unknown;

  constructor(
    private readonly services: RunServices,
    private readonly run: PartRun<"re-voice">,
  ) {}

  /** No further memory is begun in this turn. */
  get isOver(): boolean {
    const inARow = this.#lastAnswered === 0 ? 1 : FAILURES_IN_A_ROW_MAX;
    const isAskedToWait = [...this.#unanswered.values()].some(asksToWait);
    return this.run.lease.lost || this.#fault !== undefined || this.#failuresInARow >= inARow || isAskedToWait;
  }

  /** Memories that this turn has left for a later one. */
  get leftOver(): number {
    return this.#leftOver;
  }

  /** What the turn is to throw when all is written: undefined where each memory that was begun came to its end. */
  get fault(): unknown {
    const [unanswered] = this.#unanswered.values();
    return this.#fault ?? unanswered?.error;
  }

  /** Leaves a memory for a later turn. */
  leave(): undefined {
    this.#leftOver += 1;
    return undefined;
  }

  /**
   * Re-voices one memory, once the turn allows it.
   * @returns undefined when the memory is left for a later turn. @throws as reVoiceMemory; whoever gives up on the memory then
   * notes it ({@link failedOn}).
   */
  async reVoice(item: PendingItem, context: RecallContext): Promise<ItemResult | undefined> {
    if (this.isOver) return this.leave();
    const { command, lease } = this.run;
    const { modelTimeoutSeconds } = this.services.limits;
    const { taskId } = lease.part;
    const input = { taskId, command, item, ...context, modelTimeoutSeconds, calls: this.#meter, signal: lease.signal };
    try {
      return await reVoiceMemory(this.services.generator, input);
    } catch (error) {
      if (error instanceof OutOfCalls) return this.leave();
      throw error;
    }
  }

  /** A memory is given up in this turn. Noted before its slot is free, so that the next memory is not begun. */
  failedOn(item: PendingItem, error: unknown): void {
    const unavailable = unavailableOf(error);
    if (unavailable === undefined) this.#fault ??= error;
    else this.#unanswered.set(item.position, { item, error: unavailable, begunBefore: this.#begun });
  }

  /** Something of the turn failed. That the model did not answer for a memory is noted already. */
  failed(error: unknown): void {
    const isNoted = [...this.#unanswered.values()].some((each) => each.error === error);
    if (!isNoted) this.#fault ??= error;
  }

  /**
   * Once nothing of the turn is in flight: decides about the memories for which the model did not answer.
   * @returns those that had their last strike, as `failed`.
   */
  async end(): Promise<readonly ItemResult[]> {
    if (this.#fault !== undefined || this.run.lease.lost) return [];
    if (this.#isCheckDue()) await this.#checkModel();
    const hasStrike = (each: Unanswered) => !asksToWait(each) && this.#lastAnswered > each.begunBefore;
    const all = [...this.#unanswered.values()];
    const struckOut = all.filter((each) => hasStrike(each) && each.item.strikes + 1 >= ITEM_STRIKES_MAX);
    for (const { item } of struckOut) this.#unanswered.delete(item.position);
    const open = all.filter((each) => !struckOut.includes(each));
    const noted = open.map((each) => ({ position: each.item.position, strike: hasStrike(each) }));
    this.run.lease.calls.notAnsweredFor(noted);
    return struckOut.map(({ item }) => failed(item));
  }

  /**
   * Where nothing else is left to ask the model for, it is asked to retell a sentence of ours: from the second turn on in
   * which a part comes to nothing, or for a memory that has a strike already. Nothing else is left also where it did not
   * answer for these in a former turn: such memories go last, so what is left over is of their kind. There may be more of
   * them than slots.
   */
  #isCheckDue(): boolean {
    const unproven = [...this.#unanswered.values()].filter(({ begunBefore }) => this.#lastAnswered <= begunBefore);
    const isAskedToWait = unproven.some(asksToWait);
    const isSilent = this.run.lease.attempts > 1 && this.#lastAnswered === 0;
    const isSuspect = isSilent || unproven.some(({ item }) => item.strikes > 0);
    const isLast = this.#leftOver === 0 || unproven.every(({ item }) => item.unanswered > 0);
    return unproven.length > 0 && isLast && !isAskedToWait && isSuspect;
  }

  /** Asks as for a memory of the part, without what is the memory's own. Its text is no one's memory, and is not kept. */
  async #checkModel(): Promise<void> {
    const { services, run } = this;
    const request = checkRequest(run, new Date(services.clock.nowMs()).toISOString());
    const tokens = likelyTokens(run.command, { source: null }, { sourceContext: [], agentContext: [] });
    // That the model is busy is told to its gate; for the turn it is no answer.
    await services.modelCalls.run(this.#checkPlace(), tokens, () => this.#check(request)).catch(nothing);
  }

  /** It gives up on nothing that is kept. */
  #checkPlace(): CallPlace {
    const { lease, turn } = this.run;
    const { namespaceId, taskId } = lease.part;
    const untilMs = this.services.clock.nowMs() + FIRST_CALL_WITHIN_MS;
    return {
      namespaceId,
      taskId,
      deadlineMs: turn.deadlineMs,
      isOver: (nowMs) => lease.lost || nowMs >= untilMs,
      begin: nothing,
      fail: nothing,
    };
  }

  /** @returns undefined when it was not answered, or the budget has no call for it. @throws when the model is busy. */
  async #check(request: ReVoiceRequest): Promise<{ readonly usage: TaskUsage } | undefined> {
    const { services, run } = this;
    const call = this.#begin();
    if (call === undefined) return undefined;
    const timeout = AbortSignal.timeout(services.limits.modelTimeoutSeconds * 1_000);
    try {
      const { usage } = await services.generator.reVoice(request, {
        signal: AbortSignal.any([run.lease.signal, timeout]),
      });
      call.answered(usage);
      return { usage: { modelCalls: 1, ...usage } };
    } catch (error) {
      call.unanswered(isBusy(error));
      if (isBusy(error)) throw error;
      return undefined;
    }
  }

  #begin(): BegunCall | undefined {
    const { lease } = this.run;
    if (!lease.takeCall()) return undefined;
    this.#begun += 1;
    const number = this.#begun;
    return {
      answered: (usage) => {
        this.#lastAnswered = Math.max(this.#lastAnswered, number);
        this.#failuresInARow = 0;
        lease.calls.answered(usage);
      },
      unanswered: (busy) => {
        // One that says when to come again is asked again then: it is not away.
        if (!busy) this.#failuresInARow += 1;
        lease.calls.unanswered();
      },
    };
  }
}

const nothing = (): void => undefined;

/** A model that says when to come again has too much to do: that is no memory's matter. */
function asksToWait({ error }: Unanswered): boolean {
  return isBusy(error);
}

/** The time makes it another question each time: a cache before the model must not answer it. */
function checkRequest({ command, lease }: PartRun<"re-voice">, now: string): ReVoiceRequest {
  return {
    idempotencyKey: `${lease.part.taskId}:check:${now}`,
    agent: command.agent,
    memory: { memoryId: "check", text: `I looked at the clock, and it was ${now}.`, occurredAt: now },
    position: 0,
    sourceContext: [],
    agentContext: [],
    instructions: command.instructions,
    repair: null,
  };
}

function failed({ position, sourceMemoryId }: PendingItem): ItemResult {
  const detail = `The model did not answer for this memory in ${ITEM_STRIKES_MAX} turns, and each time it answered another call after that.`;
  const problem = { code: "memory-unanswered", detail };
  // What its calls used up is counted with its part.
  return { position, sourceMemoryId, verdict: "failed", memory: null, problem, usage: NO_USAGE };
}
