import { chronological } from "./memory-selection";

/** Tokens are counted as so many characters each, whatever the model. */
export const CHARACTERS_PER_TOKEN = 4;
export const CONTEXT_TOKENS_DEFAULT = 2_000;
export const CONTEXT_TOKENS_MAX = 200_000;

/** One memory as a prompt tells it. */
export interface ContextChunk {
  readonly memoryId: string;
  readonly text: string;
  readonly tokens: number;
}

export interface RecallContext {
  /** The chunks, one a line. */
  readonly text: string;
  /** Oldest first. */
  readonly chunks: readonly ContextChunk[];
}

interface ContextMemory {
  readonly memoryId: string;
  readonly text: string;
  readonly occurredAtMs: number | null;
  readonly createdAtMs: number;
}

/**
 * Tells memories in the order of time, within a budget. The best come in first; one that no longer fits is left out as a
 * whole, and a smaller one after it may still fit. A date stands before a memory that has one.
 * @param bestFirst each memory at most once.
 */
export function contextOf(bestFirst: readonly ContextMemory[], budgetTokens: number): RecallContext {
  let left = budgetTokens * CHARACTERS_PER_TOKEN;
  const kept: (ContextMemory & { readonly line: string })[] = [];
  for (const memory of bestFirst) {
    const line = lineOf(memory);
    const cost = line.length + (kept.length === 0 ? 0 : 1);
    if (cost > left) continue;
    left -= cost;
    kept.push({ ...memory, line });
  }
  const chunks = chronological(kept).map(({ memoryId, line }) => ({ memoryId, text: line, tokens: tokensOf(line) }));
  return { text: chunks.map(({ text }) => text).join("\n"), chunks };
}

function lineOf({ text, occurredAtMs }: ContextMemory): string {
  return occurredAtMs === null ? text : `[${new Date(occurredAtMs).toISOString().slice(0, 10)}] ${text}`;
}

function tokensOf(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}
