import { errorText } from "../../domain/basics/error-text";
import {
  type CollectionRemoval,
  findRemoval,
  listRemovals,
  removeCollection as removeStored,
  removeStep,
} from "../../data/collections/removal-store";
import { type CollectionTies, countCollectionTies, findCollection } from "../../data/collections/collection-store";
import { softDeleteCollection } from "./collections";
import type { CallContext, Services } from "../context";
import { gone, notFound, ServiceError } from "../errors/errors";
import type { Swept, SweepTime } from "../basics/swept";

/** Memories that are removed in one transaction: D1 serves nobody else during it. */
export const REMOVAL_STEP_MEMORIES = 1_000;
/** After so long a call removes no more. A hundred thousand memories take about as long on a small machine. */
export const REMOVAL_SECONDS = 20;
/** Removals that one sweep goes on with. */
const REMOVALS_PER_SWEEP = 10;

export interface Removal {
  /** Remove it for good, instead of marking it as deleted. */
  readonly hard: boolean;
  /** Change nothing: only count. */
  readonly dryRun: boolean;
}

/**
 * Deletes a collection: softly, so that it can come back with its memories and bindings; or for good, with both. For
 * good, nobody finds it from the first moment on; its memories are removed in steps of bounded size. What a call does not
 * get done is done by the sweeper, or by the same call sent again.
 * @returns what goes, or would go.
 * @throws ServiceError `collection-not-found`, `collection-deleted` (unless `hard`), `removal-pending`.
 */
export async function removeCollection(
  ctx: CallContext,
  id: string,
  { hard, dryRun }: Removal,
): Promise<CollectionTies & { readonly collections: number }> {
  const { db, namespaceId } = ctx;
  const collection = await findCollection(db, namespaceId, id);
  const pending = collection === undefined ? await findRemoval(db, namespaceId, id) : undefined;
  if (collection === undefined && (pending === undefined || !hard)) throw notFound("collection");
  if (!hard && collection !== undefined) {
    if (collection.deletedAtMs !== null) throw gone("collection");
    if (!dryRun) await softDeleteCollection(ctx, id);
    return { collections: 1, memories: collection.memoryCount, bindings: 0 };
  }
  const ties = await countCollectionTies(db, namespaceId, id);
  const counts = { collections: collection === undefined ? 0 : 1, ...ties };
  if (dryRun) return counts;
  if (collection !== undefined) await removeStored(db, namespaceId, id);
  if (await finishRemoval(ctx, { namespaceId, collectionId: id }, ctx.clock.nowMs() + REMOVAL_SECONDS * 1_000))
    return counts;
  const detail = "The collection is gone; memories of it are still being removed. Send the same call again to be sure.";
  throw new ServiceError("unavailable", "removal-pending", detail, { extensions: { collection_id: id } });
}

/** Goes on with the removals that were left over. One that fails holds up no other of its page. */
export async function sweepRemovals(services: Services, { endMs }: SweepTime): Promise<Swept> {
  const left = await listRemovals(services.db, REMOVALS_PER_SWEEP);
  let count = 0;
  for (const removal of left) {
    try {
      await finishRemoval(services, removal, endMs);
      count += 1;
    } catch (error) {
      services.log("warn", "removal-failed", { collection_id: removal.collectionId, error: errorText(error) });
    }
  }
  return { count, hasMore: count > 0 };
}

/** @returns whether all is removed. Every step may be done again, and there is one at least, however late it is. */
async function finishRemoval({ db, clock }: Services, removal: CollectionRemoval, endMs: number): Promise<boolean> {
  while (await removeStep(db, removal, REMOVAL_STEP_MEMORIES)) if (clock.nowMs() >= endMs) return false;
  return true;
}
