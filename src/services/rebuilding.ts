import { reindexMemories } from "../data/memory-reindex";
import type { CursorStep, StepOutcome } from "../data/task-cursor-store";
import type { Memory } from "../domain/memory";
import type { Services } from "./context";
import { workByCursor } from "./cursor-work";
import { nextMemories } from "./memory-pages";
import type { PartRun, RunServices, TurnOutcome } from "./part-run";

/** Makes anew what searches read of a collection, some hundred memories a step. */
export function rebuildPart(services: RunServices, run: PartRun<"rebuild">): Promise<TurnOutcome> {
  const { collectionId } = run.command;
  const { namespaceId } = run.lease.part;
  return workByCursor(services, run, async ({ at, result }) => {
    const page = await nextMemories(services, namespaceId, collectionId, at);
    const memories = result.memories + page.memories.length;
    return {
      at: page.after,
      result: { collectionId, memories },
      done: memories,
      failed: 0,
      last: page.last,
      write: (step) => reindex(services, step, page.memories),
    };
  });
}

/**
 * Brings what searches read of these memories up to date, and writes the step. What lives outside the database, such as
 * vectors in an index, is to be made before the write: it may then be made twice, and never be missing.
 */
function reindex(services: Services, step: CursorStep, memories: readonly Memory[]): Promise<StepOutcome> {
  return reindexMemories(
    services.db,
    step,
    memories.map(({ id }) => id),
  );
}
