import { IMPORTANCE_MAX, IMPORTANCE_MIN, type Memory, type MemoryType } from "./memory";

/** Up to so many memories equal texts are counted: beyond, what would have to be remembered is too much. */
export const REPEATS_MEMORIES_MAX = 10_000;
/** So many different agents and metadata keys are counted; the rest together. */
export const NAMES_MAX = 50;
/** Upper bounds of the classes of length, in characters; the last class has none. */
export const LENGTH_BOUNDS = [50, 100, 200, 500, 1_000, 2_000, 4_000] as const;

export interface TimeRange {
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Counts by name; what came after the first {@link NAMES_MAX} names is counted as others. */
export interface NamedCounts {
  readonly counts: Readonly<Record<string, number>>;
  readonly others: number;
}

/** Figures of a collection, to which memories are added one by one in any number of turns. Plain JSON. */
export interface MemoryFigures {
  readonly memories: number;
  readonly types: Readonly<Partial<Record<MemoryType, number>>>;
  /** How many have importance 1, 2, … 10. */
  readonly importances: readonly number[];
  readonly created: TimeRange | null;
  readonly occurred: TimeRange | null;
  /** How many say when they occurred, were made of another, have an id of the client's, sum up others. */
  readonly withOccurredAt: number;
  readonly withSource: number;
  readonly withExternalId: number;
  readonly withChildren: number;
  /** Of the texts, in characters. */
  readonly characters: { readonly total: number; readonly min: number | null; readonly max: number | null };
  /** How many texts lie in each class of {@link LENGTH_BOUNDS}. */
  readonly lengths: readonly number[];
  readonly accesses: number;
  readonly agents: NamedCounts;
  readonly metadataKeys: NamedCounts;
  /** Memories whose text another has too, without the first of each. Null when it was not counted. */
  readonly repeats: number | null;
}

/** Figures on their way. */
export interface FiguresSoFar {
  readonly figures: MemoryFigures;
  /** Hashes of the texts seen; null once there are too many memories to remember. */
  readonly seenTexts: readonly string[] | null;
}

const NO_FIGURES: MemoryFigures = {
  memories: 0,
  types: {},
  importances: Array.from({ length: IMPORTANCE_MAX - IMPORTANCE_MIN + 1 }, () => 0),
  created: null,
  occurred: null,
  withOccurredAt: 0,
  withSource: 0,
  withExternalId: 0,
  withChildren: 0,
  characters: { total: 0, min: null, max: null },
  lengths: Array.from({ length: LENGTH_BOUNDS.length + 1 }, () => 0),
  accesses: 0,
  agents: { counts: {}, others: 0 },
  metadataKeys: { counts: {}, others: 0 },
  repeats: 0,
};

export const NOTHING_SEEN: FiguresSoFar = { figures: NO_FIGURES, seenTexts: [] };

/** The figures with these memories too. */
export function addToFigures(before: FiguresSoFar, memories: readonly Memory[]): FiguresSoFar {
  const { repeats, seenTexts } = repeatsOf(before, memories);
  return { figures: { ...countsOf(before.figures, memories), repeats }, seenTexts };
}

function countsOf(figures: MemoryFigures, memories: readonly Memory[]): Omit<MemoryFigures, "repeats"> {
  const count = (has: (memory: Memory) => boolean) => memories.filter((memory) => has(memory)).length;
  const lengths = memories.map(({ text }) => text.length);
  const types = { ...figures.types };
  for (const { type } of memories) types[type] = (types[type] ?? 0) + 1;
  return {
    memories: figures.memories + memories.length,
    types,
    importances: tally(
      figures.importances,
      memories.map(({ importance }) => importance - IMPORTANCE_MIN),
    ),
    created: widened(
      figures.created,
      memories.map(({ createdAtMs }) => createdAtMs),
    ),
    occurred: widened(
      figures.occurred,
      memories.flatMap(({ occurredAtMs }) => occurredAtMs ?? []),
    ),
    withOccurredAt: figures.withOccurredAt + count(({ occurredAtMs }) => occurredAtMs !== null),
    withSource: figures.withSource + count(({ source }) => source !== null),
    withExternalId: figures.withExternalId + count(({ externalId }) => externalId !== null),
    withChildren: figures.withChildren + count(({ childMemoryIds }) => childMemoryIds.length > 0),
    characters: charactersOf(figures.characters, lengths),
    lengths: tally(figures.lengths, lengths.map(classOf)),
    accesses: figures.accesses + memories.reduce((sum, { accessCount }) => sum + accessCount, 0),
    agents: named(
      figures.agents,
      memories.flatMap(({ agentId }) => agentId ?? []),
    ),
    metadataKeys: named(
      figures.metadataKeys,
      memories.flatMap(({ metadata }) => Object.keys(metadata)),
    ),
  };
}

function tally(counts: readonly number[], classes: readonly number[]): readonly number[] {
  const next = [...counts];
  for (const index of classes) next[index] = (next[index] ?? 0) + 1;
  return next;
}

function classOf(characters: number): number {
  const index = LENGTH_BOUNDS.findIndex((bound) => characters <= bound);
  return index === -1 ? LENGTH_BOUNDS.length : index;
}

function widened(range: TimeRange | null, times: readonly number[]): TimeRange | null {
  let next = range;
  for (const ms of times)
    next =
      next === null
        ? { firstMs: ms, lastMs: ms }
        : { firstMs: Math.min(next.firstMs, ms), lastMs: Math.max(next.lastMs, ms) };
  return next;
}

function charactersOf(before: MemoryFigures["characters"], lengths: readonly number[]): MemoryFigures["characters"] {
  let { total, min, max } = before;
  for (const length of lengths) {
    total += length;
    min = Math.min(min ?? length, length);
    max = Math.max(max ?? length, length);
  }
  return { total, min, max };
}

/** A name may be `__proto__`, so the counts are kept in a map and made an object without a setter's help. */
function named(before: NamedCounts, names: readonly string[]): NamedCounts {
  const counts = new Map(Object.entries(before.counts));
  let { others } = before;
  for (const name of names) {
    const known = counts.get(name);
    if (known === undefined && counts.size >= NAMES_MAX) others += 1;
    else counts.set(name, (known ?? 0) + 1);
  }
  return { counts: Object.fromEntries(counts), others };
}

function repeatsOf({ figures, seenTexts }: FiguresSoFar, memories: readonly Memory[]) {
  const tooMany = figures.memories + memories.length > REPEATS_MEMORIES_MAX;
  if (seenTexts === null || figures.repeats === null || tooMany) return { seenTexts: null, repeats: null };
  const seen = new Set(seenTexts);
  let { repeats } = figures;
  for (const { text } of memories) {
    const hash = hashOf(text);
    if (seen.has(hash)) repeats += 1;
    else seen.add(hash);
  }
  return { seenTexts: [...seen], repeats };
}

/** 53 bits, by cyrb53: among 10,000 texts two share one by chance once in a hundred million collections. */
function hashOf(text: string): string {
  let h1 = 0xdeadbeef;
  let h2 = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    h1 = Math.imul(h1 ^ unit, 2654435761);
    h2 = Math.imul(h2 ^ unit, 1597334677);
  }
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2246822507) ^ Math.imul(h2 ^ (h2 >>> 13), 3266489909);
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909);
  return (4294967296 * (2097151 & h2) + (h1 >>> 0)).toString(36);
}
