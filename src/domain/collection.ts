import type { Metadata } from "./agent";

export interface Collection {
  readonly id: string;
  /** A label; two collections may have the same. */
  readonly name: string;
  readonly description: string | null;
  /** The owner of a re-voiced collection, else null. */
  readonly agentId: string | null;
  readonly metadata: Metadata;
  readonly memoryCount: number;
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly deletedAtMs: number | null;
}
