import { NO_USAGE, type TaskUsage } from "./task";

/** What a task may use up at most, over all its runs; null for what has no bound. */
export interface TaskBudget {
  /** Calls of the generator that are begun. */
  readonly maxModelCalls: number | null;
  /** Tokens in and out, as the provider counts them. */
  readonly maxTokens: number | null;
}

export const NO_BUDGET: TaskBudget = { maxModelCalls: null, maxTokens: null };
export const MAX_MODEL_CALLS_MAX = 10_000_000;
export const MAX_TOKENS_MAX = 1_000_000_000_000;

/**
 * Calls that one memory costs at most, outages and crashes apart: one, and one more where the answer of the first could
 * not be used, or did not pass the guard.
 */
export const MODEL_CALLS_PER_MEMORY_MAX = 2;

/** What a part may still use; null where there is no budget. */
export interface CallAllowance {
  readonly callsLeft: number | null;
  readonly tokensLeft: number | null;
}

/** What a turn used up that its items do not tell: it is written when the part is given back. */
export interface TurnExtras {
  readonly usage: TaskUsage;
  readonly unansweredCalls: number;
  /** Items for which the model did not answer, and whether it answered another call after that. */
  readonly unansweredItems: readonly { readonly position: number; readonly strike: boolean }[];
}

interface Tokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** The book of one part under one lease: what its calls may use, what they used, and what of that its items tell. */
export class CallLedger {
  #callsLeft: number | null;
  /** As the database had it when it was last asked. */
  #tokensLeft: number | null;
  /** Answered, and not written with an item yet. */
  #open: TaskUsage = NO_USAGE;
  #unansweredCalls = 0;
  #unansweredItems: TurnExtras["unansweredItems"] = [];

  constructor({ callsLeft, tokensLeft }: CallAllowance) {
    this.#callsLeft = callsLeft;
    this.#tokensLeft = tokensLeft;
  }

  /** Takes one call. @returns false when the budget has none left for this part: then none may be begun. */
  take(): boolean {
    if (this.#callsLeft !== null && this.#callsLeft < 1) return false;
    if (this.#tokensLeft !== null && this.#tokensLeft <= tokensOf(this.#open)) return false;
    if (this.#callsLeft !== null) this.#callsLeft -= 1;
    return true;
  }

  /** What was reserved is no longer ours: the lease has lapsed, and others may have reserved it. */
  forfeit(): void {
    if (this.#callsLeft !== null) this.#callsLeft = 0;
  }

  answered({ inputTokens, outputTokens }: Tokens): void {
    this.#open = sum(this.#open, { modelCalls: 1, inputTokens, outputTokens });
  }

  unanswered(): void {
    this.#unansweredCalls += 1;
  }

  notAnsweredFor(items: TurnExtras["unansweredItems"]): void {
    this.#unansweredItems = items;
  }

  /** @param tokensLeft of the whole task, once that is written; null without such a budget. */
  written(usage: TaskUsage, tokensLeft: number | null): void {
    const { modelCalls, inputTokens, outputTokens } = usage;
    this.#open = sum(this.#open, {
      modelCalls: -modelCalls,
      inputTokens: -inputTokens,
      outputTokens: -outputTokens,
    });
    this.#tokensLeft = tokensLeft;
  }

  get extras(): TurnExtras {
    return { usage: this.#open, unansweredCalls: this.#unansweredCalls, unansweredItems: this.#unansweredItems };
  }
}

function sum(a: TaskUsage, b: TaskUsage): TaskUsage {
  return {
    modelCalls: a.modelCalls + b.modelCalls,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
  };
}

function tokensOf({ inputTokens, outputTokens }: Tokens): number {
  return inputTokens + outputTokens;
}
