import type { Collection } from "../../domain/collections/collection";
import { errorText } from "../../domain/basics/error-text";
import type { RecallFilters } from "../../domain/recall/recall-filters";
import { isSameSpace } from "../../domain/vectors/vector-space";
import type { CallContext } from "../context";
import { embedderOf } from "../vectors/embedder-status";
import { embedTexts, spaceOf } from "../vectors/embed-memories";
import { ServiceError } from "../errors/errors";

export interface ComparedVectors {
  /** For each collection the cosine of memories with the query, by `seq`; none where no vectors were compared. */
  readonly cosines: readonly ReadonlyMap<number, number>[];
  /** Why not all vectors were compared, or null when all were, or there are none. */
  readonly degradedReason: string | null;
}

/**
 * Embeds a query and compares it with the vectors of each collection that has any of this embedder. Where the embedder fails, words
 * answer without it.
 * @throws what the database threw.
 */
export async function compareVectors(
  ctx: CallContext,
  collections: readonly Collection[],
  { query, filters }: { readonly query: string; readonly filters: RecallFilters },
): Promise<ComparedVectors> {
  const { dense } = ctx;
  if (dense === null) return { cosines: [], degradedReason: null };
  const space = spaceOf(dense);
  const unembedded = collections.some((collection) => embedderOf(ctx, collection)?.needsRebuild === true);
  const lacking = unembedded ? UNEMBEDDED : null;
  const asked = collections.filter(({ vectors }) => vectors.some((each) => isSameSpace(each, space)));
  if (asked.length === 0) return { cosines: [], degradedReason: lacking };
  try {
    const [vector] = (await embedTexts(dense, [query])).vectors;
    if (vector === undefined) throw new Error("The embedder made no vector.");
    const collectionIds = asked.map(({ id }) => id);
    const found = await dense.index.compare(space, { vector, namespaceId: ctx.namespaceId, collectionIds, filters });
    const byCollection = new Map(asked.map(({ id }, at) => [id, found.cosines[at]]));
    return {
      cosines: collections.map(({ id }) => byCollection.get(id) ?? NONE),
      degradedReason: found.incomplete ?? lacking,
    };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    ctx.log("error", "embedder-failed", { embedder: dense.embedder.id, error: errorText(error) });
    return {
      cosines: [],
      degradedReason: `The ${dense.embedder.id} embedder cannot answer now: words alone were found.`,
    };
  }
}

const UNEMBEDDED =
  "Memories have no vector of this embedder yet: words alone find them until PATCH /v1/collections/{collection_id}/rebuild.";

const NONE: ReadonlyMap<number, number> = new Map();
