import type { Metadata } from "../metadata";
import type { SpaceCount } from "../vectors/vector-space";

export interface Collection {
  readonly id: string;
  /** A label; two collections may have the same. */
  readonly name: string;
  readonly description: string | null;
  /** The owner of a re-voiced collection, else null. */
  readonly agentId: string | null;
  readonly metadata: Metadata;
  readonly memoryCount: number;
  /** How many of its memories have a vector, for each embedder that made some. */
  readonly vectors: readonly SpaceCount[];
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly deletedAtMs: number | null;
}
