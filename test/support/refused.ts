import { it, expect } from "vitest";
import type { Answer } from "./api";
import { loggedCalls, resetFaults } from "./faults";
import { pointersOf, refusalOf } from "./refusal";
import { rowCounts } from "./tenant";

/** One bad input, and what it gets. */
export interface BadInput {
  /** What is sent, as the end of "refuses …". */
  readonly what: string;
  readonly send: () => Promise<Answer>;
  readonly refusal: string;
  /** Where the faults are; none when left out. */
  readonly pointers?: readonly string[];
}

/** Each is refused with a problem that says what to do, and nothing is written and nothing rung. */
export function refuses(inputs: readonly BadInput[]): void {
  it.each(inputs)("refuses $what", async ({ send, refusal, pointers = [] }) => {
    const before = await rowCounts();
    resetFaults();
    const answer = await send();
    expect([refusalOf(answer), pointersOf(answer)]).toEqual([refusal, pointers]);
    expect(loggedCalls().filter((label) => label.startsWith("queue: send"))).toEqual([]);
    expect(await rowCounts()).toEqual(before);
  });
}
