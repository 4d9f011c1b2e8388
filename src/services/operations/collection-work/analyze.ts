import {
  addToFigures,
  type FiguresSoFar,
  type MemoryFigures,
  NOTHING_SEEN,
} from "../../../domain/memories/memory-figures";
import type { Position } from "../../../domain/page";
import { getCollection } from "../../collections/collections";
import type { CallContext } from "../../context";
import { workByCursor } from "../../parts/cursor-work";
import { ServiceError } from "../../errors/errors";
import { MEMORIES_PER_READ, nextMemories } from "./memory-pages";
import type { PartRun, RunServices, TurnOutcome } from "../../parts/part-work";

/** A collection with more memories is analyzed by a task. */
export const ANALYZE_DIRECT_MEMORIES_MAX = 10_000;
/** For memories that are added while they are read. */
const DIRECT_READS_MAX = (2 * ANALYZE_DIRECT_MEMORIES_MAX) / MEMORIES_PER_READ;

/** Counts what a collection is made of, some hundred memories a step. */
export function analyzePart(services: RunServices, run: PartRun<"analyze">): Promise<TurnOutcome> {
  const { collectionId } = run.command;
  const { namespaceId } = run.lease.part;
  return workByCursor(services, run, async ({ at, result }) => {
    const page = await nextMemories(services, namespaceId, collectionId, at.after);
    const { figures, seenTexts } = addToFigures({ figures: result.figures, seenTexts: at.seenTexts }, page.memories);
    return {
      at: { after: page.after, seenTexts },
      result: { collectionId, figures },
      done: figures.memories,
      failed: 0,
      last: page.last,
    };
  });
}

/**
 * The same figures at once, for a collection that is not too large.
 * @throws ServiceError `collection-not-found`, `collection-deleted`, `analysis-too-large`.
 */
export async function analyzeNow(ctx: CallContext, collectionId: string): Promise<MemoryFigures> {
  const { memoryCount } = await getCollection(ctx, collectionId);
  if (memoryCount > ANALYZE_DIRECT_MEMORIES_MAX) throw tooLarge(memoryCount);
  let soFar: FiguresSoFar = NOTHING_SEEN;
  let after: Position | null = null;
  for (let reads = 0; reads < DIRECT_READS_MAX; reads++) {
    const page = await nextMemories(ctx, ctx.namespaceId, collectionId, after);
    soFar = addToFigures(soFar, page.memories);
    if (page.last) return soFar.figures;
    ({ after } = page);
  }
  throw tooLarge(soFar.figures.memories);
}

function tooLarge(memories: number): ServiceError {
  const detail = `This collection has ${memories} memories, and more than ${ANALYZE_DIRECT_MEMORIES_MAX} are not analyzed at once. Send Prefer: respond-async, and read the result of the task.`;
  return new ServiceError("invalid", "analysis-too-large", detail);
}
