import type { ItemResult, PendingItem } from "../../../data/parts/item-store";
import type { CallPlace } from "../../model/call-slots";
import type { PartRun, RunServices } from "../../parts/part-work";
import { FIRST_CALL_WITHIN_MS, type PartTurn } from "./unanswered-memories";
import { likelyTokens } from "./estimate-tokens";
import type { RecallContext } from "./work-on-part";

/** The memories of one part in one turn, as they wait for calls of the model and get them. */
export class PartCalls {
  #begun = 0;
  #toBegin: number;

  constructor(
    private readonly services: RunServices,
    private readonly run: PartRun<"re-voice">,
    private readonly part: PartTurn,
    items: number,
  ) {
    this.#toBegin = items;
    this.#lookAhead();
  }

  /** Memories that were begun. */
  get begun(): number {
    return this.#begun;
  }

  /** @returns undefined when it was left for a later turn. @throws what the re-voicing threw. */
  async reVoice(item: PendingItem, context: RecallContext): Promise<ItemResult | undefined> {
    const tokens = likelyTokens(this.run.command, item, context);
    const called = await this.services.modelCalls.run(this.#placeOf(item), tokens, () =>
      this.part.reVoice(item, context),
    );
    const { turn } = this.run;
    if (!called.begun) {
      turn.restUntilMs = Math.max(turn.restUntilMs, called.restUntilMs);
      return this.part.leave();
    }
    if (called.value !== undefined) turn.answered += 1;
    return called.value;
  }

  #placeOf(item: PendingItem): CallPlace {
    const { lease, turn } = this.run;
    const { namespaceId, taskId } = lease.part;
    return {
      namespaceId,
      taskId,
      deadlineMs: turn.deadlineMs,
      // However slow the model is, a turn that gets a call does one memory at least: it is progress.
      isOver: (nowMs) => this.part.isOver || nowMs >= turn.deadlineMs + (turn.begun > 0 ? 0 : FIRST_CALL_WITHIN_MS),
      begin: () => {
        turn.begun += 1;
        this.#begun += 1;
        this.#toBegin -= 1;
        this.#lookAhead();
      },
      fail: (error) => this.part.failedOn(item, error),
    };
  }

  /** The next part is read while there is still enough of this one to fill the slots. */
  #lookAhead(): void {
    if (this.#toBegin < this.services.limits.modelCallsPerInvocation) this.run.readAhead();
  }
}
