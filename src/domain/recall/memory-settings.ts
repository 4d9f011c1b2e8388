/**
 * One group of memory settings: how a recall weighs and cuts what it finds. Field names are EleanorAI's; ranges,
 * defaults and strategies are this project's own.
 */
export interface MemorySettings {
  /** Use this group at all. */
  readonly enabled: boolean;
  /** How many candidates a search returns, per bound collection: 1–200. */
  readonly topKVectors: number;
  /** Weights of the components, each 0–10; not all three zero. */
  readonly relevanceAlpha: number;
  readonly importanceAlpha: number;
  readonly recencyAlpha: number;
  /** Drops what scores lower: 0–1. */
  readonly minScore: number;
  /** Keeps at most so many: 0–100. */
  readonly maxMemories: number;
  readonly maxMemoryStrategy: MaxMemoryStrategy;
}

export const MAX_MEMORY_STRATEGIES = [
  "highest_score",
  "most_relevant",
  "most_important",
  "most_recent",
  "diverse",
] as const;
export type MaxMemoryStrategy = (typeof MAX_MEMORY_STRATEGIES)[number];

export const DEFAULT_MEMORY_SETTINGS: MemorySettings = {
  enabled: true,
  topKVectors: 20,
  relevanceAlpha: 1,
  importanceAlpha: 0.5,
  recencyAlpha: 0.5,
  minScore: 0,
  maxMemories: 10,
  maxMemoryStrategy: "highest_score",
};

export const TOP_K_VECTORS_MAX = 200;
export const ALPHA_MAX = 10;
export const MAX_MEMORIES_MAX = 100;

/** Fills what is not given: from the agent's own settings where it has some, else from the defaults. */
export function resolveMemorySettings(
  given: Partial<MemorySettings> | null,
  base: Partial<MemorySettings> = {},
): MemorySettings {
  return { ...DEFAULT_MEMORY_SETTINGS, ...base, ...given };
}

/** True when no component has any weight, so that no score could be made. */
export function hasNoWeight(settings: MemorySettings): boolean {
  return settings.relevanceAlpha === 0 && settings.importanceAlpha === 0 && settings.recencyAlpha === 0;
}
