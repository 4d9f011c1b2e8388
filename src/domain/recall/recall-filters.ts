import type { MemoryType } from "../memories/memory";

/** A value of metadata that can be asked for. */
export type MetadataValue = string | number | boolean | null;

/** Which memories a recall may bring up at all; what is not given asks nothing. */
export interface RecallFilters {
  readonly type?: MemoryType;
  /** When it happened, else when it was added: from this time on. */
  readonly occurredFromMs?: number;
  /** And before this time. */
  readonly occurredBeforeMs?: number;
  readonly importanceMin?: number;
  readonly importanceMax?: number;
  /** Each key has just this value, at the top of the memory's metadata. */
  readonly metadata?: Readonly<Record<string, MetadataValue>>;
}
