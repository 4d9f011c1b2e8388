import type { Database } from "../../data/database/database";
import { findBlocks, insertBlock, type VectorBlock } from "../../data/vectors/block-store";
import type { CollectionPlace } from "../../data/vectors/vector-store";
import {
  cosinesOf,
  joinVectors,
  packVectors,
  pickVectors,
  VECTORS_PER_BLOCK_MAX,
} from "../../domain/vectors/vector-block";
import type { VectorSpace } from "../../domain/vectors/vector-space";
import type { EmbeddedMemory, VectorIndex, VectorLikeness, VectorQuery } from "../ports/ports";

/**
 * Blocks that one search reads, over all its collections: 10,000 memories when they are full. At 1,536 dimensions that is
 * 20 MB on their way from the database; with more, an index that does not read everything serves better.
 */
export const BLOCKS_PER_SEARCH_MAX = 100;
/** Blocks in one answer of the database, and collections: 5 MB at 1,536 dimensions. */
const BLOCKS_PER_ANSWER_MAX = 25;
const COLLECTIONS_PER_ANSWER_MAX = 12;
/** Blocks that a write looks at, whether they and the new vectors fit into one. */
const MERGED_BLOCKS_MAX = 4;

/**
 * Keeps vectors in D1, in blocks of a collection, a byte a component. A search reads the blocks and compares them all: exact
 * up to the rounding, and bounded by BLOCKS_PER_SEARCH_MAX.
 */
export function blockIndex(db: Database): VectorIndex {
  return {
    name: "d1",
    put: (place, space, embedded) => put(db, place, space, embedded),
    compare: (space, query) => compare(db, space, query),
    // A block goes with its last memory.
    sweep: async () => 0,
  };
}

/** Writes one block. Small ones that came before are taken along, so that few blocks hold many memories. */
async function put(
  db: Database,
  place: CollectionPlace,
  space: VectorSpace,
  embedded: readonly EmbeddedMemory[],
): Promise<number> {
  const seqs = new Set(embedded.map(({ seq }) => seq));
  const [newest = []] = await findBlocks(db, space, [
    { ...place, filters: {}, before: null, limit: MERGED_BLOCKS_MAX },
  ]);
  const merged: VectorBlock[] = [];
  const kept: { readonly seqs: readonly number[]; readonly vectors: Int8Array }[] = [];
  let room = VECTORS_PER_BLOCK_MAX - embedded.length;
  for (const block of newest) {
    const positions = [...block.memorySeqs.keys()].filter((position) => {
      const seq = block.memorySeqs[position] ?? -1;
      return block.liveSeqs.has(seq) && !seqs.has(seq);
    });
    if (positions.length > room) continue;
    room -= positions.length;
    merged.push(block);
    kept.push({
      seqs: positions.map((position) => block.memorySeqs[position] ?? -1),
      vectors: pickVectors(block.vectors, space.dimensions, positions),
    });
  }
  return insertBlock(db, place, space, {
    id: crypto.randomUUID(),
    memorySeqs: [...kept.flatMap((each) => each.seqs), ...seqs],
    vectors: joinVectors([...kept.map(({ vectors }) => vectors), packVectors(embedded.map(({ vector }) => vector))]),
    embedded,
    mergedSeqs: merged.map(({ seq }) => seq),
  });
}

async function compare(db: Database, space: VectorSpace, query: VectorQuery): Promise<VectorLikeness> {
  const { namespaceId, filters, vector } = query;
  const share = Math.max(1, Math.floor(BLOCKS_PER_SEARCH_MAX / Math.max(1, query.collectionIds.length)));
  const scopes = query.collectionIds.map((collectionId) => ({
    collectionId,
    before: null as number | null,
    room: share,
    cosines: new Map<number, number>(),
  }));
  let incomplete = false;
  for (let waiting = scopes; waiting.length > 0;) {
    const turn = waiting.slice(0, COLLECTIONS_PER_ANSWER_MAX);
    // One more than is compared shows whether any are left.
    const each = Math.floor(BLOCKS_PER_ANSWER_MAX / turn.length) - 1;
    const limits = turn.map(({ room }) => Math.min(each, room));
    const queries = turn.map(({ collectionId, before }, at) => {
      return { namespaceId, collectionId, filters, before, limit: (limits[at] ?? 0) + 1 };
    });
    const found = await findBlocks(db, space, queries);
    const open = turn.filter((scope, at) => {
      const blocks = found[at] ?? [];
      const compared = blocks.slice(0, limits[at]);
      for (const block of compared) note(block, vector, scope.cosines);
      scope.room -= compared.length;
      scope.before = compared.at(-1)?.seq ?? null;
      const more = blocks.length > compared.length;
      if (more && scope.room === 0) incomplete = true;
      return more && scope.room > 0;
    });
    waiting = [...open, ...waiting.slice(turn.length)];
  }
  return {
    cosines: scopes.map(({ cosines }) => cosines),
    incomplete: incomplete ? TOO_MANY : null,
  };
}

const TOO_MANY =
  "There are more vectors than one search compares: of the older memories only words were found. An index such as Vectorize has no such limit.";

/** Of a memory's vectors the newest counts: it alone is among those that live. */
function note({ memorySeqs, vectors, liveSeqs }: VectorBlock, vector: Float32Array, cosines: Map<number, number>) {
  const all = cosinesOf(vector, vectors);
  for (const [position, seq] of memorySeqs.entries()) if (liveSeqs.has(seq)) cosines.set(seq, all[position] ?? 0);
}
