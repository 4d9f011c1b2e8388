import type { Metadata } from "../metadata";

export const MEMORY_TYPES = ["observation", "integration"] as const;
export type MemoryType = (typeof MEMORY_TYPES)[number];

export const MEMORY_TEXT_MAX_CHARACTERS = 8_000;
export const IMPORTANCE_MIN = 1;
export const IMPORTANCE_MAX = 10;
export const IMPORTANCE_DEFAULT = 5;
export const MEMORIES_PER_CALL_MAX = 100;
export const MEMO_MAX_CHARACTERS = 2_000;
export const EXTERNAL_ID_MAX_CHARACTERS = 200;
export const CHILD_MEMORIES_MAX = 100;

export interface Memory {
  readonly id: string;
  readonly collectionId: string;
  readonly agentId: string | null;
  /** 1–8,000 characters. */
  readonly text: string;
  /** Indexed beside the text, and embedded instead of it. */
  readonly vectorText: string | null;
  readonly type: MemoryType;
  /** 1–10. */
  readonly importance: number;
  readonly memo: string | null;
  readonly metadata: Metadata;
  readonly occurredAtMs: number | null;
  readonly createdAtMs: number;
  readonly accessedAtMs: number | null;
  readonly accessCount: number;
  readonly childMemoryIds: readonly string[];
  /** The client's own id, unique in its collection. */
  readonly externalId: string | null;
  /** Of a re-voiced memory: what it was made of, and by which task. */
  readonly source: { readonly memoryId: string; readonly taskId: string } | null;
  /** Counts changes of its content, deletions and returns, from 1. */
  readonly version: number;
  readonly deletedAtMs: number | null;
}

/** What a client says of a memory. */
export type MemoryContent = Pick<
  Memory,
  | "text"
  | "vectorText"
  | "type"
  | "importance"
  | "memo"
  | "metadata"
  | "occurredAtMs"
  | "agentId"
  | "childMemoryIds"
  | "externalId"
>;
