import pLimit from "p-limit";
import type { Database } from "../../data/database/database";
import { announceVectors, findVectorRemovals, forgetVectors } from "../../data/vectors/removal-store";
import { findVectorSeqs, markVectors, removeVectorMarks } from "../../data/vectors/vector-store";
import type { VectorIndexName } from "../../domain/vectors/vector-space";
import type { RemoteVectors, VectorIndex } from "../ports/ports";

/** A Worker has at most six connections that wait for headers. */
const QUERIES_AT_ONCE = 5;
/** A vector that speaks for nothing is left alone for so long: it may be on its way to speak for a memory. */
export const REMOVED_AFTER_SECONDS = 600;
/** Vectors that one sweep removes. */
const REMOVED_AT_ONCE_MAX = 100;

/**
 * Keeps vectors outside of the database, and in it which memories have one. The nearest memories of a collection have a
 * cosine, REMOTE_NEAREST_MAX at most before filters; all others count by their words.
 */
export function remoteIndex(db: Database, name: VectorIndexName, remote: RemoteVectors): VectorIndex {
  return {
    name,
    async put(place, space, embedded) {
      // First, so that no vector can lie there that nobody knows of.
      await announceVectors(
        db,
        embedded.map(({ id }) => id),
      );
      await remote.upsert(
        space,
        embedded.map(({ id, vector }) => ({ ...place, memoryId: id, vector })),
      );
      const marked = await markVectors(db, place, space, embedded);
      const changed = embedded.filter(({ seq }) => !marked.has(seq)).map(({ seq }) => seq);
      // Whoever changed a text may have stored its vector already, and ours came after it: a rebuild makes it anew.
      if (changed.length > 0) await removeVectorMarks(db, place, changed);
      return marked.size;
    },
    async compare(space, { vector, namespaceId, collectionIds, filters }) {
      const atOnce = pLimit(QUERIES_AT_ONCE);
      const cosines = await Promise.all(
        collectionIds.map((collectionId) =>
          atOnce(async () => {
            const near = await remote.nearest(space, { vector, namespaceId, collectionId });
            const memoryIds = near.map(({ memoryId }) => memoryId);
            if (memoryIds.length === 0) return new Map<number, number>();
            const place = { namespaceId, collectionId };
            const seqs = await findVectorSeqs(db, place, space, { memoryIds, filters });
            return new Map(
              near.flatMap(({ memoryId, cosine }) => {
                const seq = seqs.get(memoryId);
                return seq === undefined ? [] : [[seq, cosine] as const];
              }),
            );
          }),
        ),
      );
      return { cosines, incomplete: null };
    },
    async sweep() {
      const memoryIds = await findVectorRemovals(db, {
        afterMs: REMOVED_AFTER_SECONDS * 1_000,
        limit: REMOVED_AT_ONCE_MAX,
      });
      if (memoryIds.length === 0) return 0;
      await remote.remove(memoryIds);
      await forgetVectors(db, memoryIds);
      return memoryIds.length;
    },
  };
}
