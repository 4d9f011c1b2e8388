import { z } from "@hono/zod-openapi";
import { SEARCH_WORDS_MAX, searchWordsOf } from "../../domain/recall/name-search";
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from "../../domain/page";
import type { NounSearch } from "../../services/basics/name-search";
import { MetadataV1 } from "./common.dto";

const QUERY_MAX_CHARACTERS = 200;

export const SEARCH_DESCRIPTION = [
  "What is given must all fit. Newest first, in pages: give `next_cursor` as `cursor`, with the same filters. A page may",
  "hold fewer items than its `limit` and still have a next one; the end is where `next_cursor` is null.",
].join("\n");

/** What every search of agents or collections takes. */
export const searchFieldsV1 = {
  query: z
    .string()
    .max(QUERY_MAX_CHARACTERS)
    .refine((text) => searchWordsOf(text).length > 0, { error: "Give at least one word." })
    .refine((text) => searchWordsOf(text).length <= SEARCH_WORDS_MAX, {
      error: `Give at most ${SEARCH_WORDS_MAX} words.`,
    })
    .openapi({
      description:
        "Words or their beginnings, in any order: each must begin a word of the name or of the description. Case and accents do not count.",
      example: "harb",
    }),
  metadata: MetadataV1.openapi({
    description: "Top-level keys, and the value that each must have: equal as JSON.",
    example: {},
  }),
  include_deleted: z.boolean().openapi({ description: "Whether deleted ones are found too.", example: false }),
  limit: z
    .number()
    .int()
    .min(1)
    .max(PAGE_SIZE_MAX)
    .openapi({ description: `How many items a page has. Default ${PAGE_SIZE_DEFAULT}.`, example: PAGE_SIZE_DEFAULT }),
  cursor: z.string().openapi({ description: "The `next_cursor` of the page before." }),
};

interface GivenSearchV1 {
  query?: string | undefined;
  metadata?: Record<string, unknown> | undefined;
  include_deleted?: boolean | undefined;
}

export function toNounSearch({ query, metadata, include_deleted }: GivenSearchV1): NounSearch {
  return { query: query ?? null, metadata: metadata ?? null, includeDeleted: include_deleted ?? false };
}
