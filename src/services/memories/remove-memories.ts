import { countCollectionTies } from "../../data/collections/collection-store";
import { findMemoryIdByKey, findMemoryKey } from "../../data/memories/update-store";
import { removeMemory as removeStored, restoreMemory, truncateStep } from "../../data/memories/removal-store";
import type { Memory } from "../../domain/memories/memory";
import type { Position } from "../../domain/page";
import { type Removal, REMOVAL_SECONDS, REMOVAL_STEP_MEMORIES } from "../collections/remove-collection";
import { getCollection } from "../collections/collections";
import type { CallContext } from "../context";
import { embedStored } from "../vectors/embed-memories";
import { ServiceError } from "../errors/errors";
import { getMemory } from "./memories";
import { keepTrying } from "../optimistic-write";

/**
 * Deletes a memory of a live collection: softly, so that it can come back; or for good. Ids of it in `child_memory_ids`
 * and in the `source` of others stay: they say what those were made of.
 * @throws ServiceError `collection-not-found`, `collection-deleted`, `memory-not-found`, `memory-deleted` (unless `hard`).
 */
export async function removeMemory(
  ctx: CallContext,
  collectionId: string,
  id: string,
  { hard, dryRun }: Removal,
): Promise<void> {
  await getCollection(ctx, collectionId);
  await getMemory(ctx, collectionId, id, hard);
  if (dryRun) return;
  const { db, namespaceId } = ctx;
  if (await removeStored(db, { namespaceId, collectionId }, id, { hard })) return;
  // Another call came first: this says what it left.
  await getCollection(ctx, collectionId);
  await getMemory(ctx, collectionId, id, hard);
}

/**
 * Brings a deleted memory back; one that is not deleted stays as it is.
 * @throws ServiceError `collection-not-found`, `collection-deleted`, `memory-not-found`; `memory-exists`, which names the
 * memory that has its external id, or says the same, by now.
 */
export async function undeleteMemory(ctx: CallContext, collectionId: string, id: string): Promise<Memory> {
  const { db, namespaceId } = ctx;
  const restored = await keepTrying(ctx, memoryBusy, async () => {
    await restoreMemory(db, { namespaceId, collectionId }, id);
    await getCollection(ctx, collectionId);
    const memory = await getMemory(ctx, collectionId, id, true);
    if (memory.deletedAtMs === null) return memory;
    const sameKey = await findMemoryKey(db, namespaceId, id);
    const holder = sameKey === null ? undefined : await findMemoryIdByKey(db, namespaceId, collectionId, sameKey);
    if (holder !== undefined) throw memoryExists(holder, null);
    // What had its place went meanwhile.
    return undefined;
  });
  await embedStored(ctx, { namespaceId, collectionId }, [id]);
  return restored;
}

export function memoryBusy(): ServiceError {
  return new ServiceError("unavailable", "memory-busy", "Too many writers change this memory at once. Send it again.");
}

/** @param pointer where the call says what is there already; null when it says it nowhere. */
export function memoryExists(holderId: string, pointer: string | null): ServiceError {
  const detail = "Another memory of this collection has this external_id, or says the same. `memory_id` names it.";
  return new ServiceError("conflict", "memory-exists", detail, {
    ...(pointer !== null && { faults: [{ pointer, detail: "Another memory of this collection has it." }] }),
    extensions: { memory_id: holderId },
  });
}

/**
 * Deletes all memories of a live collection, softly or for good, in steps of bounded size, oldest first. Each step counts
 * exactly, and may be done again. What is added while it runs may stay.
 * @returns how many go, or would go, as counted before.
 * @throws ServiceError `collection-not-found`, `collection-deleted`; `truncation-unfinished` when the time of a call does
 * not suffice.
 */
export async function truncateMemories(
  ctx: CallContext,
  collectionId: string,
  { hard, dryRun }: Removal,
): Promise<number> {
  const { db, namespaceId, clock } = ctx;
  const { memoryCount } = await getCollection(ctx, collectionId);
  const count = hard ? (await countCollectionTies(db, namespaceId, collectionId)).memories : memoryCount;
  if (dryRun) return count;
  const endMs = clock.nowMs() + REMOVAL_SECONDS * 1_000;
  let after: Position | null = null;
  for (;;) {
    const mode = { hard, size: REMOVAL_STEP_MEMORIES };
    after = await truncateStep(db, { namespaceId, collectionId }, after, mode);
    if (after === null) break;
    if (clock.nowMs() >= endMs) throw unfinished();
  }
  // Deleted meanwhile: the steps after that removed nothing.
  await getCollection(ctx, collectionId);
  return count;
}

function unfinished(): ServiceError {
  const detail =
    "There are more memories than one call removes. Send the same call again: it goes on where it stopped.";
  return new ServiceError("unavailable", "truncation-unfinished", detail);
}
