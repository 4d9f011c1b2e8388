import { reindexMemories } from "../../../data/memories/reindex-store";
import { workByCursor } from "../../parts/cursor-work";
import { embedMissing } from "../../vectors/embed-memories";
import { nextMemories } from "./memory-pages";
import type { PartRun, RunServices, TurnOutcome } from "../../parts/part-work";

/**
 * Makes anew what searches read of a collection, some hundred memories a step, and the vectors that they lack.
 * @throws ServiceError `unavailable` when the embedder cannot answer now: the part goes back, and is tried later.
 */
export function rebuildPart(services: RunServices, run: PartRun<"rebuild">): Promise<TurnOutcome> {
  const { collectionId } = run.command;
  const { namespaceId } = run.lease.part;
  return workByCursor(services, run, async ({ at, result }) => {
    const page = await nextMemories(services, namespaceId, collectionId, at);
    const memories = result.memories + page.memories.length;
    const ids = page.memories.map(({ id }) => id);
    // Before the step is written: vectors may be made twice, and are never missing. Those that stand are left alone.
    await embedMissing(services, { namespaceId, collectionId }, ids);
    return {
      at: page.after,
      result: { collectionId, memories },
      done: memories,
      failed: 0,
      last: page.last,
      write: (step) => reindexMemories(services.db, step, ids),
    };
  });
}
