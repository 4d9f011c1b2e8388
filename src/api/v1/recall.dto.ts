import { z } from "@hono/zod-openapi";
import { IMPORTANCE_MAX, IMPORTANCE_MIN } from "../../domain/memories/memory";
import { CONTEXT_TOKENS_DEFAULT, CONTEXT_TOKENS_MAX } from "../../domain/recall/prompt-context";
import type { RecallFilters } from "../../domain/recall/recall-filters";
import type { FoundMemory, MemorySearch, MemorySearchResult } from "../../services/recall/search-memories";
import {
  MemorySettingsV1,
  NAME_MAX_CHARACTERS,
  TimestampV1,
  toMemorySettings,
  toTimestampOrNull,
  withoutUndefined,
} from "./common.dto";
import { MemoryTypeV1, MemoryV1, toMemoryV1 } from "./memories.dto";

const QUERY_MAX_CHARACTERS = 8_000;
/** Each is looked for in every memory that a search looks through. */
const METADATA_KEYS_MAX = 5;
const METADATA_VALUE_MAX_CHARACTERS = 2_000;

const importance = (what: string, example: number) =>
  z.number().int().min(IMPORTANCE_MIN).max(IMPORTANCE_MAX).optional().openapi({ description: what, example });

const RecallFiltersV1 = z
  .strictObject({
    type: MemoryTypeV1.optional(),
    occurred_after: TimestampV1.optional().openapi({
      description: "It happened at this time or later; where that is unknown, it was added then.",
      example: "2000-01-01T00:00:00Z",
    }),
    occurred_before: TimestampV1.optional().openapi({
      description: "It happened before this time; where that is unknown, it was added before.",
      example: "2099-01-01T00:00:00Z",
    }),
    importance_min: importance("It is at least so important.", 1),
    importance_max: importance("It is at most so important.", 10),
    metadata: z
      .record(
        z.string().max(NAME_MAX_CHARACTERS),
        z.union([z.string().max(METADATA_VALUE_MAX_CHARACTERS), z.number(), z.boolean(), z.null()]),
      )
      .refine((value) => Object.keys(value).length <= METADATA_KEYS_MAX, {
        error: `Must have at most ${METADATA_KEYS_MAX} keys. Ask for fewer.`,
      })
      .optional()
      .openapi({
        description: `Its metadata has each of these keys, at the top, with just this value. At most ${METADATA_KEYS_MAX} keys.`,
        example: {},
      }),
  })
  .openapi("RecallFiltersV1");

export const MemorySearchV1 = z
  .strictObject({
    query: z
      .string()
      .min(1)
      .max(QUERY_MAX_CHARACTERS)
      .openapi({ description: "A question or a few words, in plain language.", example: "Who sold the boats?" }),
    memory_settings: MemorySettingsV1.optional(),
    filters: RecallFiltersV1.optional().openapi({
      description: "What may be found at all: what does not pass takes no place among the candidates.",
    }),
    update_access: z.boolean().optional().openapi({
      description: "Whether what is kept counts as used: `accessed_at`, `access_count`. Default true.",
      example: true,
    }),
    context_token_budget: z
      .number()
      .int()
      .min(0)
      .max(CONTEXT_TOKENS_MAX)
      .optional()
      .openapi({
        description: `How long \`context\` may be; a token counts as 4 characters. Default ${CONTEXT_TOKENS_DEFAULT}.`,
        example: CONTEXT_TOKENS_DEFAULT,
      }),
  })
  .openapi("MemorySearchV1", { example: { query: "Who sold the boats?", memory_settings: { max_memories: 5 } } });

const component = (description: string, example: number) => z.number().min(0).max(1).openapi({ description, example });

const RecalledMemoryV1 = z
  .object({
    memory: MemoryV1.openapi({ description: "As it was before this recall." }),
    score: component("The mean of the three components, weighted by the alphas.", 0.61),
    relevance: component("By its words: its share of a perfect answer to the query, whatever else was found.", 0.55),
    importance: component("Its importance of 1 to 10, as 0 to 1.", 0.67),
    recency: component("0.995 to the power of the hours since its last use, else since it was added.", 0.7),
    matched_terms: z
      .array(
        z.object({
          term: z.string().openapi({ description: "A word of the query.", example: "sold" }),
          word: z.string().openapi({ description: "What it met in the memory.", example: "bought" }),
          weight: component("1 the same word, 0.95 the same stem, else how alike the two words are.", 0.68),
        }),
      )
      .openapi({ description: "Why it matched by words; empty where it did by its vector alone." }),
    cosine: z.number().nullable().openapi({
      description: "Of the query's vector and the memory's, -1 to 1; null where no vectors were compared.",
      example: null,
    }),
  })
  .openapi("RecalledMemoryV1");

const count = (description: string, example: number) => z.number().int().openapi({ description, example });

const CollectionSummaryV1 = z
  .object({
    collections: z.array(
      z.object({
        collection_id: z.string().openapi({ example: "collection_0b7e4c1d9a5f4e6c8d2b3a1f0e9d8c7b" }),
        name: z.string().openapi({ example: "Summers at the harbour" }),
        memory_count: count("How many memories it has.", 64),
        candidates: count(
          "Of the newest that hold a word of the query or one near it: those that pass the filters.",
          7,
        ),
        found: count("How many of them are among `all_memories`: at most `top_k_vectors`.", 5),
      }),
    ),
    memory_count: count("Memories of all these collections.", 64),
    candidates: count("Candidates of all these collections.", 7),
    earliest_at: TimestampV1.nullable().openapi({ description: "When the first of `all_memories` happened." }),
    latest_at: TimestampV1.nullable().openapi({ description: "When the last of `all_memories` happened." }),
  })
  .openapi("CollectionSummaryV1", { description: "What was searched." });

export const MemorySearchResultV1 = z
  .object({
    all_memories: z.array(RecalledMemoryV1).openapi({ description: "The candidates, best first." }),
    filtered_memories: z
      .array(RecalledMemoryV1)
      .openapi({ description: "What the settings keep of them, best first." }),
    collection_summary: CollectionSummaryV1,
    context: z.string().openapi({
      description: "The kept memories in the order of time, one a line, for a prompt. What does not fit is left out.",
      example: "[2003-07-14] Marta sold 3 boats to her cousin Pavel.",
    }),
    context_chunks: z
      .array(
        z.object({
          memory_id: z.string().openapi({ example: "memory_5d0c7b1e2f3a4b5c8d9e0f1a2b3c4d5e" }),
          text: z.string().openapi({ example: "[2003-07-14] Marta sold 3 boats to her cousin Pavel." }),
          tokens: count("Its length, a token counted as 4 characters.", 13),
        }),
      )
      .openapi({ description: "The pieces of `context`." }),
    degraded: z.boolean().openapi({
      description:
        "True when memories may be missing that a whole search would find, because the embedder could not answer, some memories have no vector yet, or there are too many: `degraded_reason` says which.",
      example: false,
    }),
    degraded_reason: z.string().nullable().openapi({ example: null }),
  })
  .openapi("MemorySearchResultV1");

export function toMemorySearch(given: z.output<typeof MemorySearchV1>): MemorySearch {
  return {
    query: given.query,
    settings: toMemorySettings(given.memory_settings ?? {}),
    filters: toRecallFilters(given.filters ?? {}),
    updateAccess: given.update_access ?? true,
    contextTokenBudget: given.context_token_budget ?? CONTEXT_TOKENS_DEFAULT,
  };
}

function toRecallFilters(given: z.output<typeof RecallFiltersV1>): RecallFilters {
  return withoutUndefined({
    type: given.type,
    occurredFromMs: given.occurred_after === undefined ? undefined : Date.parse(given.occurred_after),
    occurredBeforeMs: given.occurred_before === undefined ? undefined : Date.parse(given.occurred_before),
    importanceMin: given.importance_min,
    importanceMax: given.importance_max,
    metadata: given.metadata,
  });
}

export function toMemorySearchResultV1(result: MemorySearchResult): z.output<typeof MemorySearchResultV1> {
  const { all, filtered, collections, context, degradedReason } = result;
  const happened = all.map(({ memory }) => memory.occurredAtMs ?? memory.createdAtMs);
  return {
    all_memories: all.map(toRecalledMemoryV1),
    filtered_memories: filtered.map(toRecalledMemoryV1),
    collection_summary: {
      collections: collections.map(({ collection, candidates, found }) => ({
        collection_id: collection.id,
        name: collection.name,
        memory_count: collection.memoryCount,
        candidates,
        found,
      })),
      memory_count: sum(collections.map(({ collection }) => collection.memoryCount)),
      candidates: sum(collections.map(({ candidates }) => candidates)),
      earliest_at: toTimestampOrNull(all.length === 0 ? null : Math.min(...happened)),
      latest_at: toTimestampOrNull(all.length === 0 ? null : Math.max(...happened)),
    },
    context: context.text,
    context_chunks: context.chunks.map(({ memoryId, text, tokens }) => ({ memory_id: memoryId, text, tokens })),
    degraded: degradedReason !== null,
    degraded_reason: degradedReason,
  };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, each) => total + each, 0);
}

function toRecalledMemoryV1({ memory, matches, cosine, ...found }: FoundMemory): z.output<typeof RecalledMemoryV1> {
  const { score, relevance, importance, recency } = found;
  return { memory: toMemoryV1(memory), score, relevance, importance, recency, matched_terms: [...matches], cosine };
}
