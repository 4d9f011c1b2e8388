import { FairTurns, type TurnPlace } from "../../domain/model/fair-turns";
import type { TaskUsage } from "../../domain/tasks/task";
import { errorText } from "../../domain/basics/error-text";
import type { Services } from "../context";
import { ServiceError } from "../errors/errors";
import { GateShare } from "./gate-client";
import { othersTurn } from "../basics/next-event-loop-turn";

/** Whose memory waits for a call of the model, and how long it may. */
export interface CallPlace extends TurnPlace {
  /** Before this time it waits for a model that wants to be left alone; if that wants longer, it gives up. */
  readonly deadlineMs: number;
  /** True when it need not be begun any more. */
  isOver(nowMs: number): boolean;
  begin(): void;
  /** Told of what a call threw before its slot is free, so that nothing else of the part is begun. */
  fail(error: unknown): void;
}

/** What became of a memory that waited: its work was done, or it was not begun, and why it need not come back before a time. */
export type Called<T> =
  | { readonly begun: true; readonly value: T }
  | { readonly begun: false; readonly restUntilMs: number };

type CallServices = Pick<Services, "clock" | "log" | "modelGate"> & {
  readonly limits: Pick<Services["limits"], "modelCallsPerInvocation">;
};

/** A generator that reckons instead of waiting holds the thread; so many calls, and what else there is has its turn. */
const BEGUN_AT_ONCE = 4;

interface Waiter {
  readonly place: CallPlace;
  readonly tokens: number;
  /** Null: begin. */
  readonly answer: (over: { readonly restUntilMs: number } | null) => void;
}

/**
 * The calls of the model that one invocation holds open: never more than it may, shared out in turns between namespaces
 * and tasks, and each within what the gate of the model has granted. One memory holds one slot, also while its answer is
 * mended: it has at most one call open.
 */
export class ModelCalls {
  readonly #waiting = new FairTurns<Waiter>();
  readonly #open = new Map<string, number>();
  readonly #callsMax: number;
  readonly #share: GateShare | null;
  #openCalls = 0;
  /** Since the event loop last came round. */
  #begunAtOnce = 0;

  constructor(private readonly services: CallServices) {
    this.#callsMax = services.limits.modelCallsPerInvocation;
    const demand = { open: this.#open, waiting: () => this.#waiting.sizes(), callsMax: this.#callsMax };
    this.#share = services.modelGate && new GateShare(services, services.modelGate, demand, () => this.#pump());
  }

  /**
   * Does `work` as soon as it may have a slot. A model that asks for a rest gets it, for all; the work is done again after
   * it, if that is before the deadline of its place.
   * @param tokens what it will use, estimated.
   * @param work undefined where it came to no answer of the model. @throws what the work threw.
   */
  async run<T extends { readonly usage: TaskUsage } | undefined>(
    place: CallPlace,
    tokens: number,
    work: () => Promise<T>,
  ): Promise<Called<T>> {
    for (;;) {
      const over = await this.#enter(place, tokens);
      if (over !== null) return { begun: false, ...over };
      try {
        const value = await work();
        if (value !== undefined) this.#share?.answered(tokens, value.usage);
        return { begun: true, value };
      } catch (error) {
        if (!this.#restsInTime(place, error)) {
          place.fail(error);
          throw error;
        }
      } finally {
        this.#leave(place);
      }
    }
  }

  /** Gives back what the gate has granted. To be called when nothing is open and nothing waits any more. */
  async close(): Promise<void> {
    await this.#share?.close();
  }

  #enter(place: CallPlace, tokens: number): Promise<{ readonly restUntilMs: number } | null> {
    return new Promise((answer) => {
      this.#waiting.add(place, { place, tokens, answer });
      this.#share?.awaits(tokens);
      this.#pump();
    });
  }

  #leave({ namespaceId }: CallPlace): void {
    this.#openCalls -= 1;
    const open = (this.#open.get(namespaceId) ?? 1) - 1;
    if (open === 0) this.#open.delete(namespaceId);
    else this.#open.set(namespaceId, open);
    this.#pump();
  }

  #pump(): void {
    const nowMs = this.services.clock.nowMs();
    const restUntilMs = this.#share?.restUntilMs ?? 0;
    const isOver = ({ place }: Waiter) => place.isOver(nowMs) || restUntilMs > Math.max(nowMs, place.deadlineMs);
    for (const { answer } of this.#waiting.removeIf(isOver)) answer({ restUntilMs });
    while (this.#openCalls < this.#callsMax && this.#begunAtOnce < BEGUN_AT_ONCE) {
      const next = this.#waiting.take((namespaceId) => this.#admits(namespaceId, nowMs));
      if (next === undefined) break;
      this.#begin(next);
    }
    this.#share?.look();
  }

  #nextRound(): void {
    this.#begunAtOnce = 0;
    this.#pump();
  }

  #admits(namespaceId: string, nowMs: number): boolean {
    return this.#share === null || this.#share.admits(namespaceId, nowMs);
  }

  #begin({ place, tokens, answer }: Waiter): void {
    this.#openCalls += 1;
    this.#begunAtOnce += 1;
    if (this.#begunAtOnce === BEGUN_AT_ONCE) void othersTurn().then(() => this.#nextRound());
    this.#open.set(place.namespaceId, (this.#open.get(place.namespaceId) ?? 0) + 1);
    this.#share?.began(tokens);
    place.begin();
    answer(null);
  }

  /** Notes that the model wants to be left alone. @returns whether the place can wait so long. */
  #restsInTime(place: CallPlace, error: unknown): boolean {
    if (this.#share === null || !(error instanceof ServiceError)) return false;
    const { kind, retryAfterSeconds } = error.value;
    if (kind !== "unavailable" || retryAfterSeconds === undefined) return false;
    this.services.log("info", "model-busy", { rest_seconds: retryAfterSeconds, error: errorText(error) });
    this.#share.throttled(retryAfterSeconds);
    return this.#share.restUntilMs <= place.deadlineMs && !place.isOver(this.services.clock.nowMs());
  }
}
