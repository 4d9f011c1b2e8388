import { z } from "@hono/zod-openapi";
import type { Collection } from "../../domain/collections/collection";
import { type EmbedderState, embedderOf } from "../../services/vectors/embedder-status";
import type { CollectionDraft } from "../../services/collections/collections";
import { DescriptionV1, listV1, MetadataV1, NameV1, TimestampV1, toTimestamp, withoutUndefined } from "./common.dto";
import type { Services } from "../../services/context";
import { searchFieldsV1 } from "./search.dto";

const CollectionNameV1 = NameV1.openapi({
  description: "A label; two collections may have the same.",
  example: "Summers at the harbour",
});
const CollectionDescriptionV1 = DescriptionV1.openapi({ example: "What Marta told of her childhood." });

export const CollectionCreateV1 = z
  .strictObject({
    name: CollectionNameV1,
    description: CollectionDescriptionV1.optional(),
    metadata: MetadataV1.optional(),
  })
  .openapi("CollectionCreateV1");

export const CollectionUpdateV1 = z
  .strictObject({
    name: CollectionNameV1,
    description: CollectionDescriptionV1,
    metadata: MetadataV1.openapi({ description: "Replaces the metadata as a whole." }),
  })
  .partial()
  .openapi("CollectionUpdateV1", { description: "What is not given stays; null clears." });

export const CollectionsSearchV1 = z
  .strictObject({
    ...searchFieldsV1,
    agent_id: z
      .string()
      .nullable()
      .openapi({ description: "Only what this agent owns; null: only what has no owner.", example: null }),
  })
  .partial()
  .openapi("CollectionsSearchV1", { example: { query: "summ harb" } });

export const CollectionRemovalV1 = z
  .object({
    collections: z.number().int().openapi({ example: 1 }),
    memories: z.number().int().openapi({
      description: "Memories that would go with it; with `hard=true` those that were deleted softly too.",
      example: 64,
    }),
    bindings: z.number().int().openapi({ description: "Bindings to agents that would go with it.", example: 2 }),
  })
  .openapi("CollectionRemovalV1");

export const CollectionV1 = z
  .object({
    collection_id: z.string().openapi({ example: "collection_0b7e4c1d9a5f4e6c8d2b3a1f0e9d8c7b" }),
    name: CollectionNameV1,
    description: CollectionDescriptionV1,
    agent_id: z
      .string()
      .nullable()
      .openapi({ description: "The agent that owns a re-voiced collection, else null.", example: null }),
    metadata: MetadataV1,
    memory_count: z.number().int().openapi({ description: "How many memories it has.", example: 64 }),
    embedder: z
      .object({
        id: z.string().openapi({ example: "embedded-glove-100d-20k" }),
        dimensions: z.number().int().openapi({ example: 100 }),
        needs_rebuild: z.boolean().openapi({
          description: "True when memories of it have no vector of this embedder: until a rebuild, words find them.",
          example: false,
        }),
      })
      .nullable()
      .openapi({ description: "What finds what is of like meaning in it; null where equal words alone are found." }),
    deleted: z.boolean().openapi({ example: false }),
    created_at: TimestampV1,
    updated_at: TimestampV1,
  })
  .openapi("CollectionV1");

export const CollectionListV1 = listV1(CollectionV1, "CollectionListV1");

export function toCollectionDraft(given: z.output<typeof CollectionCreateV1>): CollectionDraft {
  return { name: given.name, description: given.description ?? null, metadata: given.metadata ?? {} };
}

export function toCollectionPatch(given: z.output<typeof CollectionUpdateV1>): Partial<CollectionDraft> {
  return withoutUndefined(given);
}

export function toCollectionFilters({ agent_id }: z.output<typeof CollectionsSearchV1>) {
  return withoutUndefined({ agentId: agent_id });
}

/** @param embedder what is in force, for every collection. */
export function toCollectionV1(services: Pick<Services, "embedder" | "dense">) {
  return (collection: Collection): z.output<typeof CollectionV1> => ({
    collection_id: collection.id,
    name: collection.name,
    description: collection.description,
    agent_id: collection.agentId,
    metadata: collection.metadata,
    memory_count: collection.memoryCount,
    embedder: toEmbedderV1(embedderOf(services, collection)),
    deleted: collection.deletedAtMs !== null,
    created_at: toTimestamp(collection.createdAtMs),
    updated_at: toTimestamp(collection.updatedAtMs),
  });
}

function toEmbedderV1(state: EmbedderState | null): z.output<typeof CollectionV1>["embedder"] {
  return state && { id: state.id, dimensions: state.dimensions, needs_rebuild: state.needsRebuild };
}
