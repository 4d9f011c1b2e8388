import type { Metadata } from "../metadata";
import type { MemorySettings } from "../recall/memory-settings";
import type { Voice } from "./voice";

export interface Agent {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly persona: string | null;
  readonly voice: Voice;
  /** What the agent's recalls use where a call gives nothing; only the fields that were set. */
  readonly memorySettings: Partial<MemorySettings>;
  readonly enabled: boolean;
  /** Owned by the system: users cannot change it. */
  readonly managed: boolean;
  readonly metadata: Metadata;
  /** Counts updates, from 1. */
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly deletedAtMs: number | null;
}

/** Collections that one agent may be bound to: a recall searches them all. */
export const AGENT_COLLECTIONS_MAX = 100;
