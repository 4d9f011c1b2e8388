import { readMemories } from "../../../data/memories/memory-store";
import type { Memory } from "../../../domain/memories/memory";
import type { Position } from "../../../domain/page";
import type { Services } from "../../context";
import { referenceGone } from "../../parts/part-work";

/** Memories that are read at once: what is held in memory of a collection of any size. */
export const MEMORIES_PER_READ = 500;

export interface MemoryPage {
  readonly memories: readonly Memory[];
  /** Where the next begins. */
  readonly after: Position | null;
  readonly last: boolean;
}

/**
 * The next memories of a collection, oldest first.
 * @throws TaskFault `reference-gone` when the collection was deleted: what was read of it is not the whole.
 */
export async function nextMemories(
  services: Services,
  namespaceId: string,
  collectionId: string,
  after: Position | null,
): Promise<MemoryPage> {
  const memories = await readMemories(services.db, namespaceId, collectionId, after, MEMORIES_PER_READ);
  if (memories === undefined) throw referenceGone();
  const end = memories.at(-1);
  return {
    memories,
    after: end === undefined ? after : { createdAtMs: end.createdAtMs, id: end.id },
    last: memories.length < MEMORIES_PER_READ,
  };
}
