import { z } from "@hono/zod-openapi";
import {
  LENGTH_BOUNDS,
  type MemoryFigures,
  type NamedCounts,
  REPEATS_MEMORIES_MAX,
  type TimeRange,
} from "../../domain/memories/memory-figures";
import { TimestampV1, toTimestamp } from "./common.dto";

const count = (description: string, example: number) => z.number().int().openapi({ description, example });

const RangeV1 = (description: string) =>
  z.object({ first: TimestampV1, last: TimestampV1 }).nullable().openapi({ description });

/** The figures alone: what they are of stands beside them. */
export const figuresV1 = {
  memories: count("How many there are.", 64),
  types: z
    .object({ observation: count("Of this type.", 60), integration: count("Of this type.", 4) })
    .openapi({ description: "How many are of each type." }),
  importances: z
    .array(z.number().int())
    .openapi({ description: "How many have importance 1, 2, … 10.", example: [0, 2, 5, 9, 30, 8, 6, 3, 1, 0] }),
  created: RangeV1("When they were added, from the first to the last; null without memories."),
  occurred: RangeV1("When they occurred, as far as known."),
  with_occurred_at: count("Say when they occurred.", 40),
  with_source: count("Are re-voiced: they name their source.", 0),
  with_external_id: count("Have an id of the client's.", 12),
  with_children: count("Sum up others.", 4),
  characters: z
    .object({
      total: count("Of all texts.", 6_400),
      mean: z.number().nullable().openapi({ description: "To one decimal.", example: 100 }),
      min: z.number().int().nullable().openapi({ example: 12 }),
      max: z.number().int().nullable().openapi({ example: 312 }),
    })
    .openapi({ description: "Lengths of the texts, in characters." }),
  lengths: z
    .array(
      z.object({
        up_to: z.number().int().nullable().openapi({ description: "Null: longer than all.", example: 100 }),
        memories: count("How many texts are so long, and longer than the class before.", 31),
      }),
    )
    .openapi({ description: "How long the texts are." }),
  accesses: count("How often recalls brought them up, in all.", 17),
  agents: z
    .array(
      z.object({
        agent_id: z.string().openapi({ example: "agent_6f1c8a523a3e4a529d0e2f6f1f0f7f11" }),
        memories: count("Of this agent.", 20),
      }),
    )
    .openapi({ description: "Whose memories they are, the most first; up to 50 agents." }),
  metadata_keys: z
    .array(z.object({ key: z.string().openapi({ example: "interview" }), memories: count("Have this key.", 30) }))
    .openapi({ description: "What stands in the metadata, the most frequent first; up to 50 keys." }),
  not_listed: count("Agents and keys of memories beyond those that are listed.", 0),
  repeated_texts: z
    .number()
    .int()
    .nullable()
    .openapi({
      description: `Memories whose text another has too, without the first of each. Null above ${REPEATS_MEMORIES_MAX.toLocaleString("en")} memories.`,
      example: 0,
    }),
};

export const AnalysisV1 = z
  .object({
    collection_id: z.string().openapi({ example: "collection_0b7e4c1d9a5f4e6c8d2b3a1f0e9d8c7b" }),
    ...figuresV1,
  })
  .openapi("AnalysisV1");

export function toAnalysisV1(collectionId: string, figures: MemoryFigures): z.infer<typeof AnalysisV1> {
  const { memories, types, importances, characters } = figures;
  const { total, min, max } = characters;
  const mean = memories === 0 ? null : Math.round((total / memories) * 10) / 10;
  return {
    collection_id: collectionId,
    memories,
    types: { observation: types.observation ?? 0, integration: types.integration ?? 0 },
    importances: [...importances],
    created: toRange(figures.created),
    occurred: toRange(figures.occurred),
    with_occurred_at: figures.withOccurredAt,
    with_source: figures.withSource,
    with_external_id: figures.withExternalId,
    with_children: figures.withChildren,
    characters: { total, mean, min, max },
    lengths: figures.lengths.map((texts, index) => ({ up_to: LENGTH_BOUNDS[index] ?? null, memories: texts })),
    accesses: figures.accesses,
    agents: mostFirst(figures.agents).map(([agent_id, memories]) => ({ agent_id, memories })),
    metadata_keys: mostFirst(figures.metadataKeys).map(([key, memories]) => ({ key, memories })),
    not_listed: figures.agents.others + figures.metadataKeys.others,
    repeated_texts: figures.repeats,
  };
}

function toRange(range: TimeRange | null) {
  return range && { first: toTimestamp(range.firstMs), last: toTimestamp(range.lastMs) };
}

function mostFirst({ counts }: NamedCounts): readonly (readonly [string, number])[] {
  return Object.entries(counts).toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
}
